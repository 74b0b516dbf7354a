#pragma once

// python_process.h   plan/python_code.h with a worker process (python/python_worker.h) and rows as Arrow IPC.

#include <spark/connect/expressions.pb.h>

#include <memory>

#include "doors/connect/connect_session.h"
#include "plan/python_code.h"

namespace millstream {

// Only notes the function: its process is started by who runs the plan.
Result<std::shared_ptr<const PythonCode>> MakePythonCode(ConnectSession& session, const spark::connect::CommonInlineUserDefinedFunction& function);

}  // namespace millstream
