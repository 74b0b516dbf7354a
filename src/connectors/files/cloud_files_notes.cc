// cloud_files_notes.cc   What a cloudFiles source writes into its ledger about itself when it starts.

#include "connectors/files/cloud_files_source.h"
#include "connectors/files/file_proof.h"
#include "connectors/files/known_elsewhere.h"
#include "connectors/files/schema_versions.h"
#include "storage/failpoint.h"

namespace millstream {

// knownFrom: what is known elsewhere is noted as existing before the first number is given. The note comes last: killed before it, the next start looks again.
Status CloudFilesSource::NoteKnown(const std::string& spill_directory) {
  if (!definition_.open_known || ledger_->last_number() != 0) return Status();
  MS_ASSIGN_OR_RETURN(std::string noted, ledger_->GetNote(kKnownFromNote));
  if (!noted.empty()) return Status();
  MS_ASSIGN_OR_RETURN(std::shared_ptr<KnownElsewhere> known, definition_.open_known(spill_directory));
  MS_FAILPOINT("files.known.before_sweep");
  MS_RETURN_IF_ERROR(discovery_.SweepKnown([known](const std::string& path) { return known->Contains(path); }));
  MS_RETURN_IF_ERROR(ledger_->Sync());
  MS_FAILPOINT("files.known.after_sync");
  return ledger_->PutNote(kKnownFromNote, known->from());
}

// For statements that have nothing but the checkpoint: VERIFY FILES IN STREAM, REVERT SCHEMA OF STREAM.
Status CloudFilesSource::NoteSource() {
  const CloudFilesOptions& options = definition_.options;
  std::string name_filter;
  for (const char* name : {"pathGlobFilter", "fileNamePattern"}) {
    if (auto filter = options.reader_options.find(name); filter != options.reader_options.end()) name_filter = filter->second;
  }
  const std::string note =
      EncodeSourceNote(definition_.glob.pattern(), options.globber, name_filter, options.modified_after_ns, options.modified_before_ns, options.start_after);
  MS_ASSIGN_OR_RETURN(std::string noted, ledger_->GetNote(kSourceNote));
  if (noted != note) MS_RETURN_IF_ERROR(ledger_->PutNote(kSourceNote, note));
  const std::string location = definition_.schema_location.value_or("");
  MS_ASSIGN_OR_RETURN(std::string noted_location, ledger_->GetNote(kSchemaLocationNote));
  return noted_location == location ? Status() : ledger_->PutNote(kSchemaLocationNote, location);
}

}  // namespace millstream
