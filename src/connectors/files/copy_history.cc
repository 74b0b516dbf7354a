#include "connectors/files/copy_history.h"

namespace millstream {
namespace {

bool IsSame(const LoadedFile& a, const LoadedFile& b) {
  return a.state == b.state && a.epoch == b.epoch && a.loaded_ms == b.loaded_ms && a.size_bytes == b.size_bytes && a.modified_ns == b.modified_ns;
}

// What became of a file; `before` is null when nothing was known of it.
const char* EventOf(const LoadedFile* before, const LoadedFile& after) {
  using State = LoadedFile::State;
  switch (after.state) {
    case State::kLoaded:
      if (before != nullptr && before->state == State::kLoaded) return "RELOADED";
      return before != nullptr && before->state == State::kUndone ? "REDONE" : "LOADED";
    case State::kSkippedCorrupt:
      return "SKIPPED_CORRUPTED";
    case State::kUndone:
      return "UNDONE";
    case State::kForgotten:
      return "FORGOTTEN";
    case State::kDuplicate:
      return "DUPLICATE";
    case State::kExisting:
      return "SKIPPED_EXISTING";
    case State::kRemoved:
      return "REMOVED";
  }
  return "";
}

class CopyHistoryRows : public ReportRows {
 public:
  CopyHistoryRows(Fs& fs, std::string table_path, std::string table_id, std::vector<LedgerMoment> moments)
      : fs_(fs), table_path_(std::move(table_path)), table_id_(std::move(table_id)), moments_(std::move(moments)) {}

  Result<std::optional<ReportRow>> Next() override {
    for (;;) {
      if (run_ != nullptr) {
        MS_ASSIGN_OR_RETURN(std::optional<ReportRow> event, NextEvent());
        if (event) return event;
        run_.reset();
        before_.reset();
        ++at_;
      }
      if (at_ == moments_.size()) return std::optional<ReportRow>();
      MS_ASSIGN_OR_RETURN(const char* whole, BeginMoment());
      if (whole == nullptr) continue;
      ReportRow row = Row(whole, "", nullptr);
      ++at_;
      return std::optional<ReportRow>(std::move(row));
    }
  }

 private:
  const LedgerMoment& moment() const { return moments_[at_]; }

  // The name of an event that is no single file's, or null.
  Result<const char*> BeginMoment() {
    if (moment().epoch == 0) return "RESET";
    Result<LedgerRunPtr> run = TableLedger::OpenRun(fs_, table_path_, moment().epoch);
    if (run.status().Is(errors::kTableLedgerDamaged)) return "EXPIRED";
    MS_RETURN_IF_ERROR(run.status());
    // Without the state before, the commit's own files are those that say its epoch.
    is_before_known_ = false;
    if (at_ > 0) {
      Result<TableLedgerPtr> before = TableLedger::Open(fs_, table_path_, table_id_, moments_[at_ - 1].epoch);
      is_before_known_ = before.ok();
      if (before.ok()) {
        before_ = std::make_unique<TableLedger::Cursor>((*before)->NewCursor());
        MS_RETURN_IF_ERROR(before_->Seek(""));
      }
    }
    run_ = std::make_unique<LedgerRunCursor>(*run);
    // A run that stands alone is all that is known: what is missing in it was forgotten.
    is_whole_ = (*run)->footer().older.empty();
    MS_RETURN_IF_ERROR(run_->Seek(""));
    return nullptr;
  }

