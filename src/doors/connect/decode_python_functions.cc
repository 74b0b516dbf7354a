// Python functions of columns, and over batches of rows.

#include "doors/connect/connect_errors.h"
#include "doors/connect/plan_decoder.h"
#include "doors/connect/python_process.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// org.apache.spark.api.python.PythonEvalType
Result<PythonCall::Kind> KindOfFunction(int eval_type, const std::string& name) {
  switch (eval_type) {
    case 100:
      return PythonCall::Kind::kRow;
    case 101:
      return PythonCall::Kind::kArrowRow;
    case 200:
      return PythonCall::Kind::kSeries;
    case 204:
      return PythonCall::Kind::kSeriesIterator;
    case 250:
      return PythonCall::Kind::kArray;
    case 251:
      return PythonCall::Kind::kArrayIterator;
    default:
      return Status::Unsupported("The kind of Python function " + std::to_string(eval_type) + " (" + name + ")",
                                 "Functions of rows, and pandas_udf and arrow_udf from columns to a column, can be called.");
  }
}

// Without arguments.
Result<PythonCall> PythonCallOf(ConnectSession& session, const sc::CommonInlineUserDefinedFunction& function) {
  if (!function.has_python_udf()) return Status::Unsupported("The user-defined function " + function.function_name() + ", which is not Python");
  PythonCall call{.name = function.function_name(), .is_deterministic = function.deterministic()};
  MS_ASSIGN_OR_RETURN(call.kind, KindOfFunction(function.python_udf().eval_type(), call.name));
  MS_ASSIGN_OR_RETURN(call.type, DataTypeFromSparkProto(function.python_udf().output_type()));
  MS_ASSIGN_OR_RETURN(call.code, MakePythonCode(session, function));
  return call;
}

}  // namespace

Result<ExprPtr> PlanDecoder::PythonFunction(const sc::CommonInlineUserDefinedFunction& function) {
  MS_ASSIGN_OR_RETURN(PythonCall call, PythonCallOf(session_, function));
  for (const sc::Expression& argument : function.arguments()) {
    const bool is_named = argument.has_named_argument_expression();
    MS_ASSIGN_OR_RETURN(ExprPtr value, Expression(is_named ? argument.named_argument_expression().value() : argument));
    call.args.push_back(std::move(value));
    call.arg_names.push_back(is_named ? argument.named_argument_expression().key() : "");
  }
  return MakeExpr(std::move(call));
}

Status PlanDecoder::RegisterFunction(const sc::CommonInlineUserDefinedFunction& function) {
  MS_ASSIGN_OR_RETURN(PythonCall call, PythonCallOf(session_, function));
  session_.session().RegisterFunction(call.name, std::make_shared<const PythonCall>(call));
  return Status();
}

Result<PlanPtr> PlanDecoder::MapPartitions(const sc::MapPartitions& message) {
  PythonMap map;
  const int eval_type = message.func().python_udf().eval_type();
  if (eval_type != 205 && eval_type != 207)
    return Status::Unsupported("The kind of Python function " + std::to_string(eval_type) + " over partitions", "mapInPandas and mapInArrow can be called.");
  map.kind = eval_type == 205 ? PythonMap::Kind::kPandas : PythonMap::Kind::kArrow;
  MS_ASSIGN_OR_RETURN(map.child, Relation(message.input()));
  MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkProto(message.func().python_udf().output_type()));
  if (type.id() != TypeId::kStruct) return Status::Error(errors::kPlanMalformed, {{"message", "The output of mapInPandas is not a struct."}});
  map.output_schema = type.fields();
  MS_ASSIGN_OR_RETURN(map.code, MakePythonCode(session_, message.func()));
  return MakePlan(std::move(map));
}

}  // namespace millstream
