#include <optional>
#include <string>

#include "doors/connect/attribute_name.h"
#include "doors/connect/connect_errors.h"
#include "doors/connect/plan_decoder.h"
#include "plan/sql/parser.h"
#include "types/spark_ddl.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

Status PlanDecoder::Enter() {
  if (depth_ > kMaxPlanDepth) return Status::Error(errors::kPlanTooDeep, {{"limit", std::to_string(kMaxPlanDepth)}, {"what", "levels"}});
  if (++nodes_ > kMaxPlanNodes) return Status::Error(errors::kPlanTooDeep, {{"limit", std::to_string(kMaxPlanNodes)}, {"what", "nodes"}});
  return Status();
}

Result<ExprPtr> PlanDecoder::Expression(const sc::Expression& expression) {
  Depth depth(&depth_);
  MS_RETURN_IF_ERROR(Enter());
  return ExpressionBody(expression);
}

Result<ExprPtr> PlanDecoder::ExpressionBody(const sc::Expression& expression) {
  switch (expression.expr_type_case()) {
    case sc::Expression::kLiteral: {
      MS_ASSIGN_OR_RETURN(Literal literal, DecodeLiteral(expression.literal()));
      return MakeExpr(std::move(literal));
    }
    case sc::Expression::kUnresolvedAttribute: {
      const auto& message = expression.unresolved_attribute();
      UnresolvedAttribute attribute;
      MS_ASSIGN_OR_RETURN(attribute.parts, ParseAttributeName(message.unparsed_identifier()));
      if (message.has_plan_id()) attribute.plan_id = message.plan_id();
      attribute.is_metadata_column = message.is_metadata_column();
      return MakeExpr(std::move(attribute));
    }
    case sc::Expression::kCommonInlineUserDefinedFunction:
      return PythonFunction(expression.common_inline_user_defined_function());
    case sc::Expression::kUnresolvedFunction:
      return Function(expression.unresolved_function());
    case sc::Expression::kExpressionString:
      return ParseExpression(expression.expression_string().expression());
    case sc::Expression::kUnresolvedStar: {
      const auto& message = expression.unresolved_star();
      UnresolvedStar star;
      if (message.has_plan_id()) star.plan_id = message.plan_id();
      if (message.has_unparsed_target() && !message.unparsed_target().empty()) {
        const std::string& target = message.unparsed_target();
        if (!target.ends_with(".*")) {
          return Status::Error(errors::kPlanMalformed, {{"message", "UnresolvedStar requires a unparsed target ending with '.*', but got " + target + "."}});
        }
        MS_ASSIGN_OR_RETURN(star.target, ParseAttributeName(std::string_view(target).substr(0, target.size() - 2)));
      }
      return MakeExpr(std::move(star));
    }
    case sc::Expression::kAlias:
      return AliasOf(expression.alias());
    case sc::Expression::kCast:
      return CastOf(expression.cast());
    case sc::Expression::kUnresolvedRegex: {
      const auto& message = expression.unresolved_regex();
      return MakeExpr(UnresolvedRegex{message.col_name(), message.has_plan_id() ? std::optional<int64_t>(message.plan_id()) : std::nullopt});
    }
    case sc::Expression::kSortOrder:
      return SortOrderOf(expression.sort_order());
    case sc::Expression::kLambdaFunction: {
      LambdaExpr lambda;
      for (const auto& argument : expression.lambda_function().arguments()) {
        if (argument.name_parts_size() == 0) return Status::Error(errors::kPlanMalformed, {{"message", "A lambda's argument has no name."}});
        lambda.params.push_back(argument.name_parts(0));
      }
      MS_ASSIGN_OR_RETURN(lambda.body, Expression(expression.lambda_function().function()));
      return MakeExpr(std::move(lambda));
    }
    case sc::Expression::kUnresolvedNamedLambdaVariable: {
      const auto& message = expression.unresolved_named_lambda_variable();
      if (message.name_parts_size() == 0) return Status::Error(errors::kPlanMalformed, {{"message", "A lambda variable has no name."}});
      ExprPtr value = MakeExpr(LambdaVariable{message.name_parts(0)});
      for (int i = 1; i < message.name_parts_size(); ++i) {
        value = MakeExpr(UnresolvedExtractValue{value, MakeExpr(Literal{Value{message.name_parts(i)}, DataType::String()})});
      }
      return value;
    }
    case sc::Expression::kWindow:
      return WindowOf(expression.window());
    case sc::Expression::kUnresolvedExtractValue: {
      UnresolvedExtractValue extract;
      MS_ASSIGN_OR_RETURN(extract.child, Expression(expression.unresolved_extract_value().child()));
      MS_ASSIGN_OR_RETURN(extract.extraction, Expression(expression.unresolved_extract_value().extraction()));
      return MakeExpr(std::move(extract));
    }
    case sc::Expression::kCallFunction:
      return Call(expression.call_function().function_name(), true, expression.call_function().arguments(), false);
    case sc::Expression::kSubqueryExpression:
      return Subquery(expression.subquery_expression());
    case sc::Expression::kUpdateFields:
    case sc::Expression::kNamedArgumentExpression:
    case sc::Expression::kMergeAction:
    case sc::Expression::kTypedAggregateExpression:
    case sc::Expression::kDirectShufflePartitionId:
    case sc::Expression::kExtension:
    case sc::Expression::EXPR_TYPE_NOT_SET:
      break;
  }
  return NotSupported(expression, "expr_type");
}

