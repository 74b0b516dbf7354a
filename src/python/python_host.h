#pragma once

// python_host.h   The process of one interpreter that the Python workers are forked from (millstream_host.py, compiled in).

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/status.h"

namespace millstream {

// Thread-safe. Its destructor closes the connection, which ends the process.
class PythonHost {
 public:
  // The host of the interpreter `python` (a path, or a name to look up in PATH), started when there is none. kPythonRunnerInitialization when it cannot be started.
  static Result<std::shared_ptr<PythonHost>> Of(const std::string& python);
  ~PythonHost();
  PythonHost(const PythonHost&) = delete;
  PythonHost& operator=(const PythonHost&) = delete;

  // The process id of a new worker that talks over `socket`, which stays the caller's; nullopt when the host has ended.
  Result<std::optional<int>> Fork(int socket);
  // The status, as waitpid gives it, of a worker that has ended; nullopt while it runs. Once it has been given, the id may belong to another process.
  std::optional<int> Ended(int pid);
  // The host of `python` has ended: the next Of starts another.
  static void Forget(const std::string& python, const std::shared_ptr<PythonHost>& host);

 private:
  PythonHost(int socket, int pid) : socket_(socket), pid_(pid) {}
  // The host's answer to a packet, empty when it has ended.
  std::string Ask(const std::string& packet, int descriptor);

  std::mutex mutex_;  // one question at a time
  int socket_;
  const int pid_;
};

}  // namespace millstream
