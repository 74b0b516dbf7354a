#pragma once

// schema_evolution.h   How the inferred schema of a stream follows its files: new columns, wider types and new key=value directories become the next version of
// the schema log, as far as the policy lets them.

#include <optional>
#include <vector>

#include "base/error_class.h"
#include "connectors/files/cloud_files_relation.h"
#include "connectors/files/partition_paths.h"

namespace millstream::errors {

// kNewFieldsInFile where the mode or the policy says fail: the next start fails again, so this one promises no retry.
inline constexpr ErrorClass kNewFieldsRefused{
    "UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE", "KD003", ExceptionKind::kRuntime,
    "Encountered unknown fields during parsing: [<unknownFields>], which can be fixed by an automatic retry: false. Change the schema or its hints, "
    "set another cloudFiles.schemaEvolutionMode (or another rule for the columns), or take the file away."};

}  // namespace millstream::errors

namespace millstream {

// Merges what `files` have and the latest version lacks into the next version, which says why it is there. Idempotent. `batch`: for which the files are read.
// False: the latest version has it all.
// Errors: UNKNOWN_FIELD_EXCEPTION for what the policy wants to fail; nothing is added then.
Result<bool> EvolveSchema(const CloudFilesDefinition& definition, const std::vector<InputFile>& files, std::optional<int64_t> batch);

// Whether the paths of `files` have keys that the schema lacks and the policy adds, or values for which it makes a partition column wider.
bool HasNewPartitions(const CloudFilesDefinition& definition, const std::vector<InputFile>& files);

// Partition columns of the first version, for which all files count: where the policy adds columns, the keys of all of them.
StructType FirstPartitions(const PartitionInference& inference, const EvolutionPolicy& policy);

}  // namespace millstream
