#pragma once

// artifacts.h   AddArtifacts: data that a client sends once and names by its hash later. Only the cache of local relations is taken; files, JARs and
// Python code are refused, since nothing here runs them.

#include <spark/connect/base.pb.h>

#include <string>

#include "doors/connect/connect_session.h"

namespace millstream {

class ArtifactReceiver {
 public:
  explicit ArtifactReceiver(ConnectSession& session) : session_(session) {}

  // One message of the stream, in order.
  Status Take(const spark::connect::AddArtifactsRequest& request);
  Status Finish(spark::connect::AddArtifactsResponse* response);

 private:
  Status Store(const std::string& name, std::string bytes, bool crc_ok);
  Status TakeChunk(const spark::connect::AddArtifactsRequest::ArtifactChunk& chunk);

  ConnectSession& session_;
  std::string name_, bytes_;  // the chunked artifact that is being received
  int64_t chunks_left_ = 0, bytes_max_ = 0;
  bool crc_ok_ = true;
  std::vector<std::pair<std::string, bool>> summaries_;
};

}  // namespace millstream
