#pragma once

// transform_keeper.h   What the engine keeps for a processor of transformWithState, in one batch: ships it with the groups, answers questions, takes notes.

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "plan/python_code.h"
#include "streaming/operators/transform_state.h"
#include "streaming/operators/transform_timers.h"

namespace millstream {

class TransformKeeper {
 public:
  // `ships`: of each variable whether it is sent with the groups, which is learnt from what is read and outlives the batch.
  static Result<std::unique_ptr<TransformKeeper>> Open(const BatchContext& batch, int64_t operator_id, const TransformDeclaration& declaration,
                                                       TransformWithState::TimeMode mode, std::vector<bool>* ships);

  // The groups of the next message.
  struct Shipped {
    nlohmann::json held = nlohmann::json::array();  // which variables
    std::vector<RecordBatchPtr> tables;             // how many entries each group has of them, and the entries
  };
  Result<Shipped> Begin(std::vector<std::string> groups);
  // What Python has asked of these groups.
  Result<PythonMessage> Answer(const nlohmann::json& question, const std::vector<RecordBatchPtr>& tables);
  // The notes in an answer, whose tables from the second on they are.
  Status Apply(const nlohmann::json& header, const std::vector<RecordBatchPtr>& tables);
  // Timers that are due; Spark's way, those that are registered from now on have to wait for the next batch.
  Result<std::vector<TransformTimers::Due>> DueBy(int64_t through_ms) const;
  // After the last message.
  Status DropExpired();

  // Into the counts of the batch.
  Status Report(StateOperatorProgress* progress) const;

 private:
  TransformKeeper(StateStores& stores, int64_t operator_id, std::vector<bool>* ships) : stores_(stores), operator_id_(operator_id), ships_(ships) {}
  Result<TransformState*> StateOf(const nlohmann::json& message) const;
  Result<std::string_view> GroupOf(const nlohmann::json& message) const;
  Status ApplyTimers(const arrow::RecordBatch& notes);

  StateStores& stores_;
  const int64_t operator_id_;
  std::vector<std::unique_ptr<TransformState>> states_;
  std::unique_ptr<TransformTimers> timers_;  // of a time mode
  std::vector<bool>* const ships_;
  std::vector<std::string> groups_;
  std::set<size_t> read_;
  TransformState::Counts counts_;
  std::map<std::string, int64_t> metrics_;
};

}  // namespace millstream
