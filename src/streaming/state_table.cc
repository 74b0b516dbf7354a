#include "streaming/state_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ids.h"
#include "streaming/commit_log.h"
#include "streaming/state/state_errors.h"
#include "streaming/state_table_errors.h"
#include "streaming/state_table_rows.h"

namespace millstream {
namespace {

// What is asked for, checked in Spark's order.
struct StateRequest {
  std::string checkpoint;
  int64_t operator_id = 0;
  std::string store = "default", join_side = "none";
  std::optional<std::string> variable;  // of transformWithState
  bool timers = false, flatten = true;
  bool changes = false;
  int64_t first_batch = 0, batch = 0;

  std::string Text() const {
    return fmt::format(
        "StateSourceOptions(checkpointLocation={}, batchId={}, operatorId={}, storeName={}, joinSide={}, stateVarName={}, flattenCollectionTypes={})",
        UriFromPath(checkpoint), batch, operator_id, store, join_side, variable.value_or("None"), flatten);
  }
};

Status Required(std::string_view option) { return Status::Error(errors::kStdsRequired, {{"optionName", std::string(option)}}); }
Status Negative(std::string_view option) { return Status::Error(errors::kStdsNegative, {{"optionName", std::string(option)}}); }
Status Invalid(std::string_view option, std::string message) {
  return Status::Error(errors::kStdsInvalid, {{"optionName", std::string(option)}, {"message", std::move(message)}});
}
Status Conflict(std::string_view one, std::string_view other) {
  return Status::Error(errors::kStdsConflict, {{"options", fmt::format("['{}', '{}']", one, other)}});
}

Result<std::optional<int64_t>> NumberOf(const OptionValues& options, std::string_view name) {
  const std::optional<std::string> text = options.String(name);
  if (!text) return std::optional<int64_t>();
  int64_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return Status::IllegalArgument("For input string: \"" + *text + "\"");
  return std::optional<int64_t>(number);
}

Result<bool> FlagOf(const OptionValues& options, std::string_view name, bool otherwise) {
  std::string text = options.String(name).value_or(otherwise ? "true" : "false");
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (text != "true" && text != "false") return Invalid(name, "Boolean value is expected");
  return text == "true";
}

std::string Trimmed(std::string text) {
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// The batches that are committed and not forgotten, oldest first.
Result<std::vector<int64_t>> CommittedBatches(Fs& fs, const std::string& checkpoint) {
  std::vector<int64_t> batches;
  Result<std::vector<DirectoryEntry>> entries = fs.List(JoinPath(checkpoint, "commits"));
  if (!entries.ok()) return entries.status().Is(errors::kFileNotFound) ? Result<std::vector<int64_t>>(batches) : Result<std::vector<int64_t>>(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    int64_t batch = 0;
    auto [end, error] = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), batch);
    if (error == std::errc() && end == entry.name.data() + entry.name.size() && batch >= 0) batches.push_back(batch);
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

Status CheckSnapshotOptions(const OptionValues& options, int64_t batch) {
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> start, NumberOf(options, "snapshotStartBatchId"));
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> partition, NumberOf(options, "snapshotPartitionId"));
  if (start && *start < 0) return Negative("snapshotStartBatchId");
  if (start && *start > batch) return Invalid("snapshotStartBatchId", fmt::format("value should be less than or equal to {}", batch));
  if (partition && *partition < 0) return Negative("snapshotPartitionId");
  if (partition && !start) return Required("snapshotStartBatchId");
  if (start && !partition) return Required("snapshotPartitionId");
  return Status();
}

Status TakeChangeFeed(const OptionValues& options, const std::vector<int64_t>& committed, StateRequest* request) {
  if (request->join_side != "none") return Conflict("joinSide", "readChangeFeed");
  for (std::string_view other : {"batchId", "snapshotStartBatchId", "snapshotPartitionId"}) {
    if (options.Has(other)) return Conflict(other, "readChangeFeed");
  }
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> start, NumberOf(options, "changeStartBatchId"));
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> end, NumberOf(options, "changeEndBatchId"));
  if (!start) return Required("changeStartBatchId");
  if (!end && !committed.empty()) end = committed.back();
  if (*start < 0) return Negative("changeStartBatchId");
  if (end && *end < *start) {
    return Invalid("changeEndBatchId",
                   fmt::format("changeEndBatchId cannot be smaller than changeStartBatchId. Please check the input to changeEndBatchId, or if you are "
                               "using its default value, make sure that changeStartBatchId is less than {}.",
                               *end));
  }
  request->changes = true;
  request->first_batch = *start;
  request->batch = end.value_or(-1);
  return Status();
}

