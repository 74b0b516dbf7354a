#include "world.h"

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>

#include <charconv>
#include <mutex>

#include "types/arrow_types.h"

namespace millstream::simulation {
namespace {

constexpr int64_t kRowsPerPiece = 4;

RecordBatchPtr RowsOf(const ArrowSchemaPtr& schema, int64_t from, int64_t to) {
  arrow::ArrayVector columns;
  for (const std::shared_ptr<arrow::Field>& field : schema->fields()) {
    arrow::Int64Builder builder;
    const bool is_value = field->name() == "value";
    for (int64_t row = from; row < to; ++row) MS_CHECK(builder.Append(is_value ? Numbers::ValueOf(row) : Numbers::MomentOf(row)).ok());
    std::shared_ptr<arrow::Array> column = builder.Finish().ValueOrDie();
    columns.push_back(is_value ? column : column->View(field->type()).ValueOrDie());
  }
  return arrow::RecordBatch::Make(schema, to - from, std::move(columns));
}

class NumberRows : public RowStream {
 public:
  NumberRows(Numbers& numbers, const ScanNeeds& needs, int64_t from, int64_t to, std::shared_ptr<CancelToken> cancel)
      : numbers_(numbers), at_(from), end_(to), cancel_(std::move(cancel)) {
    static const ArrowSchemaPtr whole = ToArrowSchema(NumbersSchema());
    arrow::FieldVector fields;
    for (const std::string& column : needs.columns) fields.push_back(whole->GetFieldByName(column));
    schema_ = arrow::schema(std::move(fields));
  }
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    if (at_ == end_) return RecordBatchPtr();
    if (numbers_.retries_to_come > 0 && end_ - at_ <= kRowsPerPiece) {
      --numbers_.retries_to_come;
      return Status::Internal("the file changed").Retryable();
    }
    const int64_t from = at_;
    at_ = std::min(at_ + kRowsPerPiece, end_);
    if (numbers_.stops_after >= 0 && (numbers_.stops_after -= at_ - from) < 0) cancel_->Cancel();
    return RowsOf(schema_, from, at_);
  }

 private:
  Numbers& numbers_;
  ArrowSchemaPtr schema_;
  std::mutex mutex_;
  int64_t at_;
  const int64_t end_;
  const std::shared_ptr<CancelToken> cancel_;
};

class NumberSource : public Source {
 public:
  NumberSource(Numbers& numbers, std::shared_ptr<CancelToken> cancel) : numbers_(numbers), cancel_(std::move(cancel)) {}
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override { return "Numbers"; }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override {
    const int64_t from = start ? std::stoll(start->json) : 0;
    const int64_t to = limit.all ? numbers_.available : std::min(numbers_.available, from + numbers_.per_batch_max);
    if (to <= from) return std::optional<StreamOffset>();
    return std::optional<StreamOffset>(StreamOffset{std::to_string(to)});
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    const int64_t from = start ? std::stoll(start->json) : 0;
    const int64_t to = numbers_.bug == PlantedBug::kSourceReadsPastTheEnd ? numbers_.available : std::stoll(end.json);
    if (from < numbers_.forgotten) {
      numbers_.violation = "the query reads row " + std::to_string(from) + ", and said before that it needs none before " + std::to_string(numbers_.forgotten);
    }
    rows_ = to - from;
    if (numbers_.bug == PlantedBug::kSourceForgetsTooEarly) numbers_.forgotten = to;
    return RowStreamPtr(std::make_unique<NumberRows>(numbers_, needs, from, to, cancel_));
  }
  Status Commit(const StreamOffset& end) override {
    numbers_.forgotten = std::max<int64_t>(numbers_.forgotten, std::stoll(end.json));
    return Status();
  }
  int64_t rows_read() const override { return rows_; }

 private:
  Numbers& numbers_;
  const std::shared_ptr<CancelToken> cancel_;
  const StructType schema_ = NumbersSchema(), none_;
  int64_t rows_ = 0;
};

class NumberRelation : public StreamingRelationSource {
 public:
  NumberRelation(Numbers& numbers, std::shared_ptr<CancelToken> cancel) : numbers_(numbers), cancel_(std::move(cancel)) {}
  std::string name() const override { return "numbers"; }
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return none_; }
  Result<std::unique_ptr<Source>> CreateSource(const std::string&) const override {
    return std::unique_ptr<Source>(std::make_unique<NumberSource>(numbers_, cancel_));
  }

