#pragma once

// stream_plan_pieces.h   What a StreamPlan is made of; for the files that make and run one.

#include "streaming/operators/stream_plan.h"

namespace millstream {

// An operator, and the pieces that it reads.
struct StreamPlan::Node {
  RelationSourcePtr relation;
  std::unique_ptr<StreamOperator> op;
  StatefulOperator* stateful = nullptr;  // the same, when it is one
  std::vector<std::unique_ptr<Piece>> inputs;
};

// What DuckDB computes at once, and the operators that are its scans.
struct StreamPlan::Piece {
  std::unique_ptr<CompiledPlan> plan;
  std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace millstream
