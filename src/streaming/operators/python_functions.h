#pragma once

// python_functions.h   Python functions over the rows of a stream or a table, which remember nothing: a column for each (Spark's ArrowEvalPythonExec and
// BatchEvalPythonExec), or other rows.

#include <memory>
#include <string>
#include <vector>

#include "plan/expression.h"
#include "plan/logical_plan.h"
#include "plan/python_code.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

// A process of one function, begun with its first rows; after a talk that has failed, anew. Not thread-safe.
class PythonTalk {
 public:
  PythonTalk(std::shared_ptr<const PythonCode> code, std::string mode, std::string settings)
      : code_(std::move(code)), mode_(std::move(mode)), settings_(std::move(settings)) {}
  Result<PythonMessage> Exchange(const PythonMessage& message, const std::shared_ptr<CancelToken>& cancel);

 private:
  const std::shared_ptr<const PythonCode> code_;
  const std::string mode_, settings_;
  std::unique_ptr<PythonProcess> process_;
};

struct PythonFunctionsSpec {
  struct Function {
    PythonCall call;
    size_t first_argument = 0;  // place among the input's columns; the others follow it
  };
  StructType input;    // under unique names: the columns that pass, then the arguments
  size_t passing = 0;  // how many of them pass
  std::vector<Function> functions;
  StructType output;  // what passes, and a column for each function
};

class PythonFunctionsOperator : public StreamOperator {
 public:
  explicit PythonFunctionsOperator(PythonFunctionsSpec spec);
  const StructType& schema() const override { return spec_.output; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;

 private:
  class Rows;

  const PythonFunctionsSpec spec_;
  std::vector<PythonTalk> talks_;  // one for each function
};

// mapInPandas, mapInArrow (Spark's MapInPandasExec). The function is called with each chunk of the rows, as Spark calls it with each partition.
struct PythonMapSpec {
  PythonMap::Kind kind;
  std::shared_ptr<const PythonCode> code;
  StructType input;  // under unique names
  std::vector<std::string> input_names;
  StructType output;  // under unique names
  std::vector<std::string> output_names;
};

class PythonMapOperator : public StreamOperator {
 public:
  explicit PythonMapOperator(PythonMapSpec spec);
  const StructType& schema() const override { return spec_.output; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;

 private:
  class Rows;

  const PythonMapSpec spec_;
  PythonTalk talk_;
};

}  // namespace millstream
