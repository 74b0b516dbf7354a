#pragma once

// python_functions.h   foreachBatch and foreach with the user's pickled Python, run in a worker process that talks back to this server as the user's session.

#include <spark/connect/commands.pb.h>

#include <memory>

#include "doors/connect/connect_session.h"
#include "plan/command.h"

namespace millstream {

// Start the worker; errors of that are the caller's (StreamingPythonRunnerInitializationException).
Result<std::shared_ptr<BatchFunction>> MakePythonBatchFunction(ConnectSession& session, const spark::connect::StreamingForeachFunction& function,
                                                               const CancelToken& cancel);
Result<std::shared_ptr<RowsFunction>> MakePythonRowsFunction(ConnectSession& session, const spark::connect::StreamingForeachFunction& function,
                                                             const CancelToken& cancel);

}  // namespace millstream
