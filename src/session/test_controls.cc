#include "session/test_controls.h"

#include <arrow/record_batch.h>

#include <charconv>

#include "types/arrow_types.h"

namespace millstream {
namespace {

std::optional<int64_t> WholeNumber(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

class MemoryStreamSource : public Source, public SupportsTriggerAvailableNow {
 public:
  MemoryStreamSource(std::string name, std::shared_ptr<MemoryStreamData> data) : name_(std::move(name)), data_(std::move(data)) {}
  const StructType& schema() const override { return data_->schema(); }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override { return "MemoryStream[" + name_ + "]"; }
  Status PrepareForTriggerAvailableNow() override {
    frozen_ = data_->additions();
    return Status();
  }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>&, const ReadLimit&) override {
    const int64_t additions = frozen_.value_or(data_->additions());
    if (additions == 0) return std::optional<StreamOffset>();
    return std::optional<StreamOffset>(StreamOffset{std::to_string(additions - 1)});
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    MS_ASSIGN_OR_RETURN(int64_t after, start ? Decode(*start) : Result<int64_t>(-1));
    MS_ASSIGN_OR_RETURN(int64_t to, Decode(end));
    if (to >= data_->additions())
      return Status::IllegalArgument("the memory stream " + name_ + " has " + std::to_string(data_->additions()) + " additions, and the checkpoint names the " +
                                     std::to_string(to + 1) + "-th: it ends with its server");
    std::vector<int> picked;
    StructType wanted;
    for (const std::string& column : needs.columns) {
      std::optional<size_t> at = schema().IndexOf(column, true);
      if (!at) return Status::Internal("no column " + column + " in " + name_);
      picked.push_back(static_cast<int>(*at));
      wanted.Add(schema()[*at]);
    }
    std::vector<RecordBatchPtr> batches;
    rows_ = 0;
    for (const RecordBatchPtr& batch : data_->Rows(after, to)) {
      auto selected = batch->SelectColumns(picked);
      if (!selected.ok()) return FromArrowStatus(selected.status(), "reading " + name_);
      rows_ += batch->num_rows();
      batches.push_back(*selected);
    }
    return MakeRowStream(ToArrowSchema(wanted), std::move(batches));
  }
  Status Commit(const StreamOffset&) override { return Status(); }
  int64_t rows_read() const override { return rows_; }

 private:
  static Result<int64_t> Decode(const StreamOffset& offset) {
    if (std::optional<int64_t> number = WholeNumber(offset.json)) return *number;
    return Status::IllegalArgument("'" + offset.json + "' is not an offset of a memory stream.");
  }

  const std::string name_;
  const std::shared_ptr<MemoryStreamData> data_;
  const StructType none_;
  std::optional<int64_t> frozen_;
  int64_t rows_ = 0;
};

class MemoryStreamRelation : public StreamingRelationSource {
 public:
  MemoryStreamRelation(std::string name, std::shared_ptr<MemoryStreamData> data) : name_(std::move(name)), data_(std::move(data)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return data_->schema(); }
  Result<std::unique_ptr<Source>> CreateSource(const std::string&) const override {
    return std::unique_ptr<Source>(std::make_unique<MemoryStreamSource>(name_, data_));
  }

 private:
  const std::string name_;
  const std::shared_ptr<MemoryStreamData> data_;
};

}  // namespace

int64_t HeldClock::WallMillis() {
  const int64_t held = held_ms_.load();
  return held < 0 ? System().WallMillis() : held;
}

Status HeldClock::Set(const std::string& value) {
  if (value == "system") {
    held_ms_ = -1;
    return Status();
  }
  const bool goes_on = value.starts_with("+");
  std::optional<int64_t> number = WholeNumber(std::string_view(value).substr(goes_on ? 1 : 0));
  if (!number) return Status::IllegalArgument(std::string(kTestingClock) + ": '" + value + "' is not milliseconds since 1970, \"+milliseconds\" or \"system\"");
  held_ms_ = goes_on ? WallMillis() + *number : *number;
  return Status();
}

MemoryStreamData::MemoryStreamData(StructType schema) {
  for (StructField field : schema) {
    field.nullable = true;
    schema_.Add(std::move(field));
  }
}

void MemoryStreamData::Add(std::vector<RecordBatchPtr> rows) {
  std::lock_guard lock(mutex_);
  additions_.push_back(std::move(rows));
}

int64_t MemoryStreamData::additions() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(additions_.size());
}

std::vector<RecordBatchPtr> MemoryStreamData::Rows(int64_t after, int64_t to) const {
  std::lock_guard lock(mutex_);
  std::vector<RecordBatchPtr> rows;
  for (int64_t at = after + 1; at <= to; ++at) rows.insert(rows.end(), additions_[static_cast<size_t>(at)].begin(), additions_[static_cast<size_t>(at)].end());
  return rows;
}

Result<std::shared_ptr<MemoryStreamData>> MemoryStreamTable::FindOrMake(const std::string& name, const StructType& schema) {
  auto made = std::make_shared<MemoryStreamData>(schema);
  std::lock_guard lock(mutex_);
  auto [found, is_new] = streams_.emplace(name, made);
  if (!is_new && !(found->second->schema() == made->schema()))
    return Status::IllegalArgument("the memory stream " + name + " has other columns, or columns of other types, than these rows");
  return found->second;
}

std::shared_ptr<MemoryStreamData> MemoryStreamTable::Find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = streams_.find(name);
  return found == streams_.end() ? nullptr : found->second;
}

void MemoryStreamTable::Remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  streams_.erase(name);
}

RelationSourcePtr MakeMemoryStreamRelation(std::string name, std::shared_ptr<MemoryStreamData> data) {
  return std::make_shared<MemoryStreamRelation>(std::move(name), std::move(data));
}

}  // namespace millstream
