#pragma once

// python_code.h   A user's Python function in a plan: the engine calls it through a process of its own, rows in and rows out.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/row_stream.h"

namespace millstream {

// One step of the talk with such a process: what to do (a JSON object), and the rows for it.
struct PythonMessage {
  std::string json;
  std::vector<RecordBatchPtr> tables;
};

// Not thread-safe. Ends with its object.
class PythonProcess {
 public:
  virtual ~PythonProcess() = default;
  // Sends and waits for the answer: the user's exception is PYTHON_EXCEPTION with its traceback. `cancelled` is asked meanwhile; true ends the process and
  // the call with OPERATION_CANCELED.
  virtual Result<PythonMessage> Exchange(const PythonMessage& message, const std::function<bool()>& cancelled) = 0;
};

// A function as the client has pickled it, with the interpreter that can run it. Thread-safe.
class PythonCode {
 public:
  virtual ~PythonCode() = default;
  virtual const std::string& name() const = 0;  // of the function
  // `mode` says how the function is called, `settings` (a JSON object) with what; millstream_worker.py knows both.
  virtual Result<std::unique_ptr<PythonProcess>> Start(const std::string& mode, const std::string& settings, const std::function<bool()>& cancelled) const = 0;
};

}  // namespace millstream
