#pragma once

// retraction_fixture.h   For tests: a stream whose rows leave with their files. Beside the source a log of offsets and an idempotent table that knows which of its
// rows came from which file, as simple as they can be; any step may be the last of its process.

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <map>

#include "connectors/api/table.h"
#include "connectors/files/cloud_files_source.h"
#include "connectors/files/cloud_files_state.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/file_requests.h"
#include "storage/failpoint.h"

namespace millstream::test {

using Rows = std::multimap<std::string, std::string>;  // file name → id

class RetractedFiles : public ::testing::Test {
 protected:
  void TearDown() override { (void)ArmFailpoints(""); }

  // Another process. What its checkpoint has logged and not committed runs again.
  Status Start(OptionMap options = {}, bool available_now = false) {
    source_.reset();
    if (!options.empty()) options_ = std::move(options);
    OptionMap all = options_;
    all.try_emplace("cloudFiles.format", "json");
    FilesContext context{.fs = Fs::Local(), .clock = Clock::System(), .make_format = MakeFakeFormat};
    MS_ASSIGN_OR_RETURN(relation_, OpenCloudFiles({.format = "cloudFiles",
                                                   .schema = StructType({{"id", DataType::String()}, {"_file", DataType::String()}}),
                                                   .options = all,
                                                   .paths = {in_.path()},
                                                   .is_streaming = true},
                                                  context));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(directory()));
    MS_RETURN_IF_ERROR(dynamic_cast<RetractsFiles&>(*source_).SetRetractionSupport(Status()));
    if (available_now) MS_RETURN_IF_ERROR(dynamic_cast<SupportsTriggerAvailableNow&>(*source_).PrepareForTriggerAvailableNow());
    if (committed_ == offsets_.size() && committed_ > 0) return source_->Commit(offsets_.back());
    return committed_ < offsets_.size() ? RunLogged(3) : Status();
  }
  std::string directory() { return state_ / "sources/0"; }

  // One batch if there is anything to do; dies after `steps` of its steps.
  Result<bool> RunBatch(int steps = 3) {
    const std::optional<StreamOffset> start = offsets_.empty() ? std::nullopt : std::optional(offsets_.back());
    MS_ASSIGN_OR_RETURN(std::optional<StreamOffset> end, source_->LatestOffset(start, {}));
    if (!end) return false;
    if (steps == 0) return true;
    offsets_.push_back(*end);
    MS_RETURN_IF_ERROR(RunLogged(steps));
    return true;
  }
  Status RunLogged(int steps) {
    const size_t batch = offsets_.size() - 1;
    const std::optional<StreamOffset> start = batch == 0 ? std::nullopt : std::optional(offsets_[batch - 1]);
    if (steps == 1) return Status();
    MS_ASSIGN_OR_RETURN(std::vector<std::string> retracted, dynamic_cast<RetractsFiles&>(*source_).RetractedFiles(start, offsets_[batch]));
    MS_ASSIGN_OR_RETURN(RowStreamPtr stream, source_->ReadBatch(start, offsets_[batch], {.columns = {"id", "_file"}}));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*stream));
    if (in_table_ == batch) {
      for (const std::string& path : retracted) table_.erase(NameOf(path));
      for (const RecordBatchPtr& rows : batches) {
        for (int64_t i = 0; i < rows->num_rows(); ++i) {
          auto text = [&](int column) { return static_cast<const arrow::StringArray&>(*rows->column(column)).GetString(i); };
          table_.emplace(NameOf(text(1)), text(0));
        }
      }
      ++in_table_;
    }
    if (steps == 2) return Status();
    committed_ = offsets_.size();
    return source_->Commit(offsets_.back());
  }
  Status RunAll() {
    for (;;) {
      MS_ASSIGN_OR_RETURN(bool ran, RunBatch());
      if (!ran) return Status();
    }
  }
  std::string NameOf(const std::string& path) { return path.substr(in_.path().size() + 1); }

  // As the statements do.
  Result<int64_t> Request(FileOperation operation, const std::vector<std::string>& names) {
    MS_ASSIGN_OR_RETURN(auto writer, FileRequestWriter::Begin(Fs::Local(), Clock::System(), directory(), operation));
    for (const std::string& name : names) MS_RETURN_IF_ERROR(writer->Add(in_ / name));
    return writer->Publish();
  }
  // With a time of its own, however fast the test is.
  void Write(const std::string& name, const std::string& text);
  std::vector<int64_t> Waiting() { return *ListFileRequests(Fs::Local(), directory()); }
  // path → ingestion_state/pending
  std::map<std::string, std::string> States() {
    std::map<std::string, std::string> states;
    auto relation = OpenCloudFilesState(Fs::Local(), state_.path());
    EXPECT_TRUE(relation.ok()) << relation.status().message();
    auto rows = dynamic_cast<const BatchRelationSource&>(**relation).Scan({.columns = {"path", "ingestion_state", "pending"}});
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        auto text = [&](int column) {
          const auto& texts = static_cast<const arrow::StringArray&>(*batch->column(column));
          return texts.IsNull(i) ? "" : texts.GetString(i);
        };
        std::string& state = states[text(0).substr(text(0).rfind('/') + 1)];
        state += (state.empty() ? "" : " ") + text(1) + (text(2).empty() ? "" : "/" + text(2));
      }
    }
    return states;
  }

  TempDir in_, state_;
  OptionMap options_;
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::vector<StreamOffset> offsets_;
  size_t in_table_ = 0, committed_ = 0;
  Rows table_;
  int writes_ = 0;
};

}  // namespace millstream::test
