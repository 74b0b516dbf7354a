#pragma once

// copy_options.h   What a COPY INTO asks for, for itself and for its dry run.

#include "base/option_table.h"
#include "connectors/files/copy_source.h"
#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

const OptionTable& CopyOptionTable();
// Features that the statement asks for and that do not go together, or are not here: COPY_INTO_FEATURE_INCOMPATIBLE_SETTING …
Status CheckCopyFeatures(const CopyInto& command);
// `options`: COPY_OPTIONS, parsed.
Result<CopySourceOptions> CopyOptionsOf(const CopyInto& command, const OptionValues& options, bool refuses_empty_source);
// Each row of the files is a row of the table: nothing in the plan filters or repeats them.
bool KeepsRows(const PlanNode& analyzed);
// A row of the files may be several rows of the table.
bool RepeatsRows(const PlanNode& analyzed);

}  // namespace millstream
