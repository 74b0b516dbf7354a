#pragma once

// progress_line.h   One line at the bottom of a terminal that says what the running streams do.

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "doors/connect/server.h"

namespace millstream {

// Writes to stderr while it lives, if that is a terminal. `server` outlives it.
class ProgressLine {
 public:
  explicit ProgressLine(ConnectServer& server);
  ~ProgressLine();

  // What is shown: "bronze: batch 3, 12,000 rows, 60,000 rows/s". Empty: nothing runs.
  static std::string Text(ConnectServer& server);

 private:
  void Loop();

  ConnectServer& server_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace millstream
