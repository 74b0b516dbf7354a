#include "streaming/operators/transform_keeper.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include "types/spark_ddl.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

// More of a group is asked for when it is wanted.
constexpr int64_t kEntriesShipped = 64;
constexpr int64_t kEntriesAnswered = 1000;

RecordBatchPtr LongsOf(const std::vector<std::vector<int64_t>>& columns, int64_t rows) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const std::vector<int64_t>& column : columns) {
    arrow::Int64Builder builder;
    std::shared_ptr<arrow::Array> array;
    MS_CHECK(builder.AppendValues(column).ok() && builder.Finish(&array).ok());
    fields.push_back(arrow::field("c" + std::to_string(fields.size()), arrow::int64()));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(arrays));
}

const char* CountedAs(const TransformVariable& variable) {
  const bool ttl = variable.ttl_ms.has_value();
  switch (variable.kind) {
    case TransformVariable::Kind::kValue:
      return ttl ? "numValueStateWithTTLVars" : "numValueStateVars";
    case TransformVariable::Kind::kList:
      return ttl ? "numListStateWithTTLVars" : "numListStateVars";
    case TransformVariable::Kind::kMap:
      return ttl ? "numMapStateWithTTLVars" : "numMapStateVars";
  }
  return "";
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (char byte : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

std::string FromHex(std::string_view hex) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

constexpr const char* kMetrics[] = {
    "initialStateProcessingTimeMs",  "numValueStateVars", "numListStateVars", "numMapStateVars",          "numDeletedStateVars",     "timerProcessingTimeMs",
    "numRegisteredTimers",           "numDeletedTimers",  "numExpiredTimers", "numValueStateWithTTLVars", "numListStateWithTTLVars", "numMapStateWithTTLVars",
    "numValuesRemovedDueToTTLExpiry"};

}  // namespace

Result<std::unique_ptr<TransformKeeper>> TransformKeeper::Open(const BatchContext& batch, int64_t operator_id, const TransformDeclaration& declaration,
                                                               TransformWithState::TimeMode mode, std::vector<bool>* ships) {
  std::unique_ptr<TransformKeeper> keeper(new TransformKeeper(*batch.stores, operator_id, ships));
  for (const char* name : kMetrics) keeper->metrics_[name] = 0;
  for (const std::string& name : declaration.deleted) {
    MS_ASSIGN_OR_RETURN(bool found, TransformState::Delete(*batch.stores, operator_id, name));
    keeper->metrics_["numDeletedStateVars"] += found ? 1 : 0;
  }
  for (const TransformVariable& variable : declaration.variables) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<TransformState> state, TransformState::Open(*batch.stores, operator_id, variable, batch.timestamp_ms));
    keeper->states_.push_back(std::move(state));
    ++keeper->metrics_[CountedAs(variable)];
  }
  if (mode != TransformWithState::TimeMode::kNone) {
    MS_ASSIGN_OR_RETURN(keeper->timers_, TransformTimers::Open(*batch.stores, operator_id, mode));
  }
  return keeper;
}

Result<TransformKeeper::Shipped> TransformKeeper::Begin(std::vector<std::string> groups) {
  groups_ = std::move(groups);
  Shipped shipped;
  std::vector<std::vector<int64_t>> counts;
  std::vector<RecordBatchPtr> entries;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!(*ships_)[i]) continue;
    shipped.held.push_back(i);
    std::vector<int64_t> of_groups;
    for (const std::string& group : groups_) {
      MS_ASSIGN_OR_RETURN(int64_t count, states_[i]->ReadFew(group, kEntriesShipped));
      of_groups.push_back(count);
    }
    counts.push_back(std::move(of_groups));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> tables, states_[i]->Take());
    entries.insert(entries.end(), tables.begin(), tables.end());
  }
  shipped.tables.push_back(LongsOf(counts, static_cast<int64_t>(groups_.size())));
  shipped.tables.insert(shipped.tables.end(), entries.begin(), entries.end());
  return shipped;
}

Result<TransformState*> TransformKeeper::StateOf(const nlohmann::json& message) const {
  const size_t index = message.value("variable", states_.size());
  if (index >= states_.size()) return Status::Internal("the Python worker asks for a variable that is not there");
  return states_[index].get();
}

Result<std::string_view> TransformKeeper::GroupOf(const nlohmann::json& message) const {
  const size_t group = message.value("group", groups_.size());
  if (group >= groups_.size()) return Status::Internal("the Python worker asks for a group that is not there");
  return std::string_view(groups_[group]);
}

