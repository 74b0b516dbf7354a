#include "connectors/delta/changed_rows.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <algorithm>

#include "connectors/delta/expanded_rows.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using Kind = MergeClause::Kind;
using When = RowChanges::When;

constexpr int kControlColumns = 3;  // clause, file, row

class ChangedRows : public ExpandedRows {
 public:
  ChangedRows(RowStreamPtr plan_rows, const ChangedRowsShape& shape, TouchedRows& touched)
      : ExpandedRows(std::move(plan_rows), ToArrowSchema(ChangedRowsSchema(shape))), shape_(shape), touched_(touched) {}

 private:
  using Indices = std::vector<int64_t>;

  Result<std::vector<RecordBatchPtr>> Expand(const arrow::RecordBatch& batch) override {
    const auto& clause = static_cast<const arrow::Int32Array&>(*batch.column(0));
    const auto& file = static_cast<const arrow::Int32Array&>(*batch.column(1));
    const auto& row = static_cast<const arrow::Int64Array&>(*batch.column(2));
    std::vector<TouchedRows::Places> places(touched_.files());
    TouchedRows::Counts counts;
    Indices written, updated, deleted, inserted;
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      const int32_t number = clause.Value(i);
      if (number >= 0 && shape_.clauses[number].action == Kind::kInsert) {
        ++counts.inserted;
        written.push_back(i);
        inserted.push_back(i);
        continue;
      }
      TouchedRows::Places& of_file = places[file.Value(i)];
      (number < 0 ? of_file.paired : of_file.changed).push_back(static_cast<uint64_t>(row.Value(i)));
      if (number < 0) continue;
      const RowChanges::Clause& taken = shape_.clauses[number];
      const bool by_source = taken.when == When::kNotMatchedBySource;
      if (taken.action == Kind::kUpdate) {
        ++(by_source ? counts.by_source_updated : counts.matched_updated);
        written.push_back(i);
        updated.push_back(i);
      } else {
        ++(by_source ? counts.by_source_deleted : counts.matched_deleted);
        deleted.push_back(i);
      }
    }
    touched_.Add(std::move(places), counts);

    const int columns = static_cast<int>(shape_.table.size());
    const int first_new = kControlColumns, first_old = kControlColumns + (shape_.has_new ? columns : 0);
    std::vector<RecordBatchPtr> made;
    MS_RETURN_IF_ERROR(Emit(batch, first_new, written, nullptr, made));
    if (!shape_.has_change_rows) return made;
    MS_RETURN_IF_ERROR(Emit(batch, first_old, updated, "update_preimage", made));
    MS_RETURN_IF_ERROR(Emit(batch, first_new, updated, "update_postimage", made));
    MS_RETURN_IF_ERROR(Emit(batch, first_old, deleted, "delete", made));
    MS_RETURN_IF_ERROR(Emit(batch, first_new, inserted, "insert", made));
    return made;
  }

  // `rows` of the table's columns that begin at `first`.
  Status Emit(const arrow::RecordBatch& batch, int first, const Indices& rows, const char* change_type, std::vector<RecordBatchPtr>& made) const {
    if (rows.empty()) return Status();
    const int columns = static_cast<int>(shape_.table.size());
    const auto count = static_cast<int64_t>(rows.size());
    std::vector<std::shared_ptr<arrow::Array>> arrays(batch.columns().begin() + first, batch.columns().begin() + first + columns);
    if (count != batch.num_rows()) {
      arrow::Int64Builder builder;
      if (arrow::Status appended = builder.AppendValues(rows); !appended.ok()) return FromArrowStatus(appended, "while sorting changed rows");
      auto indices = builder.Finish();
      if (!indices.ok()) return FromArrowStatus(indices.status(), "while sorting changed rows");
      for (auto& array : arrays) {
        auto taken = arrow::compute::Take(*array, **indices, arrow::compute::TakeOptions::NoBoundsCheck());
        if (!taken.ok()) return FromArrowStatus(taken.status(), "while sorting changed rows");
        array = *taken;
      }
    }
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (int i = 0; i < columns; ++i) fields.push_back(arrow::field(shape_.table[i].name, arrays[i]->type()));
    if (shape_.has_change_rows) {
      arrow::Result<std::shared_ptr<arrow::Array>> types =
          change_type ? arrow::MakeArrayFromScalar(arrow::StringScalar(change_type), count) : arrow::MakeArrayOfNull(arrow::utf8(), count);
      if (!types.ok()) return FromArrowStatus(types.status(), "while sorting changed rows");
      arrays.push_back(*types);
      fields.push_back(arrow::field(std::string(kChangeTypeColumn), arrow::utf8()));
    }
    made.push_back(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), count, std::move(arrays)));
    return Status();
  }

  const ChangedRowsShape shape_;
  TouchedRows& touched_;
};

}  // namespace

void TouchedRows::Add(std::vector<Places> places, const Counts& counts) {
  std::lock_guard lock(mutex_);
  if (places_.empty()) places_.resize(files_);
  for (size_t i = 0; i < places.size(); ++i) {
    places_[i].changed.insert(places_[i].changed.end(), places[i].changed.begin(), places[i].changed.end());
    places_[i].paired.insert(places_[i].paired.end(), places[i].paired.begin(), places[i].paired.end());
  }
  counts_.matched_updated += counts.matched_updated;
  counts_.matched_deleted += counts.matched_deleted;
  counts_.by_source_updated += counts.by_source_updated;
  counts_.by_source_deleted += counts.by_source_deleted;
  counts_.inserted += counts.inserted;
}

Status TouchedRows::Finish() {
  std::lock_guard lock(mutex_);
  if (!changed_.empty()) return Status();
  places_.resize(files_);
  changed_.resize(files_);
  for (size_t i = 0; i < files_; ++i) {
    Places& places = places_[i];
    std::sort(places.changed.begin(), places.changed.end());
    std::sort(places.paired.begin(), places.paired.end());
    std::vector<uint64_t> all;
    all.reserve(places.changed.size() + places.paired.size());
    std::merge(places.changed.begin(), places.changed.end(), places.paired.begin(), places.paired.end(), std::back_inserter(all));
    if (std::adjacent_find(all.begin(), all.end()) != all.end()) return Status::Error(errors::kDeltaMultipleMatches);
    if (!places.changed.empty()) changed_[i] = std::make_shared<const std::vector<uint64_t>>(std::move(places.changed));
    places = Places();
  }
  return Status();
}

StructType ChangedRowsSchema(const ChangedRowsShape& shape) {
  StructType schema = shape.table;
  if (shape.has_change_rows) schema.Add({std::string(kChangeTypeColumn), DataType::String()});
  return schema;
}

RowStreamPtr MakeChangedRows(RowStreamPtr plan_rows, ChangedRowsShape shape, TouchedRows& touched) {
  return std::make_unique<ChangedRows>(std::move(plan_rows), shape, touched);
}

}  // namespace millstream
