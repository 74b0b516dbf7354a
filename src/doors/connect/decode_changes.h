#pragma once

// decode_changes.h   Requests that change rows of a table → our commands.

#include <delta_connect.pb.h>

#include "doors/connect/plan_decoder.h"

namespace millstream {

Result<Command> DecodeDelete(PlanDecoder& decoder, const delta::connect::DeleteFromTable& message);
Result<Command> DecodeUpdate(PlanDecoder& decoder, const delta::connect::UpdateTable& message);
Result<Command> DecodeMerge(PlanDecoder& decoder, const delta::connect::MergeIntoTable& message);
// df.mergeInto("t", condition)
Result<Command> DecodeMergeInto(PlanDecoder& decoder, const spark::connect::MergeIntoTableCommand& message);

}  // namespace millstream
