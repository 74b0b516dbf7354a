// cloud_files_retraction.cc   Whose rows leave the table with a batch of a cloudFiles source, and what becomes of files whose rows cannot be found.

#include <algorithm>

#include "connectors/files/cloud_files_source.h"

namespace millstream {

Status CloudFilesSource::SetRetractionSupport(Status possible) {
  can_retract_ = std::move(possible);
  if (can_retract_.ok()) return Status();
  if (definition_.options.deleted_files.removes_rows) return Status(can_retract_).While("while starting with cloudFiles.deletedFiles = removed");
  if (definition_.options.changed_files != ChangedFiles::kReplaced) return Status();
  return Status(can_retract_).While("while starting with cloudFiles.changedFiles = replaced");
}

Result<std::vector<std::string>> CloudFilesSource::RetractedFiles(const std::optional<StreamOffset>& start, const StreamOffset& end) {
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset after, DecodeCloudFilesOffset(start));
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset through, DecodeCloudFilesOffset(end));
  MS_RETURN_IF_ERROR(CheckLedgerReaches(through));
  MS_ASSIGN_OR_RETURN(RequestTaker::Leaving leaving, requests_.LeavingPaths(after.request, through.request));
  std::vector<std::string> paths = std::move(leaving.paths);
  undone_ = leaving.undone;
  removed_ = leaving.removed;
  MS_ASSIGN_OR_RETURN(std::vector<Replacement> replacements, ledger_->Replacements(after.number, through.number));
  replaced_ = 0;
  if (!replacements.empty()) {
    MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, FilesOf(after.number, through.number));
    auto replacement = replacements.begin();
    for (NumberedFile& file : files) {
      while (replacement != replacements.end() && replacement->number < file.number) ++replacement;
      if (replacement == replacements.end()) break;
      if (replacement->number != file.number) continue;
      paths.push_back(std::move(file.path));
      ++replaced_;
    }
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

Status CloudFilesSource::KeepRetractedRows(const std::optional<StreamOffset>& start, const StreamOffset& end, const Status& why) {
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset after, DecodeCloudFilesOffset(start));
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset through, DecodeCloudFilesOffset(end));
  const std::string reason = "its rows stay, for they cannot all be found: " + why.text();
  // Loaded beside the rows that they were to replace, these files would be there twice.
  MS_ASSIGN_OR_RETURN(std::vector<Replacement> replacements, ledger_->Replacements(after.number, through.number));
  for (const Replacement& replacement : replacements) {
    MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(replacement.number));
    if (fate.is_left_out()) continue;
    fate.skipped = FileFate::Skipped::kFailed;
    fate.reason = reason;
    MS_RETURN_IF_ERROR(ledger_->StageFate(replacement.number, fate));
    MS_ASSIGN_OR_RETURN(std::optional<FileFate> before, ledger_->FindFate(replacement.replaced));
    if (!before || before->retracted != FileFate::Retracted::kReplaced) continue;
    before->retracted = FileFate::Retracted::kNo;
    MS_RETURN_IF_ERROR(ledger_->StageFate(replacement.replaced, *before));
  }
  return requests_.SetAside(after.request, through.request, reason);
}

}  // namespace millstream
