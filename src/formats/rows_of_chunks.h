#pragma once

// rows_of_chunks.h   Rows of text files that threads read chunk by chunk (JSON, CSV): who parses next, and what was counted. Only for the formats of this room.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "formats/column_builder.h"
#include "formats/input_chunks.h"
#include "formats/scan_plan.h"

namespace millstream {

// Worker: what one thread needs; kept for the next call, because it has learned something of the text. It has a `chunk`, and a `parser` that makes rows of it:
// rows(), rejected(), malformed(), rescued(), ResetCounts().
template <typename Worker>
class RowsOfChunks : public RowStream {
 public:
  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    std::unique_ptr<Worker> worker = Take();
    Result<RecordBatchPtr> batch = NextOf(*worker);
    std::lock_guard lock(mutex_);
    if (!batch.ok()) {
      if (failed_.ok()) failed_ = batch.status();
    } else {
      idle_.push_back(std::move(worker));
    }
    return batch;
  }

 protected:
  RowsOfChunks(ScanPlan plan, std::vector<InputFile> files, ChunkOptions options, std::shared_ptr<FileScanStats> stats)
      : plan_(std::move(plan)), stats_(stats), chunks_(Fs::Local(), std::move(files), std::move(options), std::move(stats)) {}

  virtual std::unique_ptr<Worker> NewWorker() const = 0;
  // The rows of a piece of the worker's chunk; the number of records that were handed to plan().bad_records().
  virtual Result<int64_t> ParsePiece(Worker& worker, const ChunkPiece& piece) = 0;

  const ScanPlan& plan() const { return plan_; }
  const InputFile& FileOf(const ChunkPiece& piece) const { return chunks_.files()[static_cast<size_t>(piece.file)]; }

 private:
  std::unique_ptr<Worker> Take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Worker> worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
    }
    return NewWorker();
  }

  Result<RecordBatchPtr> NextOf(Worker& worker) {
    while (true) {
      {
        std::lock_guard lock(mutex_);
        if (!failed_.ok()) return failed_;
      }
      MS_ASSIGN_OR_RETURN(bool more, chunks_.Next(&worker.chunk));
      if (!more) return RecordBatchPtr();
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, Parse(worker));
      if (batch->num_rows() > 0) return batch;
    }
  }

  Result<RecordBatchPtr> Parse(Worker& worker) {
    auto& parser = worker.parser;
    ColumnBuilder& rows = parser.rows();
    std::vector<FileRun> runs;
    parser.ResetCounts();
    int64_t quarantined = 0;
    for (const ChunkPiece& piece : worker.chunk.pieces) {
      const int64_t before = rows.size(), rejected = parser.rejected(), malformed = parser.malformed(), rescued = parser.rescued();
      MS_ASSIGN_OR_RETURN(const int64_t bad, ParsePiece(worker, piece));
      quarantined += bad;
      if (FileOutcomes* outcomes = plan_.outcomes()) {
        FileOutcomes::Counts& counts = outcomes->of(piece.file);
        counts.quarantined += bad;
        counts.rejected += parser.rejected() - rejected;
        counts.malformed += parser.malformed() - malformed;
        counts.rescued += parser.rescued() - rescued;
      }
      runs.push_back({piece.file, rows.size() - before});
    }
    const int64_t count = rows.size();
    if (stats_) {
      stats_->rows_in += count + parser.rejected() + quarantined;
      stats_->rows_quarantined += quarantined;
      stats_->rows_out += count;
      stats_->rows_rejected += parser.rejected();
      stats_->rows_rescued += parser.rescued();
      stats_->rows_malformed += parser.malformed();
    }
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    for (size_t i = 0; i < rows.child_count(); ++i) parsed.push_back(rows.child(i).Finish());
    rows.Truncate(0);
    return plan_.Assemble(std::move(parsed), chunks_.files(), runs, count);
  }

  const ScanPlan plan_;
  const std::shared_ptr<FileScanStats> stats_;
  InputChunks chunks_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Worker>> idle_;
  Status failed_;
};

}  // namespace millstream
