#pragma once

// state_table.h   The state of a query as a table: spark.read.format("statestore") and format("state-metadata").
//
// Both are read from the checkpoint, also while the query runs. Operators are numbered as Spark numbers them, from the top of the plan.

#include "base/option_table.h"
#include "connectors/api/table.h"
#include "storage/fs.h"

namespace millstream {

const OptionTable& StateTableOptions();

// key STRUCT, value STRUCT, partition_id INT of one store after a batch; with readChangeFeed what each batch has changed (batch_id, change_type and these).
// STDS_… errors as Spark's.
Result<RelationSourcePtr> OpenStateTable(Fs& fs, const std::string& checkpoint, const OptionMap& options);
// A row for each store of each operator.
Result<RelationSourcePtr> OpenStateMetadataTable(Fs& fs, const std::string& checkpoint);

}  // namespace millstream
