#pragma once

// worker_script.h   The text of worker_start.py and of the modules that it runs, which the build puts into the program.

#include <string_view>

namespace millstream {

extern const std::string_view kWorkerScript;

}  // namespace millstream
