#pragma once

// registered_files.h   Files of others that are data files of a table as they are (docs/zero_copy.md, docs/decisions/0015-lineage-of-whole-files.md). Their
// footers are not ours, so a tag of their `add` says which source file they are, and their names that they have such a tag.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "delta/actions.h"
#include "storage/fs.h"
#include "types/whole_files.h"

namespace millstream {

// Of the source file's path, percent-encoded.
inline constexpr char kSourceFileTag[] = "millstream.source_file";
// Data files that begin so (`registered-00003-<uuid>-c000.parquet`) have the tag.
inline constexpr std::string_view kRegisteredPrefix = "registered-";

// By the path of its `add`.
bool IsRegisteredFile(const std::string& path);
// The source file that a data file is (raw path); nullopt: its tags do not say that it is one.
std::optional<std::string> SourceOfRegistered(const AddFile& add);

// Why a table takes no whole files; empty: it does.
std::string WhyNoWholeFiles(const Metadata& table, const StructType& rows);

// Brings a file into the table's directory as `name`, durable but for the directory. Links only what VACUUM leaves alone until the commit names it: it goes by
// times of change, so that a file that has not changed for half of `retention_ms` is copied. MILLSTREAM_SOURCE_FILE_CHANGED (retryable),
// MILLSTREAM_CANNOT_LINK_FILE.
struct RegisteredFile {
  AddFilePtr add;
  int64_t rows = 0, bytes = 0;
};
struct RegisterOptions {
  StructType schema;  // of the table's data files
  int stats_columns_max = 32;
  int64_t retention_ms = 0;
};
Result<RegisteredFile> RegisterFile(Fs& fs, Clock& clock, const std::string& table_path, const std::string& name, const WholeFile& file,
                                    const RegisterOptions& options);

}  // namespace millstream