Result<ExprPtr> PlanDecoder::Function(const sc::Expression::UnresolvedFunction& function) {
  return Call(function.function_name(), function.is_user_defined_function(), function.arguments(), function.is_distinct());
}

Result<ExprPtr> PlanDecoder::Call(const std::string& name, bool quoted, const google::protobuf::RepeatedPtrField<sc::Expression>& arguments, bool is_distinct) {
  UnresolvedFunction call;
  if (quoted) {
    MS_ASSIGN_OR_RETURN(call.name, ParseMultipartName(name));
  } else {
    call.name = {name};
  }
  call.is_distinct = is_distinct;
  for (const sc::Expression& argument : arguments) {
    if (argument.has_named_argument_expression()) {
      call.named_args.emplace_back(call.args.size(), argument.named_argument_expression().key());
      MS_ASSIGN_OR_RETURN(ExprPtr value, Expression(argument.named_argument_expression().value()));
      call.args.push_back(std::move(value));
    } else {
      MS_ASSIGN_OR_RETURN(ExprPtr value, Expression(argument));
      call.args.push_back(std::move(value));
    }
  }
  return MakeExpr(std::move(call));
}

Result<ExprPtr> PlanDecoder::AliasOf(const sc::Expression::Alias& message) {
  if (message.name_size() == 0) return Status::Error(errors::kPlanMalformed, {{"message", "An alias has no name."}});
  Alias alias;
  MS_ASSIGN_OR_RETURN(alias.child, Expression(message.expr()));
  alias.names.assign(message.name().begin(), message.name().end());
  if (message.has_metadata()) alias.metadata = message.metadata();
  return MakeExpr(std::move(alias));
}

Result<ExprPtr> PlanDecoder::CastOf(const sc::Expression::Cast& message) {
  Cast cast;
  MS_ASSIGN_OR_RETURN(cast.child, Expression(message.expr()));
  if (message.has_type()) {
    MS_ASSIGN_OR_RETURN(cast.to, DataTypeFromSparkProto(message.type()));
  } else if (message.has_type_str()) {
    MS_ASSIGN_OR_RETURN(cast.to, DataTypeFromDdl(message.type_str()));
  } else {
    return NotSupported(message, "cast_to_type");
  }
  switch (message.eval_mode()) {
    case sc::Expression::Cast::EVAL_MODE_LEGACY:
      cast.mode = EvalMode::kLegacy;
      break;
    case sc::Expression::Cast::EVAL_MODE_ANSI:
      cast.mode = EvalMode::kAnsi;
      break;
    case sc::Expression::Cast::EVAL_MODE_TRY:
      cast.mode = EvalMode::kTry;
      break;
    default:
      break;  // by session
  }
  return MakeExpr(std::move(cast));
}

Result<ExprPtr> PlanDecoder::SortOrderOf(const sc::Expression::SortOrder& message) {
  SortOrder order;
  MS_ASSIGN_OR_RETURN(order.child, Expression(message.child()));
  order.ascending = message.direction() != sc::Expression::SortOrder::SORT_DIRECTION_DESCENDING;
  if (message.null_ordering() == sc::Expression::SortOrder::SORT_NULLS_FIRST) order.nulls_first = true;
  if (message.null_ordering() == sc::Expression::SortOrder::SORT_NULLS_LAST) order.nulls_first = false;
  return MakeExpr(std::move(order));
}