Result<StateRequest> Parse(Fs& fs, const std::string& checkpoint, const OptionValues& options) {
  StateRequest request{.checkpoint = checkpoint};
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> operator_id, NumberOf(options, "operatorId"));
  request.operator_id = operator_id.value_or(0);
  if (request.operator_id < 0) return Negative("operatorId");
  request.store = Trimmed(options.String("storeName").value_or("default"));
  if (request.store.empty()) return Status::Error(errors::kStdsEmpty, {{"optionName", "storeName"}});
  MS_ASSIGN_OR_RETURN(request.timers, FlagOf(options, "readRegisteredTimers", false));
  if (options.Has("stateVarName")) request.variable = Trimmed(*options.String("stateVarName"));
  if (request.timers && request.variable) return Conflict("readRegisteredTimers", "stateVarName");
  MS_ASSIGN_OR_RETURN(request.flatten, FlagOf(options, "flattenCollectionTypes", true));
  request.join_side = options.String("joinSide").value_or("none");
  if (request.join_side != "left" && request.join_side != "right" && request.join_side != "none")
    return Invalid("joinSide", "Valid values are left,right,none");
  if (request.join_side != "none" && request.store != "default") return Conflict("joinSide", "storeName");
  if (request.join_side != "none" && (request.variable || request.timers))
    return Conflict("joinSide", request.timers ? "readRegisteredTimers" : "stateVarName");
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> committed, CommittedBatches(fs, checkpoint));
  if (options.Bool("readChangeFeed")) {
    MS_RETURN_IF_ERROR(TakeChangeFeed(options, committed, &request));
  } else {
    for (std::string_view only : {"changeStartBatchId", "changeEndBatchId"}) {
      if (options.Has(only)) return Invalid(only, "Only specify this option when readChangeFeed is set to true.");
    }
    MS_ASSIGN_OR_RETURN(std::optional<int64_t> batch, NumberOf(options, "batchId"));
    if (batch && *batch < 0) return Negative("batchId");
    request.batch = batch.value_or(committed.empty() ? -1 : committed.back());
    MS_RETURN_IF_ERROR(CheckSnapshotOptions(options, request.batch));
  }
  if (!std::binary_search(committed.begin(), committed.end(), request.batch))
    return Status::Error(errors::kStdsNoBatch, {{"checkpointLocation", UriFromPath(checkpoint)}});
  return request;
}

// From the top of the plan, as Spark numbers them.
Result<std::vector<StateOperatorFacts>> OperatorsOf(StateStores& stores) {
  MS_ASSIGN_OR_RETURN(std::vector<StateOperatorFacts> operators, ReadStateSchema(stores));
  std::reverse(operators.begin(), operators.end());
  return operators;
}

}  // namespace

const OptionTable& StateTableOptions() {
  using enum OptionType;
  static const OptionTable table(
      "statestore", {
                        {"path", kString, "", "the checkpoint of the query", "0.2"},
                        {"batchId", kString, "", "the state after this batch; the last one by default", "0.2"},
                        {"operatorId", kString, "", "which operator, from the top of the plan; 0 by default", "0.2"},
                        {"storeName", kString, "", "which of its stores; \"default\" by default", "0.2"},
                        {"joinSide", kString, "", "left or right, of a join of two streams", "0.2"},
                        {"snapshotStartBatchId", kString, "", "checked; what is read does not depend on it", "0.2"},
                        {"snapshotPartitionId", kString, "", "checked; what is read does not depend on it", "0.2"},
                        {"readChangeFeed", kBool, "false", "what each batch has changed", "0.2"},
                        {"changeStartBatchId", kString, "", "with readChangeFeed: the first batch", "0.2"},
                        {"changeEndBatchId", kString, "", "with readChangeFeed: the last batch", "0.2"},
                        {"stateVarName", kString, "", "a state variable of transformWithState", "0.2"},
                        {"readRegisteredTimers", kString, "", "the timers of transformWithState", "0.2"},
                        {"flattenCollectionTypes", kString, "", "of a list or map each element is a row (true, the default), or each group (false)", "0.2"},
                    });
  return table;
}

