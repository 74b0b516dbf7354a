#pragma once

// cloud_files_options.h   The options of format("cloudFiles"), checked.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/option_table.h"
#include "connectors/files/batch_plan.h"
#include "connectors/files/error_budget.h"
#include "connectors/files/evolution_policy.h"
#include "connectors/files/file_order.h"
#include "connectors/files/gone_files.h"
#include "connectors/files/schema_hints.h"
#include "formats/path_glob.h"
#include "types/whole_files.h"

namespace millstream {

// A file that has changed since it was loaded stays as it was loaded, is loaded once more, is loaded in the place of its rows, or from where it had ended.
enum class ChangedFiles { kIgnored, kAppended, kReplaced, kContinued };

// cloudFiles.cleanSource*
struct CleanSourceOptions {
  enum class Mode { kOff, kDelete, kMove, kTag } mode = Mode::kOff;
  std::vector<std::string> consumers;  // checkpoints and tables that must have committed a file, too: raw paths
  int64_t retention_ms = 0;      // from the moment when the batch was committed
  std::string move_destination;  // of kMove; a path without "." and ".."
  bool waits = false;            // availableNow ends when all that is due is cleaned
};

struct CloudFilesOptions {
  std::string format;                          // lower case
  std::optional<std::string> schema_location;  // raw path
  std::optional<SchemaEvolutionMode> evolution_mode;
  std::vector<EvolutionRule> evolution_rules;
  std::vector<SchemaHint> schema_hints;
  bool infer_column_types = false;
  bool include_existing_files = true;
  BatchLimits limits;
  std::optional<std::vector<std::string>> partition_columns;  // empty list: none at all
  ChangedFiles changed_files = ChangedFiles::kIgnored;
  bool identity_by_content = false;
  int64_t settle_ms = 0;
  bool shared_listing = true;  // with the other streams of this process
  std::optional<int64_t> max_file_age_ms, backfill_interval_ms;
  std::optional<int64_t> file_retries_max;
  CleanSourceOptions clean_source;
  DeletedFilesOptions deleted_files;
  PathGlob::Mode globber = PathGlob::Mode::kLoose;
  std::optional<NameGlob> name_filter;
  std::optional<std::string> rescued_data_column;
  std::optional<std::string> quarantine_table;  // a name or a path, as written
  ErrorBudget errors;
  std::optional<std::string> known_from;  // a name or a path, as written
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  std::string start_after;  // as the user wrote it, until Resolve: an absolute path; empty: none
  FileOrder file_order = FileOrder::kDiscovery;
  std::optional<int64_t> batch_duration_max_ms;
  std::optional<WholeFileMode> zero_copy;  // nullopt: off
  std::optional<std::string> path;
  OptionMap reader_options;  // all that is not cloudFiles.*

  // What can only be judged when the load path is known.
  Status Resolve(const PathGlob& glob);
};

const OptionTable& CloudFilesOptionTable();
// Known at Databricks and without a meaning here; `harmless` (lower case) is the value that asks for nothing.
struct UnsupportedOption {
  std::string_view name, harmless, hint;
};
std::span<const UnsupportedOption> UnsupportedCloudFilesOptions();
// What every file reader takes beside the options of its format.
const OptionTable& GenericFileOptionTable();

// `format_options`: the option table of a format, null when unknown. Errors: MILLSTREAM_UNKNOWN_OPTION (unless cloudFiles.validateOptions is
// false), MILLSTREAM_INVALID_OPTION_VALUE, MILLSTREAM_UNSUPPORTED for what is not built yet and set to more than its default.
Result<CloudFilesOptions> ParseCloudFilesOptions(const OptionMap& user, const OptionTable* (*format_options)(const std::string&), const std::string& time_zone);

// "2026-01-02T03:04:05" in the session's time zone → ns since the epoch.
Result<int64_t> ParseModifiedTime(const std::string& option, const std::string& text, const std::string& time_zone);

}  // namespace millstream
