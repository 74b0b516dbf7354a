#include "streaming/operators/python_functions.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "streaming/operators/record_rows.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

// Of one message to Python: as many as Spark's spark.sql.execution.arrow.maxRecordsPerBatch.
constexpr int64_t kChunkRows = 10000;
constexpr const char* kMode = "functions";  // of millstream_worker.py

const char* NameOf(PythonCall::Kind kind) {
  switch (kind) {
    case PythonCall::Kind::kRow:
      return "row";
    case PythonCall::Kind::kArrowRow:
      return "arrow_row";
    case PythonCall::Kind::kSeries:
      return "series";
    case PythonCall::Kind::kSeriesIterator:
      return "series_iterator";
    case PythonCall::Kind::kArray:
      return "array";
    case PythonCall::Kind::kArrayIterator:
      return "array_iterator";
  }
  return "";
}

std::string Settings(const std::string& kind, const StructType& arguments, const std::vector<std::string>& names, const StructType& result) {
  return nlohmann::json{{"kind", kind},
                        {"arguments", nlohmann::json::parse(ToSparkJson(arguments))},
                        {"argument_names", names},
                        {"result", nlohmann::json::parse(ToSparkJson(result))}}
      .dump();
}

std::string SettingsOf(const PythonFunctionsSpec& spec, const PythonFunctionsSpec::Function& function) {
  StructType arguments;
  for (size_t i = 0; i < function.call.args.size(); ++i) arguments.Add(spec.input[function.first_argument + i]);
  std::vector<std::string> names = function.call.arg_names;
  names.resize(function.call.args.size());
  return Settings(NameOf(function.call.kind), arguments, names, StructType({{.name = "r0", .type = function.call.type}}));
}

StructType Renamed(const StructType& schema, const std::vector<std::string>& names) {
  StructType renamed;
  for (size_t i = 0; i < schema.size(); ++i) {
    StructField field = schema[i];
    field.name = names[i];
    renamed.Add(std::move(field));
  }
  return renamed;
}

// Rows in chunks that Python is given at once.
class Chunks {
 public:
  explicit Chunks(RowStreamPtr rows) : rows_(std::move(rows)) {}
  Result<RecordBatchPtr> Next() {
    while (rest_ == nullptr || rest_->num_rows() == 0) {
      MS_ASSIGN_OR_RETURN(rest_, rows_->Next());
      if (rest_ == nullptr) return RecordBatchPtr();
    }
    RecordBatchPtr chunk = rest_->Slice(0, std::min(kChunkRows, rest_->num_rows()));
    rest_ = rest_->Slice(chunk->num_rows());
    return chunk;
  }

 private:
  const RowStreamPtr rows_;
  RecordBatchPtr rest_;
};

// The columns of an answer, each of the type that was agreed on.
Result<std::vector<std::shared_ptr<arrow::Array>>> ColumnsOf(const PythonMessage& answer, const arrow::Schema& schema) {
  if (answer.tables.size() != 1 || answer.tables[0]->num_columns() != schema.num_fields()) {
    return Status::Internal("the Python worker's answer has other columns than were asked for");
  }
  std::vector<std::shared_ptr<arrow::Array>> columns = answer.tables[0]->columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::shared_ptr<arrow::DataType>& type = schema.field(static_cast<int>(i))->type();
    if (!columns[i]->type()->Equals(*type))
      return Status::Internal("the Python worker's answer is " + columns[i]->type()->ToString() + " instead of " + type->ToString());
  }
  return columns;
}

}  // namespace

Result<PythonMessage> PythonTalk::Exchange(const PythonMessage& message, const std::shared_ptr<CancelToken>& cancel) {
  const auto cancelled = [&] { return cancel != nullptr && cancel->cancelled(); };
  std::unique_ptr<PythonProcess> process = std::move(process_);
  if (process == nullptr) {
    MS_ASSIGN_OR_RETURN(process, code_->Start(mode_, settings_, cancelled));
  }
  MS_ASSIGN_OR_RETURN(PythonMessage answer, process->Exchange(message, cancelled));
  process_ = std::move(process);
  return answer;
}