Result<PythonMessage> TransformKeeper::Answer(const nlohmann::json& question, const std::vector<RecordBatchPtr>& tables) {
  const std::string what = question.value("ask", "");
  PythonMessage answer{.json = "{}", .tables = {}};
  MS_ASSIGN_OR_RETURN(std::string_view group, GroupOf(question));
  if (what == "timers") {
    if (timers_ == nullptr) return Status::Internal("the Python worker asks for timers");
    MS_ASSIGN_OR_RETURN(std::vector<int64_t> moments, timers_->List(group));
    const auto rows = static_cast<int64_t>(moments.size());
    answer.tables = {LongsOf({std::move(moments)}, rows)};
    return answer;
  }
  MS_ASSIGN_OR_RETURN(TransformState * state, StateOf(question));
  read_.insert(question.value("variable", size_t{0}));
  if (what == "value") {
    std::string after;
    MS_RETURN_IF_ERROR(state->Read(group, 1, &after).status());
  } else if (what == "items") {
    std::string after = FromHex(question.value("after", ""));
    MS_RETURN_IF_ERROR(state->Read(group, kEntriesAnswered, &after).status());
    answer.json = nlohmann::json{{"after", after.empty() ? nlohmann::json() : nlohmann::json(ToHex(after))}}.dump();
  } else if (what == "entry" && tables.size() == 1) {
    MS_RETURN_IF_ERROR(state->ReadEntry(group, tables[0]));
  } else {
    return Status::Internal("the Python worker asks for " + what);
  }
  MS_ASSIGN_OR_RETURN(answer.tables, state->Take());
  if (what == "entry") answer.tables = {answer.tables.back()};
  return answer;
}

Status TransformKeeper::Apply(const nlohmann::json& header, const std::vector<RecordBatchPtr>& tables) {
  size_t at = 1;
  const nlohmann::json counts = header.value("counts", nlohmann::json::object());
  if (counts.value("anew", false)) counts_.updated = 0;
  counts_.updated += counts.value("updated", int64_t{0});
  counts_.removed += counts.value("removed", int64_t{0});
  for (const char* name : {"numRegisteredTimers", "numDeletedTimers"}) metrics_[name] += counts.value(name, int64_t{0});
  for (const nlohmann::json& index : header.value("written", nlohmann::json::array())) {
    MS_ASSIGN_OR_RETURN(TransformState * state, StateOf({{"variable", index}}));
    if (at + state->tables() > tables.size()) return Status::Internal("the Python worker's answer lacks tables");
    const auto first = tables.begin() + static_cast<std::ptrdiff_t>(at);
    MS_RETURN_IF_ERROR(state->Apply(groups_, {first, first + static_cast<std::ptrdiff_t>(state->tables())}, &counts_));
    at += state->tables();
  }
  if (header.value("timers", false)) {
    if (timers_ == nullptr || at >= tables.size()) return Status::Internal("the Python worker's answer lacks timers");
    MS_RETURN_IF_ERROR(ApplyTimers(*tables[at]));
  }
  for (const nlohmann::json& index : header.value("read", nlohmann::json::array())) read_.insert(index.get<size_t>());
  if (header.value("pending", false)) return Status();
  for (size_t i = 0; i < ships_->size(); ++i) (*ships_)[i] = read_.contains(i);
  read_.clear();
  return Status();
}

Status TransformKeeper::ApplyTimers(const arrow::RecordBatch& notes) {
  if (notes.num_columns() != 3 || notes.column(0)->type_id() != arrow::Type::INT64 || notes.column(1)->type_id() != arrow::Type::INT64 ||
      notes.column(2)->type_id() != arrow::Type::BOOL)
    return Status::Internal("the Python worker's notes of timers have another form");
  const auto& group_of = static_cast<const arrow::Int64Array&>(*notes.column(0));
  const auto& moments = static_cast<const arrow::Int64Array&>(*notes.column(1));
  const auto& registered = static_cast<const arrow::BooleanArray&>(*notes.column(2));
  for (int64_t i = 0; i < notes.num_rows(); ++i) {
    MS_ASSIGN_OR_RETURN(std::string_view group, GroupOf({{"group", group_of.Value(i)}}));
    MS_RETURN_IF_ERROR(registered.Value(i) ? timers_->Register(group, moments.Value(i)) : timers_->Delete(group, moments.Value(i)));
  }
  return Status();
}

Result<std::vector<TransformTimers::Due>> TransformKeeper::DueBy(int64_t through_ms) const {
  if (timers_ == nullptr) return std::vector<TransformTimers::Due>();
  return timers_->DueBy(through_ms);
}

Status TransformKeeper::DropExpired() {
  for (const std::unique_ptr<TransformState>& state : states_) MS_RETURN_IF_ERROR(state->DropExpired(&counts_));
  return Status();
}

Status TransformKeeper::Report(StateOperatorProgress* progress) const {
  progress->rows_updated = counts_.updated;
  progress->rows_removed = counts_.removed;
  progress->custom_metrics = metrics_;
  progress->custom_metrics["numValuesRemovedDueToTTLExpiry"] = counts_.expired;
  for (const StateStoreId& id : stores_.Ids()) {
    if (id.operator_id != operator_id_) continue;
    MS_ASSIGN_OR_RETURN(StateStore * store, stores_.Store(id));
    progress->memory_bytes += store->memory_bytes();
    // Variables that are declared no longer count as well; what is ours does not.
    if (!id.name.starts_with('$')) progress->rows_total += store->rows();
  }
  return Status();
}

}  // namespace millstream
