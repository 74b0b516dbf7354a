#include "session/stream_file_requests.h"

#include <arrow/array.h>

#include <algorithm>
#include <map>

#include "connectors/files/cloud_files_state.h"
#include "connectors/files/file_requests.h"
#include "session/result_table.h"

namespace millstream {
namespace {

// To load an undone file again is all that can bring its rows back: the table's versions know nothing of the stream.
FileOperation OperationOf(std::string_view request) {
  return request == "UNDO" ? FileOperation::kUndo : request == "FORGET" ? FileOperation::kForget : FileOperation::kReplay;
}

// Whether the request means something for a file in this ingestion_state; empty: it waits.
bool Applies(std::string_view request, std::string_view state) {
  const bool is_in_table = state == "PROCESSING" || state == "INGESTED";
  if (request == "UNDO") return state.empty() || is_in_table;
  if (request == "REDO") return state == "UNDONE";
  if (request == "FORGET") return state != "REPLACED" && state != "REMOVED";
  return is_in_table || state == "UNDONE" || state == "SKIPPED_CORRUPTED" || state == "SKIPPED_MISSING" || state == "FAILED" || state == "SKIPPED_EXISTING";
}

}  // namespace

Result<QueryResult> WriteStreamRequest(Fs& fs, Clock& clock, const std::string& request, const std::string& checkpoint, RowStream& files) {
  MS_ASSIGN_OR_RETURN(const std::string path, PathFromUri(checkpoint));
  MS_ASSIGN_OR_RETURN(std::vector<CloudFilesLedger> ledgers, FindCloudFilesLedgers(fs, path));
  std::map<std::string, std::unique_ptr<FileRequestWriter>, std::less<>> writers;  // by source
  int64_t requested = 0;
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, files.Next());
    if (batch == nullptr) break;
    auto text = [&](int column) -> const arrow::StringArray& { return static_cast<const arrow::StringArray&>(*batch->column(column)); };
    const arrow::StringArray &uris = text(0), &sources = text(1), &states = text(2);
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (!Applies(request, states.IsNull(row) ? std::string_view() : states.GetView(row))) continue;
      auto writer = writers.find(sources.GetView(row));
      if (writer == writers.end()) {
        const auto ledger = std::find_if(ledgers.begin(), ledgers.end(), [&](const CloudFilesLedger& known) { return known.id == sources.GetView(row); });
        if (ledger == ledgers.end()) return Status::Internal("cloud_files_state shows a source that the checkpoint does not have");
        MS_ASSIGN_OR_RETURN(std::unique_ptr<FileRequestWriter> begun, FileRequestWriter::Begin(fs, clock, ledger->source_directory, OperationOf(request)));
        writer = writers.emplace(ledger->id, std::move(begun)).first;
      }
      constexpr std::string_view kScheme = "file://";
      MS_RETURN_IF_ERROR(writer->second->Add(DecodeUriPath(uris.GetView(row).substr(kScheme.size()))));
      ++requested;
    }
  }
  for (auto& [id, writer] : writers) MS_RETURN_IF_ERROR(writer->Publish().status());
  ResultTable result(StructType({{"num_requested_files", DataType::Long()}, {"note", DataType::String()}}));
  result.AddRow({Value{requested}, TextValue(requested > 0 ? "takes effect with the next batch of the stream"
                                                           : "no chosen file is in a state for this: see ingestion_state of cloud_files_state")});
  return result.Finish();
}

}  // namespace millstream
