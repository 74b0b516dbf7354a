#pragma once

// server.h   The Spark Connect door: a gRPC server on this machine's loopback address.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "session/session.h"

namespace millstream {

struct ConnectServerOptions {
  std::string host = "localhost";  // localhost, 127.0.0.1 or ::1
  int port = 15002;                // 0: any free one
};

class ConnectServer {
 public:
  // Starts to serve. `engine` outlives the server. Errors: the port is taken; the host is not this machine.
  static Result<std::unique_ptr<ConnectServer>> Start(Engine& engine, const ConnectServerOptions& options);
  virtual ~ConnectServer() = default;

  virtual int port() const = 0;
  // Ends all calls and sessions. Streams get `grace_ms` to end their batch. Idempotent.
  virtual void Stop(int64_t grace_ms) = 0;
  // Running streams of all sessions, for a progress line or page.
  virtual std::vector<StreamingQueryPtr> ActiveQueries() = 0;
  // As ActiveQueries, and those of open sessions that have ended within the last hour.
  virtual std::vector<StreamingQueryPtr> RecentQueries() = 0;
};

}  // namespace millstream
