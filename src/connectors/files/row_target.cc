#include "connectors/files/row_target.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include "connectors/files/quarantine.h"
#include "delta/delta_errors.h"
#include "delta/row_conform.h"
#include "delta/rule_sieve.h"
#include "formats/cell_text_writer.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

struct Misfit {
  int64_t row = 0;
  Status why;
};

// Asks the writer's own conversion, so that what passes here passes there. Batches that fit cost one look; a row that does not, some for each halving.
Status FindMisfits(const RowConform& conform, const RecordBatchPtr& batch, int64_t first, std::vector<Misfit>& misfits) {
  Result<RecordBatchPtr> fits = conform.Apply(batch);
  if (fits.ok()) return Status();
  if (!fits.status().Is(errors::kDeltaNotNullViolated) && !fits.status().Is(errors::kCastOverflowInInsert)) return fits.status();
  if (batch->num_rows() == 1) {
    misfits.push_back({first, fits.status()});
    return Status();
  }
  const int64_t half = batch->num_rows() / 2;
  MS_RETURN_IF_ERROR(FindMisfits(conform, batch->Slice(0, half), first, misfits));
  return FindMisfits(conform, batch->Slice(half), first + half, misfits);
}

std::string ColumnOfMisfit(const Status& why) {
  std::string column = ColumnOfViolation(why);
  if (column.size() > 1 && column.front() == '`') column = column.substr(1, column.size() - 2);
  return column;
}

class TableSieve : public RowSieve {
 public:
  // `table`: its columns that are among the rows'. `rules` may be null.
  TableSieve(const StructType& rows, const StructType& table, std::vector<int> at, int source_file, std::unique_ptr<RuleSieve> rules)
      : conform_(rows, table), text_(rows, {}), schema_(ToArrowSchema(rows)), at_(std::move(at)), source_file_(source_file), rules_(std::move(rules)) {}

  Result<RecordBatchPtr> Sift(const RecordBatchPtr& batch, const Take& take) const override {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (int at : at_) columns.push_back(batch->column(at));
    std::vector<Misfit> misfits;
    const RecordBatchPtr rows = arrow::RecordBatch::Make(schema_, batch->num_rows(), columns);
    MS_RETURN_IF_ERROR(FindMisfits(conform_, rows, 0, misfits));
    if (rules_) MS_RETURN_IF_ERROR(FindViolations(rows, misfits));
    if (misfits.empty()) return batch;
    const auto& files = static_cast<const arrow::Int32Array&>(*batch->column(source_file_));
    arrow::Int64Builder fitting;
    auto misfit = misfits.begin();
    std::string text;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (misfit == misfits.end() || misfit->row != row) {
        if (arrow::Status added = fitting.Append(row); !added.ok()) return FromArrowStatus(added, "while rows are sifted");
        continue;
      }
      text.clear();
      text_.AppendRow(columns, row, text);
      MS_RETURN_IF_ERROR(take({.file = files.Value(row),
                               .byte_offset = quarantine::kNoOffset,
                               .byte_length = static_cast<int64_t>(text.size()),
                               .line = std::nullopt,
                               .column = ColumnOfMisfit(misfit->why),
                               .error_class = std::string(misfit->why.error_class().name),
                               .reason = misfit->why.text(),
                               .raw = text}));
      ++misfit;
    }
    auto indices = fitting.Finish();
    if (!indices.ok()) return FromArrowStatus(indices.status(), "while rows are sifted");
    auto kept = arrow::compute::Take(arrow::Datum(batch), arrow::Datum(*indices), arrow::compute::TakeOptions::NoBoundsCheck());
    if (!kept.ok()) return FromArrowStatus(kept.status(), "while rows are sifted");
    return kept->record_batch();
  }

 private:
  // Adds the rows that the rules of the table refuse, among those whose values fit.
  Status FindViolations(const RecordBatchPtr& rows, std::vector<Misfit>& misfits) const {
    std::vector<Misfit> all;
    auto misfit = misfits.begin();
    int64_t first = 0;
    auto look_until = [&](int64_t end) -> Status {
      if (end == first) return Status();
      MS_ASSIGN_OR_RETURN(std::vector<RowRuler::Violation> broken, rules_->Find(rows->Slice(first, end - first)));
      for (RowRuler::Violation& one : broken) all.push_back({first + one.row, std::move(one.why)});
      return Status();
    };
    for (; misfit != misfits.end(); ++misfit) {
      MS_RETURN_IF_ERROR(look_until(misfit->row));
      first = misfit->row + 1;
      all.push_back(std::move(*misfit));
    }
    MS_RETURN_IF_ERROR(look_until(rows->num_rows()));
    misfits = std::move(all);
    return Status();
  }

  const RowConform conform_;
  const JsonRowText text_;
  const ArrowSchemaPtr schema_;
  const std::vector<int> at_;  // in the batch, of each column that is looked at
  const int source_file_;
  const std::unique_ptr<RuleSieve> rules_;
};

}  // namespace

Result<std::unique_ptr<RowSieve>> RowSieve::Create(const RowTarget& target, const StructType& columns) {
  const std::optional<size_t> source_file = columns.IndexOf(std::string(kSourceFileColumn));
  if (target.columns.empty() || !target.schema || !source_file) return std::unique_ptr<RowSieve>();
  MS_ASSIGN_OR_RETURN(std::optional<StructType> table, target.schema());
  if (!table) return std::unique_ptr<RowSieve>();
  StructType rows, wanted;
  std::vector<int> at;
  bool may_fail = false;
  for (const auto& [name, in_table] : target.columns) {
    const std::optional<size_t> here = columns.IndexOf(name), there = table->IndexOf(in_table);
    // Columns that the table has not yet are added as they are, or an error of the whole batch.
    if (!here || !there) continue;
    rows.Add({in_table, columns[*here].type});
    wanted.Add((*table)[*there]);
    at.push_back(static_cast<int>(*here));
    may_fail |= !(*table)[*there].nullable || !columns[*here].type.SameType((*table)[*there].type);
  }
  RowRulesPtr wanted_rules;
  if (target.rules) {
    MS_ASSIGN_OR_RETURN(wanted_rules, target.rules());
  }
  std::unique_ptr<RuleSieve> rules;
  if (wanted_rules) rules = std::make_unique<RuleSieve>(std::move(wanted_rules), *table, rows);
  if (!may_fail && !rules) return std::unique_ptr<RowSieve>();
  return std::unique_ptr<RowSieve>(std::make_unique<TableSieve>(rows, wanted, std::move(at), static_cast<int>(*source_file), std::move(rules)));
}

}  // namespace millstream
