#include "connectors/files/whole_file_rows.h"

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "connectors/files/files_errors.h"
#include "types/chunk_rows.h"

namespace millstream {
namespace {

class WholeFileRows : public RowStream, public DeliversChunks {
 public:
  WholeFileRows(RowStreamPtr rows, std::shared_ptr<WholeFiles> files) : rows_(std::move(rows)), files_(std::move(files)) {}
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    files_->RefuseAll("the query computes its rows, or they do not go into a Delta table");
    return rows_->Next();
  }
  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override {
    ChunkWishes with_files = wishes;
    if (wishes.no_files_because.empty()) {
      with_files.files = files_;
    } else {
      files_->RefuseAll(wishes.no_files_because);
    }
    return NextOf(*rows_, with_files);
  }

 private:
  const RowStreamPtr rows_;
  const std::shared_ptr<WholeFiles> files_;
};

}  // namespace

Result<std::optional<WholeFileMode>> ParseZeroCopy(const std::string& option, const std::string& value, const std::string& owner, const std::string& format) {
  auto is = [&](std::string_view word) { return EqualsIgnoreCase(value, word); };
  std::optional<WholeFileMode> mode;
  if (is("copy") || is("true")) mode = WholeFileMode::kCopy;
  if (is("link")) mode = WholeFileMode::kLink;
  auto invalid = [&](std::string reason) {
    return Status::Error(errors::kInvalidOptionValue, {{"option", option}, {"owner", owner}, {"value", value}, {"reason", std::move(reason)}});
  };
  if (!mode && !is("off") && !is("false")) return invalid("expected off, copy or link");
  if (mode && !EqualsIgnoreCase(format, "parquet")) {
    return invalid("only Parquet files can be files of a table as they are, and these are " + format + "; leave it out");
  }
  return mode;
}

RowStreamPtr WithWholeFiles(RowStreamPtr rows, std::shared_ptr<WholeFiles> files) {
  if (files == nullptr) return rows;
  return std::make_unique<WholeFileRows>(std::move(rows), std::move(files));
}

}  // namespace millstream
