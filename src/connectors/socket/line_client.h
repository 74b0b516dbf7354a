#pragma once

// line_client.h   A connection that is read in the background, line by line.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace millstream {

struct ReceivedLine {
  std::string text;
  int64_t at_ms = 0;
};

// Thread-safe.
class LineClient {
 public:
  // Connects and begins to read. Ends its thread when it is destroyed.
  static Result<std::unique_ptr<LineClient>> Connect(const std::string& host, int port, Clock& clock);
  ~LineClient();
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;

  // How many lines there have been.
  int64_t count() const;
  // Lines [from, to); `from` must not be released.
  std::vector<ReceivedLine> Lines(int64_t from, int64_t to) const;
  // Lines before `to` are not asked for again.
  void Release(int64_t to);

 private:
  LineClient(int socket, Clock& clock);
  void Read();
  void Append(std::string line);

  const int socket_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<ReceivedLine> lines_;  // GUARDED_BY(mutex_): from released_ on
  int64_t released_ = 0;             // GUARDED_BY(mutex_)
  std::thread reader_;
};

}  // namespace millstream
