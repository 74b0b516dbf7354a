#include "streaming/state_table_rows.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <map>
#include <mutex>

#include "connectors/api/table.h"
#include "streaming/state/state_errors.h"
#include "streaming/state/state_files.h"
#include "streaming/state_rows.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Columns of a schema by name.
Result<std::vector<int>> PlacesOf(const StructType& schema, const ScanNeeds& needs) {
  std::vector<int> places;
  for (const std::string& column : needs.columns) {
    std::optional<size_t> at = schema.IndexOf(column, true);
    if (!at) return Status::Internal("no column " + column + " in the state");
    places.push_back(static_cast<int>(*at));
  }
  return places;
}

Result<std::shared_ptr<arrow::Array>> Repeated(const arrow::Scalar& value, int64_t rows) {
  auto array = arrow::MakeArrayFromScalar(value, rows);
  if (!array.ok()) return FromArrowStatus(array.status(), "reading state");
  return *array;
}

class StateTableRows : public RowStream {
 public:
  StateTableRows(const StateRelationSpec& spec, const StructType& schema, std::vector<int> places)
      : spec_(spec), whole_(ToArrowSchema(schema)), places_(std::move(places)), next_batch_(spec.first_batch) {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (int place : places_) fields.push_back(whole_->field(place));
    schema_ = arrow::schema(std::move(fields));
  }
  Status Begin() {
    MS_ASSIGN_OR_RETURN(decoder_, StateRowDecoder::Make(spec_.facts, spec_.flatten));
    if (spec_.changes) return Status();
    MS_ASSIGN_OR_RETURN(stores_, StateStores::OpenAt(spec_.fs, spec_.directory, spec_.last_batch + 1));
    to_walk_ = PartitionsOf(*stores_, spec_.operator_id, spec_.store);
    return Status();
  }
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    if (spec_.changes) MS_RETURN_IF_ERROR(DecodeChanges());
    if (!spec_.changes) MS_RETURN_IF_ERROR(DecodeEntries());
    const int64_t rows = decoder_->rows();
    if (rows == 0) return RecordBatchPtr();
    MS_ASSIGN_OR_RETURN(StateRowDecoder::Columns decoded, decoder_->Finish());
    arrow::ArrayVector columns;
    if (spec_.changes) {
      MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> batch, Repeated(arrow::Int64Scalar(decoded_batch_), rows));
      MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> type, ChangeTypes(decoded.value->null_count() > 0 ? decoded.value.get() : nullptr, rows));
      columns = {std::move(batch), std::move(type)};
    }
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> partition, Repeated(arrow::Int32Scalar(partition_), rows));
    columns.insert(columns.end(), decoded.shown.begin(), decoded.shown.end());
    columns.push_back(std::move(partition));
    auto picked = arrow::RecordBatch::Make(whole_, rows, std::move(columns))->SelectColumns(places_);
    if (!picked.ok()) return FromArrowStatus(picked.status(), "reading state");
    return *picked;
  }

 private:
  // Rows of one partition at a time.
  Status DecodeEntries() {
    std::string_view key, value;
    while (!decoder_->full()) {
      if (walk_ == nullptr) {
        if (to_walk_.empty()) break;
        partition_ = to_walk_.back().partition;
        MS_ASSIGN_OR_RETURN(StateStore * store, stores_->Store(to_walk_.back()));
        MS_ASSIGN_OR_RETURN(walk_, store->Scan({}, {}));
        to_walk_.pop_back();
      }
      MS_ASSIGN_OR_RETURN(bool more, walk_->Next(&key, &value));
      if (more) {
        MS_RETURN_IF_ERROR(decoder_->Append(key, value));
        continue;
      }
      walk_.reset();
      if (decoder_->rows() > 0) break;
    }
    return Status();
  }

  // Rows of one partition in one batch at a time.
  Status DecodeChanges() {
    while (changes_.empty() && next_batch_ <= spec_.last_batch) MS_RETURN_IF_ERROR(ReadBatch(next_batch_++));
    if (changes_.empty()) return Status();
    partition_ = changes_.begin()->first.first;
    while (!changes_.empty() && changes_.begin()->first.first == partition_ && !decoder_->full()) {
      const auto change = changes_.begin();
      MS_RETURN_IF_ERROR(decoder_->Append(change->first.second, change->second ? std::optional<std::string_view>(*change->second) : std::nullopt));
      changes_.erase(change);
    }
    return Status();
  }

  Status ReadBatch(int64_t batch) {
    const int64_t version = batch + 1;
    const std::string path = state_store::ChangesPath(spec_.directory, version);
    MS_ASSIGN_OR_RETURN(bool exists, spec_.fs.Exists(path));
    if (!exists) {
      return Status::Error(errors::kStateVersionMissing, {{"path", spec_.directory}, {"version", std::to_string(version)}, {"versions", "no changes of it"}});
    }
    decoded_batch_ = batch;
    auto take = [&](const StateStoreId& id, std::string_view changes) -> Status {
      std::string_view key, value;
      bool removed = false;
      while (id.operator_id == spec_.operator_id && id.name == spec_.store && !changes.empty()) {
        if (!state_store::TakeChange(&changes, &key, &value, &removed)) return state_store::Damaged(path, "a change of it is torn");
        changes_[{id.partition, std::string(key)}] = removed ? std::nullopt : std::optional<std::string>(value);
      }
      return Status();
    };
    return state_store::ReadChanges(spec_.fs, spec_.directory, version, take).status();
  }

  static Result<std::shared_ptr<arrow::Array>> ChangeTypes(const arrow::Array* values, int64_t rows) {
    arrow::StringBuilder builder;
    for (int64_t row = 0; row < rows; ++row) {
      arrow::Status added = builder.Append(values != nullptr && values->IsNull(row) ? "delete" : "update");
      if (!added.ok()) return FromArrowStatus(added, "reading state");
    }
    auto array = builder.Finish();
    if (!array.ok()) return FromArrowStatus(array.status(), "reading state");
    return *array;
  }

  const StateRelationSpec spec_;
  const ArrowSchemaPtr whole_;
  const std::vector<int> places_;
  ArrowSchemaPtr schema_;
  std::mutex mutex_;
  std::unique_ptr<StateRowDecoder> decoder_;
  std::unique_ptr<StateStores> stores_;
  std::vector<StateStoreId> to_walk_;
  std::unique_ptr<StateIterator> walk_;
  int32_t partition_ = 0;  // of the rows that are being decoded
  // Of one batch, those that are to come.
  std::map<std::pair<int32_t, std::string>, std::optional<std::string>> changes_;
  int64_t next_batch_, decoded_batch_ = 0;
};