namespace {

// Of transformWithState each variable is read by itself.
Result<RelationSourcePtr> OpenVariable(Fs& fs, const StateRequest& request, const StateOperatorFacts& op) {
  // Spark takes the name of a store for that of a variable.
  const std::optional<std::string> variable = request.store != "default" ? request.store : request.variable;
  const auto facts = std::find_if(op.stores.begin(), op.stores.end(), [&](const StateStoreFacts& one) {
    return request.timers ? one.layout == StateLayout::kTimers : variable && one.name == *variable && one.layout != StateLayout::kTimers;
  });
  if (facts == op.stores.end()) {
    if (request.timers) return Invalid("readRegisteredTimers", "Registered timers are not available in TimeMode=None.");
    if (!variable) return Required("stateVarName");
    return Invalid("stateVarName", fmt::format("State variable {} is not defined for the transformWithState operator.", *variable));
  }
  const std::string store = facts->layout == StateLayout::kListVariable ? "$items_" + facts->name : facts->name;
  const int64_t first_batch = request.changes ? request.first_batch : request.batch;
  return MakeStateRelation(StateRelationSpec{.fs = fs,
                                             .directory = JoinPath(request.checkpoint, "state"),
                                             .operator_id = op.id,
                                             .store = store,
                                             .facts = *facts,
                                             .flatten = request.flatten,
                                             .changes = request.changes,
                                             .first_batch = first_batch,
                                             .last_batch = request.batch});
}

}  // namespace

Result<RelationSourcePtr> OpenStateTable(Fs& fs, const std::string& checkpoint, const OptionMap& user_options) {
  MS_ASSIGN_OR_RETURN(OptionValues options, StateTableOptions().ParseKnown(user_options));
  MS_ASSIGN_OR_RETURN(StateRequest request, Parse(fs, checkpoint, options));
  const Status no_schema = Status::Error(errors::kStdsNoSchema, {{"sourceOptions", request.Text()}});
  MS_ASSIGN_OR_RETURN(bool has_state, fs.Exists(JoinPath(checkpoint, "state")));
  if (!has_state) return no_schema;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateStores> stores, StateStores::OpenAt(fs, JoinPath(checkpoint, "state"), request.batch + 1));
  MS_ASSIGN_OR_RETURN(std::vector<StateOperatorFacts> operators, OperatorsOf(*stores));
  if (request.operator_id >= static_cast<int64_t>(operators.size())) return no_schema;
  const StateOperatorFacts& op = operators[static_cast<size_t>(request.operator_id)];
  if (!op.properties.empty()) return OpenVariable(fs, request, op);
  if (options.Has("stateVarName") || request.store != "default") {
    return Invalid("stateVarName", "Providing state variable names is only supported with the transformWithState operator. Found operator=" + op.name +
                                       ". Please remove this option and re-run the query.");
  }
  const std::string store = request.join_side == "none" ? request.store : request.join_side;
  const auto facts = std::find_if(op.stores.begin(), op.stores.end(), [&](const StateStoreFacts& one) { return one.name == store; });
  if (facts == op.stores.end()) return no_schema;
  const int64_t first_batch = request.changes ? request.first_batch : request.batch;
  return MakeStateRelation(StateRelationSpec{.fs = fs,
                                             .directory = JoinPath(checkpoint, "state"),
                                             .operator_id = op.id,
                                             .store = store,
                                             .facts = *facts,
                                             .changes = request.changes,
                                             .first_batch = first_batch,
                                             .last_batch = request.batch});
}

Result<RelationSourcePtr> OpenStateMetadataTable(Fs& fs, const std::string& checkpoint) {
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> committed, CommittedBatches(fs, checkpoint));
  MS_ASSIGN_OR_RETURN(bool has_state, fs.Exists(JoinPath(checkpoint, "state")));
  std::vector<StateMetadataRow> rows;
  if (!has_state || committed.empty()) return MakeStateMetadataRelation(std::move(rows));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateStores> stores, StateStores::OpenAt(fs, JoinPath(checkpoint, "state"), committed.back() + 1));
  MS_ASSIGN_OR_RETURN(std::vector<StateOperatorFacts> operators, OperatorsOf(*stores));
  for (size_t id = 0; id < operators.size(); ++id) {
    const StateOperatorFacts& op = operators[id];
    StateMetadataRow row{.operator_id = static_cast<int64_t>(id),
                         .operator_name = op.name,
                         .store_name = "default",
                         .properties = op.properties,
                         .partitions = 1,
                         .batch_min = committed.front(),
                         .batch_max = committed.back()};
    // Spark has the variables of transformWithState in one store, and names them in the properties.
    if (!op.properties.empty()) rows.push_back(row);
    for (const StateStoreFacts& store : op.stores) {
      if (!op.properties.empty()) break;
      row.store_name = store.name;
      row.partitions = static_cast<int32_t>(PartitionsOf(*stores, op.id, store.name).size());
      rows.push_back(row);
    }
  }
  return MakeStateMetadataRelation(std::move(rows));
}

}  // namespace millstream
