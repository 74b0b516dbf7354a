#pragma once

// worker_script.h   The text of millstream_worker.py, which the build puts into the program.

#include <string_view>

namespace millstream {

extern const std::string_view kWorkerScript;

}  // namespace millstream