// Thread-safe: functions may remember things, so they are given one chunk after another.
class PythonFunctionsOperator::Rows : public RowStream {
 public:
  Rows(PythonFunctionsOperator& owner, RowStreamPtr input, std::shared_ptr<CancelToken> cancel)
      : owner_(owner), spec_(owner.spec_), cancel_(std::move(cancel)), schema_(ToArrowSchema(spec_.output)), chunks_(std::move(input)) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    MS_ASSIGN_OR_RETURN(RecordBatchPtr chunk, chunks_.Next());
    if (chunk == nullptr) return chunk;
    std::vector<std::shared_ptr<arrow::Array>> columns = ColumnsAt(chunk, 0, spec_.passing)->columns();
    for (size_t i = 0; i < spec_.functions.size(); ++i) {
      const PythonFunctionsSpec::Function& function = spec_.functions[i];
      PythonMessage message{.json = nlohmann::json{{"rows", chunk->num_rows()}}.dump(), .tables = {}};
      if (!function.call.args.empty()) message.tables.push_back(ColumnsAt(chunk, function.first_argument, function.call.args.size()));
      MS_ASSIGN_OR_RETURN(PythonMessage answer, owner_.talks_[i].Exchange(message, cancel_));
      const arrow::Schema wanted({schema_->field(static_cast<int>(spec_.passing + i))});
      MS_ASSIGN_OR_RETURN(std::vector<std::shared_ptr<arrow::Array>> result, ColumnsOf(answer, wanted));
      if (result[0]->length() != chunk->num_rows()) return Status::Internal("the Python worker's answer has another number of rows");
      columns.push_back(std::move(result[0]));
    }
    return arrow::RecordBatch::Make(schema_, chunk->num_rows(), std::move(columns));
  }

 private:
  PythonFunctionsOperator& owner_;
  const PythonFunctionsSpec& spec_;
  const std::shared_ptr<CancelToken> cancel_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  Chunks chunks_;  // GUARDED_BY(mutex_)
};

PythonFunctionsOperator::PythonFunctionsOperator(PythonFunctionsSpec spec) : spec_(std::move(spec)) {
  for (const PythonFunctionsSpec::Function& function : spec_.functions) talks_.emplace_back(function.call.code, kMode, SettingsOf(spec_, function));
}

Result<RowStreamPtr> PythonFunctionsOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  return RowStreamPtr(std::make_unique<Rows>(*this, std::move(inputs.at(0)), batch.cancel));
}

// Thread-safe, in the same way.
class PythonMapOperator::Rows : public RowStream {
 public:
  Rows(PythonMapOperator& owner, RowStreamPtr input, std::shared_ptr<CancelToken> cancel)
      : owner_(owner), cancel_(std::move(cancel)), schema_(ToArrowSchema(owner.spec_.output)), chunks_(std::move(input)) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr chunk, chunks_.Next());
      if (chunk == nullptr) return chunk;
      MS_ASSIGN_OR_RETURN(PythonMessage answer,
                          owner_.talk_.Exchange({.json = nlohmann::json{{"rows", chunk->num_rows()}}.dump(), .tables = {chunk}}, cancel_));
      MS_ASSIGN_OR_RETURN(std::vector<std::shared_ptr<arrow::Array>> columns, ColumnsOf(answer, *schema_));
      const int64_t rows = answer.tables[0]->num_rows();
      if (rows > 0) return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
    }
  }

 private:
  PythonMapOperator& owner_;
  const std::shared_ptr<CancelToken> cancel_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  Chunks chunks_;  // GUARDED_BY(mutex_)
};

PythonMapOperator::PythonMapOperator(PythonMapSpec spec)
    : spec_(std::move(spec)),
      talk_(
          spec_.code, kMode,
          Settings(spec_.kind == PythonMap::Kind::kPandas ? "frames" : "batches", spec_.input, spec_.input_names, Renamed(spec_.output, spec_.output_names))) {}

Result<RowStreamPtr> PythonMapOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  return RowStreamPtr(std::make_unique<Rows>(*this, std::move(inputs.at(0)), batch.cancel));
}

}  // namespace millstream
