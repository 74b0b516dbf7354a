#include "doors/connect/artifacts.h"

#include <zlib.h>

namespace millstream {

namespace sc = spark::connect;

namespace {

bool CrcMatches(const sc::AddArtifactsRequest::ArtifactChunk& chunk) {
  uLong crc = crc32(0, reinterpret_cast<const Bytef*>(chunk.data().data()), static_cast<uInt>(chunk.data().size()));
  return static_cast<int64_t>(crc) == chunk.crc();
}

}  // namespace

Status ArtifactReceiver::Store(const std::string& name, std::string bytes, bool crc_ok) {
  if (!name.starts_with("cache/")) {
    return Status::Unsupported("The artifact '" + name + "' (spark.addArtifacts)", "Put the file where the server can read it.");
  }
  summaries_.emplace_back(name, crc_ok);
  return crc_ok ? session_.PutArtifact(name, std::move(bytes)) : Status();
}

Status ArtifactReceiver::TakeChunk(const sc::AddArtifactsRequest::ArtifactChunk& chunk) {
  if (chunks_left_ <= 0) return Status::IllegalArgument("A chunk came that belongs to no artifact.");
  crc_ok_ &= CrcMatches(chunk);
  bytes_ += chunk.data();
  if (static_cast<int64_t>(bytes_.size()) > bytes_max_) return Status::IllegalArgument("The artifact " + name_ + " is larger than announced.");
  if (--chunks_left_ > 0) return Status();
  return Store(name_, std::move(bytes_), crc_ok_);
}

Status ArtifactReceiver::Take(const sc::AddArtifactsRequest& request) {
  switch (request.payload_case()) {
    case sc::AddArtifactsRequest::kBatch:
      for (const auto& artifact : request.batch().artifacts()) {
        MS_RETURN_IF_ERROR(Store(artifact.name(), artifact.data().data(), CrcMatches(artifact.data())));
      }
      return Status();
    case sc::AddArtifactsRequest::kBeginChunk: {
      const auto& begin = request.begin_chunk();
      if (chunks_left_ > 0) return Status::IllegalArgument("The artifact " + name_ + " is not complete.");
      if (begin.total_bytes() < 0 || begin.total_bytes() > ConnectSession::kArtifactBytesMax) {
        return Status::IllegalArgument("The artifact " + begin.name() + " is too large.");
      }
      name_ = begin.name();
      bytes_.clear();
      bytes_max_ = begin.total_bytes();
      chunks_left_ = begin.num_chunks();
      crc_ok_ = true;
      return TakeChunk(begin.initial_chunk());
    }
    case sc::AddArtifactsRequest::kChunk:
      return TakeChunk(request.chunk());
    case sc::AddArtifactsRequest::PAYLOAD_NOT_SET:
      break;
  }
  return Status::IllegalArgument("AddArtifacts without a payload.");
}

Status ArtifactReceiver::Finish(sc::AddArtifactsResponse* response) {
  if (chunks_left_ > 0) return Status::IllegalArgument("The artifact " + name_ + " is not complete.");
  for (auto& [name, crc_ok] : summaries_) {
    auto* summary = response->add_artifacts();
    summary->set_name(name);
    summary->set_is_crc_successful(crc_ok);
  }
  return Status();
}

}  // namespace millstream