 private:
  Numbers& numbers_;
  const std::shared_ptr<CancelToken> cancel_;
  const StructType schema_ = NumbersSchema(), none_;
};

std::optional<int64_t> BatchOf(std::string_view name) {
  int64_t batch = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), batch);
  // "7" and, of a sink that takes batches twice, "7.1".
  if (name.empty() || error != std::errc() || (end != name.data() + name.size() && *end != '.')) return std::nullopt;
  return batch;
}

// All columns are numbers of 64 bits inside.
std::string TextOf(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (const std::shared_ptr<arrow::Array>& column : rows.columns()) {
    const int64_t* values = column->data()->GetValues<int64_t>(1);
    text += (text.empty() ? "" : " ") + (column->IsNull(row) ? std::string("-") : std::to_string(values[row]));
  }
  return text;
}

class BatchFiles : public Sink {
 public:
  BatchFiles(Fs& fs, std::string directory, PlantedBug bug) : fs_(fs), directory_(std::move(directory)), bug_(bug) {}
  std::string description() const override { return "BatchFiles"; }

  Result<std::optional<BatchId>> LastBatch() override {
    MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
    // What an earlier process has linked may not be synced.
    if (bug_ != PlantedBug::kSinkTrustsUnsyncedNames) MS_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
    MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs_.List(directory_));
    std::optional<BatchId> last;
    for (const DirectoryEntry& entry : entries) {
      if (std::optional<int64_t> batch = BatchOf(entry.name)) last = std::max(last, std::optional<BatchId>(BatchId(*batch)));
    }
    return last;
  }

  Result<BatchResult> AddBatch(BatchId batch_id, const StructType&, RowStream& rows) override {
    std::string path = JoinPath(directory_, std::to_string(batch_id.value()));
    MS_ASSIGN_OR_RETURN(bool exists, fs_.Exists(path));
    if (exists && bug_ != PlantedBug::kSinkTakesBatchesTwice) return BatchResult{.was_done_before = true};
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs_.CreatePending(directory_));
    BatchResult result;
    std::string text;
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr piece, rows.Next());
      if (piece == nullptr) break;
      for (int64_t row = 0; row < piece->num_rows(); ++row) text += TextOf(*piece, row) + "\n";
      result.rows_out += piece->num_rows();
    }
    MS_RETURN_IF_ERROR(file->Append(text));
    if (exists) path += ".1";
    MS_RETURN_IF_ERROR(file->Publish(path));
    MS_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
    return result;
  }

 private:
  Fs& fs_;
  const std::string directory_;
  const PlantedBug bug_;
};

}  // namespace

StructType NumbersSchema() { return StructType({{"value", DataType::Long()}, {"at", DataType::Timestamp()}}); }

RelationSourcePtr MakeNumbersRelation(Numbers& numbers, std::shared_ptr<CancelToken> cancel) {
  return std::make_shared<NumberRelation>(numbers, std::move(cancel));
}

std::unique_ptr<Sink> MakeBatchFiles(Fs& fs, const std::string& directory, PlantedBug bug) { return std::make_unique<BatchFiles>(fs, directory, bug); }

Result<RowsByBatch> ReadBatchFiles(Fs& fs, const std::string& directory) {
  RowsByBatch batches;
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs.List(directory));
  for (const DirectoryEntry& entry : entries) {
    std::optional<int64_t> batch = BatchOf(entry.name);
    if (!batch) return Status::Internal("a stranger in the sink: " + entry.name);
    MS_ASSIGN_OR_RETURN(std::string text, fs.ReadFile(JoinPath(directory, entry.name)));
    std::vector<std::string>& rows = batches[*batch];
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      if (end == std::string::npos || text[at] == '\0') return Status::Internal("batch " + entry.name + " is torn");
      rows.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  return batches;
}

}  // namespace millstream::simulation