class StateRelation : public BatchRelationSource {
 public:
  explicit StateRelation(StateRelationSpec spec) : spec_(std::move(spec)) {
    if (spec_.changes) {
      schema_.Add({"batch_id", DataType::Long()});
      schema_.Add({"change_type", DataType::String()});
    }
    for (const StructField& column : ShownColumns(spec_.facts, spec_.flatten)) schema_.Add(column);
    schema_.Add({"partition_id", DataType::Integer()});
  }
  std::string name() const override { return "statestore " + spec_.directory; }
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    MS_ASSIGN_OR_RETURN(std::vector<int> places, PlacesOf(schema_, needs));
    auto rows = std::make_unique<StateTableRows>(spec_, schema_, std::move(places));
    MS_RETURN_IF_ERROR(rows->Begin());
    return RowStreamPtr(std::move(rows));
  }

 private:
  const StateRelationSpec spec_;
  StructType schema_;
};

class StateMetadataRelation : public BatchRelationSource {
 public:
  explicit StateMetadataRelation(std::vector<StateMetadataRow> rows) : rows_(std::move(rows)) {}
  std::string name() const override { return "state-metadata-table"; }
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    MS_ASSIGN_OR_RETURN(std::vector<int> places, PlacesOf(schema_, needs));
    arrow::Int64Builder ids, min, max;
    arrow::StringBuilder operators, stores, properties;
    arrow::Int32Builder partitions;
    arrow::Status added;
    for (const StateMetadataRow& row : rows_) {
      added &= ids.Append(row.operator_id) & operators.Append(row.operator_name) & stores.Append(row.store_name) & partitions.Append(row.partitions) &
               min.Append(row.batch_min) & max.Append(row.batch_max) & (row.properties.empty() ? properties.AppendNull() : properties.Append(row.properties));
    }
    arrow::ArrayVector columns;
    for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{&ids, &operators, &stores, &partitions, &min, &max, &properties}) {
      columns.emplace_back();
      added &= builder->Finish(&columns.back());
    }
    if (!added.ok()) return FromArrowStatus(added, "reading state");
    auto picked = arrow::RecordBatch::Make(ToArrowSchema(schema_), static_cast<int64_t>(rows_.size()), std::move(columns))->SelectColumns(places);
    if (!picked.ok()) return FromArrowStatus(picked.status(), "reading state");
    ArrowSchemaPtr picked_schema = (*picked)->schema();
    return MakeRowStream(std::move(picked_schema), rows_.empty() ? std::vector<RecordBatchPtr>() : std::vector<RecordBatchPtr>{*picked});
  }

 private:
  const std::vector<StateMetadataRow> rows_;
  const StructType schema_{{{"operatorId", DataType::Long()},
                            {"operatorName", DataType::String()},
                            {"stateStoreName", DataType::String()},
                            {"numPartitions", DataType::Integer()},
                            {"minBatchId", DataType::Long()},
                            {"maxBatchId", DataType::Long()},
                            {"operatorProperties", DataType::String()}}};
};

}  // namespace

std::vector<StateStoreId> PartitionsOf(const StateStores& stores, int64_t operator_id, std::string_view store) {
  std::vector<StateStoreId> partitions;
  for (const StateStoreId& id : stores.Ids()) {
    if (id.operator_id == operator_id && id.name == store) partitions.push_back(id);
  }
  return partitions;
}

RelationSourcePtr MakeStateRelation(StateRelationSpec spec) { return std::make_shared<StateRelation>(std::move(spec)); }
RelationSourcePtr MakeStateMetadataRelation(std::vector<StateMetadataRow> rows) { return std::make_shared<StateMetadataRelation>(std::move(rows)); }

}  // namespace millstream
