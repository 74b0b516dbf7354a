#include "connectors/files/copy_state.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

#include <mutex>

#include "formats/json_scanner.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerBatch = 8192;

enum Column { kPath, kSize, kModified, kState, kProcessed, kVersion, kRows, kRejected, kMalformed, kError, kKey };

const char* NameOf(LoadedFile::State state) {
  switch (state) {
    case LoadedFile::State::kLoaded:
      return "LOADED";
    case LoadedFile::State::kSkippedCorrupt:
      return "SKIPPED_CORRUPTED";
    case LoadedFile::State::kUndone:
      return "UNDONE";
    case LoadedFile::State::kForgotten:
      return "FORGOTTEN";
    case LoadedFile::State::kDuplicate:
      return "DUPLICATE";
    case LoadedFile::State::kExisting:
      return "SKIPPED_EXISTING";
    case LoadedFile::State::kRemoved:
      return "REMOVED";
  }
  return "";
}

class CopyStateRows : public RowStream {
 public:
  CopyStateRows(TableLedgerPtr ledger, std::vector<size_t> columns, StructType schema, std::map<int64_t, int64_t> versions)
      : ledger_(std::move(ledger)),
        columns_(std::move(columns)),
        arrow_schema_(ToArrowSchema(schema)),
        versions_(std::move(versions)),
        cursor_(ledger_->NewCursor()) {}

  const ArrowSchemaPtr& schema() const override { return arrow_schema_; }
  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    if (!is_begun_) MS_RETURN_IF_ERROR(cursor_.Seek(""));
    is_begun_ = true;
    std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
    for (const auto& field : arrow_schema_->fields()) builders.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());
    int64_t rows = 0;
    for (; rows < kRowsPerBatch && cursor_.valid(); ++rows) {
      MS_ASSIGN_OR_RETURN(LoadedFile file, cursor_.file());
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (arrow::Status appended = Append(*builders[i], columns_[i], file); !appended.ok()) return FromArrowStatus(appended, "reading copy_into_state");
      }
      MS_RETURN_IF_ERROR(cursor_.Next());
    }
    if (rows == 0) return RecordBatchPtr();
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (auto& builder : builders) {
      auto array = builder->Finish();
      if (!array.ok()) return FromArrowStatus(array.status(), "reading copy_into_state");
      arrays.push_back(*array);
    }
    return arrow::RecordBatch::Make(arrow_schema_, rows, std::move(arrays));
  }

 private:
  arrow::Status Append(arrow::ArrayBuilder& builder, size_t column, const LoadedFile& file) const {
    auto text = [&](std::string_view value) { return static_cast<arrow::StringBuilder&>(builder).Append(value); };
    auto number = [&](int64_t value) { return static_cast<arrow::Int64Builder&>(builder).Append(value); };
    auto micros = [&](int64_t value) { return static_cast<arrow::TimestampBuilder&>(builder).Append(value); };
    switch (static_cast<Column>(column)) {
      case kPath:
        return text(ValidUtf8(HadoopPathString(ledger_run::PathOf(cursor_.key()))));
      case kSize:
        return number(file.size_bytes);
      case kModified:
        return micros(file.modified_ns / 1000);
      case kState:
        return text(NameOf(file.state));
      case kProcessed:
        return micros(file.loaded_ms * 1000);
      case kVersion: {
        auto found = versions_.find(file.epoch);
        return found == versions_.end() ? builder.AppendNull() : number(found->second);
      }
      case kRows:
        return number(file.rows);
      case kRejected:
        return number(file.rejected);
      case kMalformed:
        return number(file.malformed);
      case kKey:
        return static_cast<arrow::BinaryBuilder&>(builder).Append(cursor_.key());
      case kError:
        return file.first_error.empty() ? builder.AppendNull() : text(ValidUtf8(file.first_error));
    }
    return arrow::Status::OK();
  }

  const TableLedgerPtr ledger_;
  const std::vector<size_t> columns_;  // of CopyStateSchema
  const ArrowSchemaPtr arrow_schema_;
  const std::map<int64_t, int64_t> versions_;
  std::mutex mutex_;  // guards what follows
  TableLedger::Cursor cursor_;
  bool is_begun_ = false;
};

class CopyStateTable : public BatchRelationSource {
 public:
  CopyStateTable(std::string name, TableLedgerPtr ledger, std::function<Result<std::map<int64_t, int64_t>>()> versions)
      : name_(std::move(name)), ledger_(std::move(ledger)), versions_(std::move(versions)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return CopyStateSchema(); }
  const StructType& metadata_schema() const override {
    static const StructType hidden({{kLedgerKeyColumn, DataType::Binary(), false}});
    return hidden;
  }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    std::vector<size_t> columns;
    StructType wanted;
    std::map<int64_t, int64_t> versions;
    for (const std::string& name : needs.columns) {
      if (name == kLedgerKeyColumn) {
        columns.push_back(kKey);
        wanted.Add(metadata_schema()[0]);
        continue;
      }
      std::optional<size_t> at = schema().IndexOf(name, true);
      if (!at) return Status::Internal("no column " + name + " in " + name_);
      columns.push_back(*at);
      wanted.Add(schema()[*at]);
      if (*at == kVersion) {
        MS_ASSIGN_OR_RETURN(versions, versions_());
      }
    }
    return RowStreamPtr(std::make_unique<CopyStateRows>(ledger_, std::move(columns), std::move(wanted), std::move(versions)));
  }

 private:
  const std::string name_;
  const TableLedgerPtr ledger_;
  const std::function<Result<std::map<int64_t, int64_t>>()> versions_;
};

}  // namespace

const StructType& CopyStateSchema() {
  static const StructType schema({{"path", DataType::String(), false},
                                  {"size", DataType::Long(), false},
                                  {"modification_time", DataType::Timestamp(), false},
                                  {"ingestion_state", DataType::String(), false},
                                  {"processed_time", DataType::Timestamp(), false},
                                  {"commit_version", DataType::Long()},
                                  {"rows", DataType::Long(), false},
                                  {"rejected_rows", DataType::Long(), false},
                                  {"malformed_rows", DataType::Long(), false},
                                  {"first_error", DataType::String()}});
  return schema;
}

Result<RelationSourcePtr> OpenCopyState(std::string name, TableLedgerPtr ledger, std::function<Result<std::map<int64_t, int64_t>>()> versions) {
  return RelationSourcePtr(std::make_shared<CopyStateTable>(std::move(name), std::move(ledger), std::move(versions)));
}

}  // namespace millstream