namespace {

using FrameBoundary = sc::Expression::Window::WindowFrame::FrameBoundary;
using BoundKind = WindowFrame::Bound::Kind;

// A literal bound's sign says whether it precedes; its offset is then positive.
std::optional<int64_t> IntegerOf(const ExprPtr& value) {
  const Literal* literal = value->As<Literal>();
  if (literal == nullptr || !literal->type.IsIntegral() || literal->value.is_null()) return std::nullopt;
  return std::get<int64_t>(literal->value.held);
}

}  // namespace

Result<ExprPtr> PlanDecoder::WindowOf(const sc::Expression::Window& message) {
  WindowCall window;
  MS_ASSIGN_OR_RETURN(window.function, Expression(message.window_function()));
  for (const sc::Expression& expression : message.partition_spec()) {
    MS_ASSIGN_OR_RETURN(ExprPtr part, Expression(expression));
    window.partition_by.push_back(std::move(part));
  }
  for (const auto& order : message.order_spec()) {
    MS_ASSIGN_OR_RETURN(ExprPtr part, SortOrderOf(order));
    window.order_by.push_back(std::move(part));
  }
  if (!message.has_frame_spec()) return MakeExpr(std::move(window));

  WindowFrame frame;
  switch (message.frame_spec().frame_type()) {
    case sc::Expression::Window::WindowFrame::FRAME_TYPE_ROW:
      frame.unit = WindowFrame::Unit::kRows;
      break;
    case sc::Expression::Window::WindowFrame::FRAME_TYPE_RANGE:
      frame.unit = WindowFrame::Unit::kRange;
      break;
    default:
      return Status::Error(errors::kPlanMalformed, {{"message", "A window frame's type is missing."}});
  }
  auto bound = [this](const FrameBoundary& from, bool lower, WindowFrame::Bound* to) -> Status {
    switch (from.boundary_case()) {
      case FrameBoundary::kCurrentRow:
        to->kind = BoundKind::kCurrentRow;
        return Status();
      case FrameBoundary::kUnbounded:
        to->kind = lower ? BoundKind::kUnboundedPreceding : BoundKind::kUnboundedFollowing;
        return Status();
      case FrameBoundary::kValue: {
        MS_ASSIGN_OR_RETURN(ExprPtr offset, Expression(from.value()));
        std::optional<int64_t> number = IntegerOf(offset);
        if (!number) {
          to->kind = lower ? BoundKind::kPreceding : BoundKind::kFollowing;
          to->offset = offset;
          return Status();
        }
        if (*number == 0) {
          to->kind = BoundKind::kCurrentRow;
          return Status();
        }
        if (*number == INT64_MIN) return Status::Error(errors::kPlanMalformed, {{"message", "A window frame's bound is out of range."}});
        to->kind = *number < 0 ? BoundKind::kPreceding : BoundKind::kFollowing;
        to->offset = MakeExpr(Literal{Value{*number < 0 ? -*number : *number}, offset->As<Literal>()->type});
        return Status();
      }
      case FrameBoundary::BOUNDARY_NOT_SET:
        break;
    }
    return NotSupported(from, "boundary");
  };
  MS_RETURN_IF_ERROR(bound(message.frame_spec().lower(), true, &frame.lower));
  MS_RETURN_IF_ERROR(bound(message.frame_spec().upper(), false, &frame.upper));
  window.frame = std::move(frame);
  return MakeExpr(std::move(window));
}

Result<ExprPtr> PlanDecoder::Subquery(const sc::SubqueryExpression& message) {
  auto found = references_.find(message.plan_id());
  if (found == references_.end()) {
    return Status::Error(errors::kPlanMalformed, {{"message", "Missing relation in WithRelations: plan id " + std::to_string(message.plan_id()) + "."}});
  }
  SubqueryExpr subquery;
  subquery.plan = found->second;
  switch (message.subquery_type()) {
    case sc::SubqueryExpression::SUBQUERY_TYPE_SCALAR:
      subquery.kind = SubqueryExpr::Kind::kScalar;
      break;
    case sc::SubqueryExpression::SUBQUERY_TYPE_EXISTS:
      subquery.kind = SubqueryExpr::Kind::kExists;
      break;
    case sc::SubqueryExpression::SUBQUERY_TYPE_IN:
      subquery.kind = SubqueryExpr::Kind::kIn;
      break;
    default:
      return Status::Unsupported("The subquery type " + sc::SubqueryExpression::SubqueryType_Name(message.subquery_type()));
  }
  for (const sc::Expression& value : message.in_subquery_values()) {
    MS_ASSIGN_OR_RETURN(ExprPtr left, Expression(value));
    subquery.values.push_back(std::move(left));
  }
  return MakeExpr(std::move(subquery));
}

}  // namespace millstream
