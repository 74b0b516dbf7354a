#pragma once

// features.h   Which tables we can read and write rightly. Everything else is refused by the names of the features.

#include <string>

#include "base/status.h"
#include "delta/actions.h"

namespace millstream {

// DELTA_INVALID_PROTOCOL_VERSION, DELTA_UNSUPPORTED_FEATURES_FOR_READ.
Status CheckReadable(const Protocol& protocol, const Metadata& metadata, const std::string& table_path);
// Also whether the table uses what a writer must enforce and we cannot yet: identity columns, defaults, column mapping …
// DELTA_UNSUPPORTED_FEATURES_FOR_WRITE.
Status CheckWritable(const Protocol& protocol, const Metadata& metadata, const std::string& table_path);

// The protocol of a new table: the oldest that can hold it.
Protocol ProtocolForNewTable(const StructType& schema);
// `current` with a table feature by name, which readers must know too when `for_readers` is set.
Protocol ProtocolWithFeature(Protocol current, const std::string& feature, bool for_readers);
// `current`, as far as CHECK constraints need it.
Protocol ProtocolWithConstraints(Protocol current);
// `current`, raised as far as the schema needs it.
Protocol ProtocolWith(Protocol current, const StructType& schema);

enum class ColumnMappingMode { kNone, kName, kId };
ColumnMappingMode MappingModeOf(const Metadata& metadata);

// Deepest-first search for a type.
bool HoldsType(const DataType& type, TypeId id);

}  // namespace millstream
