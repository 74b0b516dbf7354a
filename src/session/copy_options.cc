#include "session/copy_options.h"

#include "base/ignore_case.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/whole_file_rows.h"
#include "session/copy_target.h"
#include "session/names.h"

namespace millstream {
namespace errors {
inline constexpr ErrorClass kCopyIntoCredentialsNotAllowed{
    "COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON", "0A000", ExceptionKind::kAnalysis,
    "Invalid scheme <scheme>. COPY INTO source credentials currently only supports s3/s3n/s3a/wasbs/abfss."};
inline constexpr ErrorClass kCopyIntoEncryptionNotAllowed{"COPY_INTO_ENCRYPTION_NOT_ALLOWED_ON", "0A000", ExceptionKind::kAnalysis,
                                                          "Invalid scheme <scheme>. COPY INTO source encryption currently only supports s3/s3n/s3a/abfss."};
}  // namespace errors

namespace {

// What COPY_OPTIONS say of files that are known.
Status TakeFileOptions(const OptionValues& options, CopySourceOptions& source) {
  using Changed = CopySourceOptions::Changed;
  source.force = options.Bool("force");
  source.replay = options.Bool("replay");
  const std::string changed = options.String("changedFiles").value_or("ignored"), identity = options.String("fileIdentity").value_or("path");
  auto invalid = [](const char* option, const std::string& value, const char* expected) {
    return Status::IllegalArgument("COPY INTO: the option " + std::string(option) + " is " + expected + ", and not '" + value + "'.");
  };
  if (EqualsIgnoreCase(changed, "appended")) {
    source.changed = Changed::kAppended;
  } else if (EqualsIgnoreCase(changed, "replaced")) {
    source.changed = Changed::kReplaced;
  } else if (EqualsIgnoreCase(changed, "continued")) {
    return Status::Unsupported("COPY INTO with changedFiles = continued", "Load files that grow by a stream: cloudFiles.changedFiles = continued, with trigger(availableNow=True).");
  } else if (!EqualsIgnoreCase(changed, "ignored")) {
    return invalid("changedFiles", changed, "ignored, appended or replaced");
  }
  const std::string deleted = options.String("deletedFiles").value_or("ignored"), fraction = options.String("deletedFiles.maxFraction").value_or("0.5");
  source.deleted.removes_rows = EqualsIgnoreCase(deleted, "removed");
  if (!source.deleted.removes_rows && !EqualsIgnoreCase(deleted, "ignored")) return invalid("deletedFiles", deleted, "ignored or removed");
  const std::optional<double> fraction_max = ParseFraction(fraction);
  if (!fraction_max) return invalid("deletedFiles.maxFraction", fraction, "a number above 0, and up to 1");
  source.deleted.fraction_max = *fraction_max;
  source.deleted.confirm_after_ms = std::max<int64_t>(0, options.Int("deletedFiles.confirmAfter").value_or(0));
  MS_ASSIGN_OR_RETURN(source.zero_copy, ParseZeroCopy("zeroCopy", options.String("zeroCopy").value_or("off"), "COPY INTO", source.format));
  source.by_content = EqualsIgnoreCase(identity, "content");
  if (!source.by_content && !EqualsIgnoreCase(identity, "path")) return invalid("fileIdentity", identity, "path or content");
  if (source.force && (source.replay || source.changed != Changed::kIgnored)) {
    return Status::IllegalArgument("COPY INTO: force appends files that are known, and replay and changedFiles say something else of them. Leave force out.");
  }
  if (source.deleted.removes_rows && source.by_content) {
    return Status::IllegalArgument(
        "COPY INTO: with fileIdentity = content the rows of a file may stand for those of its duplicates, which deletedFiles = removed would take. Leave one of the "
        "two out.");
  }
  if (source.deleted.removes_rows && (!source.files.empty() || source.pattern)) {
    return Status::IllegalArgument("COPY INTO: deletedFiles = removed speaks of the whole source. Leave FILES and PATTERN out, or name its directory as the source.");
  }
  return Status();
}

}  // namespace

const OptionTable& CopyOptionTable() {
  static const OptionTable table(
      "COPY INTO (COPY_OPTIONS)",
      {{"changedFiles", OptionType::kString, "ignored",
        "A known file that has changed: ignored, appended (loaded once more) or replaced (its rows of before leave the table).", "0.3"},
       {"deletedFiles", OptionType::kString, "ignored", "What happens when a loaded file goes from the source: with removed its rows leave the table.", "0.5"},
       {"deletedFiles.maxFraction", OptionType::kString, "0.5", "When a larger part of the loaded files is gone, the statement stops.", "0.5"},
       {"deletedFiles.confirmAfter", OptionType::kDuration, "5 seconds", "A file is gone when it is so twice, so long apart.", "0.5"},
       {"fileIdentity", OptionType::kString, "path", "content: a file with the bytes of one that is known is not loaded.", "0.3"},
       {"force", OptionType::kBool, "false", "Load files that have been loaded before, too.", "0.2"},
       {"replay", OptionType::kBool, "false", "Load the files again, in the place of their rows.", "0.3"},
       {"onError", OptionType::kString, "",
        "What becomes of bad records: ABORT_STATEMENT (when nothing is said), CONTINUE (they are left out), SKIP_FILE, SKIP_FILE_<n>, SKIP_FILE_<p>%.", "0.5"},
       {"maxBadRecords", OptionType::kString, "", "So many bad records of all files, or <p>%, are left out; more of them stop the statement.", "0.5"},
       {"knownFrom", OptionType::kString, "", "A table, a checkpoint, or a table or file with a column path, whose files are known and not loaded.", "0.5"},
       {"quarantineTable", OptionType::kString, "", "The table (a name or a path) that keeps bad records.", "0.4"},
       {"zeroCopy", OptionType::kString, "off",
        "Parquet files become data files of the table as they are, where they fit: by a copy that shares blocks where it can (copy), or by a hard link (link).",
        "0.5"},
       {"mergeSchema", OptionType::kBool, "false", "Add columns of the files that the table does not have.", "0.2"}});
  return table;
}

Status CheckCopyFeatures(const CopyInto& command) {
  if (command.has_credential) return Status::Error(errors::kCopyIntoCredentialsNotAllowed, {{"scheme", "file"}});
  if (command.has_encryption) return Status::Error(errors::kCopyIntoEncryptionNotAllowed, {{"scheme", "file"}});
  const char* feature = command.by_position ? "BY POSITION" : !command.columns.empty() ? "column list" : nullptr;
  if (feature == nullptr) return Status();
  auto header = command.format_options.find("header");
  const bool has_header = header != command.format_options.end() && ParseBool(header->second).value_or(false);
  if (!EqualsIgnoreCase(command.format, "csv")) {
    return Status::Error(errors::kCopyIntoIncompatible, {{"feature", feature}, {"incompatibleSetting", "FILEFORMAT = " + command.format}});
  }
  if (has_header) return Status::Error(errors::kCopyIntoIncompatible, {{"feature", feature}, {"incompatibleSetting", "header = true"}});
  return Status();
}

Result<CopySourceOptions> CopyOptionsOf(const CopyInto& command, const OptionValues& options, bool refuses_empty_source) {
  CopySourceOptions wanted{.source = command.source,
                           .format = command.format,
                           .names_files = !command.files.empty() || command.files_query != nullptr,
                           .files = command.files,
                           .pattern = command.pattern,
                           .format_options = command.format_options,
                           .quarantines = options.Has("quarantineTable"),
                           .refuses_empty_source = refuses_empty_source};
  if (auto path = command.format_options.find("badRecordsPath"); path != command.format_options.end()) {
    if (wanted.quarantines) return Status::IllegalArgument("COPY INTO: quarantineTable keeps the bad records, and so does badRecordsPath. Leave one of the two out.");
    MS_ASSIGN_OR_RETURN(wanted.bad_records_path, PathFromUri(path->second));
    wanted.quarantines = true;
  }
  MS_RETURN_IF_ERROR(TakeFileOptions(options, wanted));
  MS_ASSIGN_OR_RETURN(wanted.errors, ErrorBudget::Parse(options.String("onError"), options.String("maxBadRecords"), wanted.quarantines, "COPY INTO"));
  if (command.validates) wanted.deleted.removes_rows = false;  // it writes nothing
  return wanted;
}

bool RepeatsRows(const PlanNode& analyzed) {
  if (analyzed.As<Generate>() || analyzed.As<Sample>()) return true;
  const std::vector<PlanPtr> inputs = ChildrenOf(analyzed);
  return inputs.size() > 1 || (inputs.size() == 1 && RepeatsRows(*inputs[0]));
}

bool KeepsRows(const PlanNode& analyzed) {
  if (analyzed.As<ScanRelation>() != nullptr) return true;
  if (analyzed.As<Project>() == nullptr && analyzed.As<SubqueryAlias>() == nullptr) return false;
  const std::vector<PlanPtr> inputs = ChildrenOf(analyzed);
  return inputs.size() == 1 && KeepsRows(*inputs[0]);
}

}  // namespace millstream
