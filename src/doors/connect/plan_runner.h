#pragma once

// plan_runner.h   Runs what an ExecutePlan asks for and puts the answers into its Operation.

#include <spark/connect/base.pb.h>

#include "doors/connect/connect_session.h"

namespace millstream {

// On a big stack. Always ends the operation: with its last answer or with an error.
void RunPlan(ConnectSession& session, const OperationPtr& operation, const spark::connect::Plan& plan);

// A plan that may be zstd-compressed, as it was. Error: broken data, or larger than kPlanBytesMax.
inline constexpr size_t kPlanBytesMax = size_t{512} << 20;
Result<const spark::connect::Plan*> Decompressed(const spark::connect::Plan& plan, spark::connect::Plan* space);

// streaming_commands.cc
Status RunStreamStart(ConnectSession& session, Operation& operation, const spark::connect::WriteStreamOperationStart& start);
Status RunStreamCommand(ConnectSession& session, Operation& operation, const spark::connect::StreamingQueryCommand& command);
Status RunStreamManagerCommand(ConnectSession& session, Operation& operation, const spark::connect::StreamingQueryManagerCommand& command);
// `held`: the operation's stream stays open after the call; the listener bus ends it.
Status RunListenerBusCommand(ConnectSession& session, const OperationPtr& operation, const spark::connect::StreamingQueryListenerBusCommand& command,
                             bool* held);

}  // namespace millstream
