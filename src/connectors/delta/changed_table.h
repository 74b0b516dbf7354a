#pragma once

// changed_table.h   The table that a statement changes, as its plan reads it: candidate files only, and every row with its place.

#include <memory>
#include <string>
#include <vector>

#include "connectors/api/table.h"
#include "delta/scan.h"
#include "delta/snapshot.h"
#include "plan/row_changes.h"

namespace millstream {

// Made before the analysis (which needs the schema); the files are chosen after it.
class ChangedTable : public BatchRelationSource {
 public:
  // `metadata` may have more columns than the snapshot's: of a MERGE that adds some.
  ChangedTable(Fs& fs, std::string name, SnapshotPtr snapshot, MetadataPtr metadata)
      : fs_(fs), name_(std::move(name)), snapshot_(std::move(snapshot)), metadata_(std::move(metadata)) {}

  std::string name() const override { return name_; }
  const StructType& schema() const override { return metadata_->schema; }
  const StructType& metadata_schema() const override;
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override;

  const SnapshotPtr& snapshot() const { return snapshot_; }
  const MetadataPtr& metadata() const { return metadata_; }
  // A row's file is its place in this list.
  const std::vector<AddFilePtr>& candidates() const { return candidates_; }
  void SetCandidates(std::vector<AddFilePtr> files) { candidates_ = std::move(files); }

 private:
  Fs& fs_;
  const std::string name_;
  const SnapshotPtr snapshot_;
  const MetadataPtr metadata_;
  std::vector<AddFilePtr> candidates_;
};

// Predicates that every row fulfils which the statement can change; empty when it may change any.
std::vector<ColumnPredicate> PredicatesOf(const RowChanges& changes, const std::vector<RecordBatchPtr>& source_rows);

// Which of the distinct partitions of `files` can hold rows that fulfil `conjuncts`, judged by those conjuncts that speak of partition columns alone.
struct PartitionChoice {
  std::vector<AddFilePtr> files;  // those in such partitions
  bool is_exact = false;          // there were no other conjuncts: all rows of these files fulfil all of them
};
Result<PartitionChoice> ChoosePartitions(std::vector<AddFilePtr> files, const Metadata& metadata, const std::vector<AttributeRef>& columns,
                                         const std::vector<ExprPtr>& conjuncts, ComputeEngine& compute, const ComputeConf& conf);

}  // namespace millstream