  // The next file of which this state says something else than the one before. Both are sorted.
  Result<std::optional<ReportRow>> NextEvent() {
    for (;;) {
      const bool has_before = is_before_known_ && before_->valid();
      if (is_whole_ && has_before && (!run_->valid() || before_->key() < run_->key())) {
        MS_ASSIGN_OR_RETURN(LoadedFile file, before_->file());
        const std::string path = ledger_run::PathOf(before_->key());
        MS_RETURN_IF_ERROR(before_->Next());
        if (file.state == LoadedFile::State::kForgotten) continue;
        return std::optional(Row("FORGOTTEN", path, &file));
      }
      if (!run_->valid()) return std::optional<ReportRow>();
      if (has_before && before_->key() < run_->key()) {
        MS_RETURN_IF_ERROR(before_->Seek(run_->key()));
        continue;
      }
      MS_ASSIGN_OR_RETURN(LoadedFile file, run_->file());
      const std::string path = ledger_run::PathOf(run_->key());
      std::optional<LoadedFile> known;
      if (has_before && before_->key() == run_->key()) {
        MS_ASSIGN_OR_RETURN(known, before_->file());
        if (is_whole_) MS_RETURN_IF_ERROR(before_->Next());
      }
      MS_RETURN_IF_ERROR(run_->Next());
      const bool is_event = is_before_known_ ? !known || !IsSame(*known, file) : file.epoch == moment().epoch;
      if (is_event) return std::optional(Row(EventOf(known ? &*known : nullptr, file), path, &file));
    }
  }

  ReportRow Row(const char* event, const std::string& path, const LoadedFile* file) const {
    ReportRow row = {path.empty() ? ReportCell() : ReportCell(HadoopPathString(path)), event, MillisCell(moment().timestamp_ms), moment().version,
                     TextCell(moment().operation)};
    if (file == nullptr) {
      row.resize(CopyHistorySchema().size());
    } else {
      row.insert(row.end(), {file->size_bytes, file->rows, file->rejected, file->malformed, TextCell(file->first_error)});
    }
    return row;
  }

  Fs& fs_;
  const std::string table_path_, table_id_;
  const std::vector<LedgerMoment> moments_;
  size_t at_ = 0;
  std::unique_ptr<LedgerRunCursor> run_;         // of the moment; null: not begun
  std::unique_ptr<TableLedger::Cursor> before_;  // the state before it
  bool is_before_known_ = false, is_whole_ = false;
};

}  // namespace

const StructType& CopyHistorySchema() {
  static const StructType schema({{"path", DataType::String()},
                                  {"event", DataType::String(), false},
                                  {"time", DataType::Timestamp()},
                                  {"version", DataType::Long(), false},
                                  {"operation", DataType::String()},
                                  {"size", DataType::Long()},
                                  {"rows", DataType::Long()},
                                  {"rejected_rows", DataType::Long()},
                                  {"malformed_rows", DataType::Long()},
                                  {"error", DataType::String()}});
  return schema;
}

RelationSourcePtr OpenCopyHistory(Fs& fs, std::string name, std::string table_path, std::string table_id,
                                  std::function<Result<std::vector<LedgerMoment>>()> moments) {
  auto begin = [&fs, table_path = std::move(table_path), table_id = std::move(table_id),
                moments = std::move(moments)]() -> Result<std::unique_ptr<ReportRows>> {
    MS_ASSIGN_OR_RETURN(std::vector<LedgerMoment> all, moments());
    return std::unique_ptr<ReportRows>(std::make_unique<CopyHistoryRows>(fs, table_path, table_id, std::move(all)));
  };
  return MakeFileReport(std::move(name), CopyHistorySchema(), std::move(begin));
}

Result<std::optional<int64_t>> RowsLoadedBy(Fs& fs, const std::string& table_path, int64_t epoch) {
  Result<LedgerRunPtr> run = TableLedger::OpenRun(fs, table_path, epoch);
  if (run.status().Is(errors::kTableLedgerDamaged)) return std::optional<int64_t>();
  MS_RETURN_IF_ERROR(run.status());
  LedgerRunCursor cursor(*run);
  int64_t rows = 0;
  for (Status moved = cursor.Seek("");; moved = cursor.Next()) {
    MS_RETURN_IF_ERROR(moved);
    if (!cursor.valid()) return std::optional(rows);
    MS_ASSIGN_OR_RETURN(LoadedFile file, cursor.file());
    if (file.epoch == epoch && file.state == LoadedFile::State::kLoaded) rows += file.rows;
  }
}

}  // namespace millstream
