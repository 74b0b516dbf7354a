#pragma once

// python_worker.h   A Python process that runs one user function, batch after batch: the user's own Python, with the PySpark client that it has.
//
// The worker is our own script (millstream_worker.py, compiled in), so that one protocol serves every PySpark version. It is forked from a process that has
// loaded pandas and pyarrow (python_host.h), and ends when its end of the socket is closed, so it never outlives the server.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace millstream {

class PythonHost;

namespace errors {
inline constexpr ErrorClass kPythonRunnerInitialization{"STREAMING_PYTHON_RUNNER_INITIALIZATION_FAILURE", "XXKST", ExceptionKind::kStreamingPythonRunner,
                                                        "Streaming Runner initialization failed, returned <resFromPython>. Cause: <msg>"};
inline constexpr ErrorClass kPythonException{"PYTHON_EXCEPTION", "38000", ExceptionKind::kPython, "<msg>: <traceback>"};
inline constexpr ErrorClass kPythonVersionMismatch{
    "PYTHON_VERSION_MISMATCH", "42K0L", ExceptionKind::kPython,
    "Python in worker has different version: <worker> than that in driver: <driver>, PySpark cannot run with different minor versions. Please check "
    "environment variables PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON are correctly set."};
inline constexpr ErrorClass kPythonWorkerDied{"", "", ExceptionKind::kSpark, "Python worker exited unexpectedly (crashed): <how>"};
}  // namespace errors

struct PythonFunction {
  std::string python;          // the interpreter: a path, or a name to look up in PATH
  std::string python_version;  // "3.11": of the client that pickled the function
  std::string mode;            // a runner of millstream_worker.py: "foreachBatch", "foreach", "groupsWithState", …
  std::string pickled;
  std::string url;              // of the Connect server and session that the function talks to; foreachBatch only
  std::string settings = "{}";  // more, for the runner: a JSON object
};

// The interpreter that a server runs user functions with: `configured` (spark.pyspark.python), PYSPARK_PYTHON, the active virtual environment, python3.
std::string ChoosePython(const std::string& configured);

// Not thread-safe. `cancelled` is asked while waiting; true ends the process and the call with OPERATION_CANCELED.
class PythonWorker {
 public:
  using Cancelled = std::function<bool()>;
  // Starts the process and has it unpickle the function.
  static Result<std::unique_ptr<PythonWorker>> Start(const PythonFunction& function, const Cancelled& cancelled);
  ~PythonWorker();
  PythonWorker(const PythonWorker&) = delete;
  PythonWorker& operator=(const PythonWorker&) = delete;

  Status Send(char kind, std::string_view payload, const Cancelled& cancelled);
  // Waits for the worker's answer: its payload, or as Finish.
  Result<std::string> Receive(const Cancelled& cancelled);
  // Waits for the worker's answer: ok, or the user's exception with its traceback (kPythonException), or kPythonWorkerDied.
  Status Finish(const Cancelled& cancelled);

 private:
  PythonWorker(int socket, std::shared_ptr<PythonHost> host, int pid, std::string python_version)
      : socket_(socket), host_(std::move(host)), pid_(pid), python_version_(std::move(python_version)) {}
  Status Write(const char* data, size_t size, const Cancelled& cancelled);
  Status Read(char* data, size_t size, const Cancelled& cancelled);
  Status Wait(int events, const Cancelled& cancelled);
  Status Died();
  // Asks the host, which ends what the worker has forked along with it.
  bool HasEnded();
  bool EndedWithin(int64_t grace_ms);
  void End();

  int socket_;
  const std::shared_ptr<PythonHost> host_;
  int pid_;                   // 0: it has ended, and the id may be another process's
  std::optional<int> ended_;  // how, as waitpid gives it
  const std::string python_version_;  // of the client
};

}  // namespace millstream
