#include <algorithm>
#include <string>

#include "doors/connect/message_parts.h"
#include "doors/connect/plan_decoder.h"
#include "plan/sql/parser.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

ExprPtr Integer(int64_t value) { return MakeExpr(Literal{Value{value}, DataType::Integer()}); }
Result<JoinType> JoinTypeOf(sc::Join::JoinType type) {
  switch (type) {
    case sc::Join::JOIN_TYPE_UNSPECIFIED:
    case sc::Join::JOIN_TYPE_INNER:
      return JoinType::kInner;
    case sc::Join::JOIN_TYPE_FULL_OUTER:
      return JoinType::kFullOuter;
    case sc::Join::JOIN_TYPE_LEFT_OUTER:
      return JoinType::kLeftOuter;
    case sc::Join::JOIN_TYPE_RIGHT_OUTER:
      return JoinType::kRightOuter;
    case sc::Join::JOIN_TYPE_LEFT_ANTI:
      return JoinType::kLeftAnti;
    case sc::Join::JOIN_TYPE_LEFT_SEMI:
      return JoinType::kLeftSemi;
    case sc::Join::JOIN_TYPE_CROSS:
      return JoinType::kCross;
    default:
      return Malformed("Unknown join type " + std::to_string(type) + ".");
  }
}

}  // namespace

Result<PlanPtr> PlanDecoder::Relation(const sc::Relation& relation) {
  Depth depth(&depth_);
  MS_RETURN_IF_ERROR(Enter());
  MS_ASSIGN_OR_RETURN(PlanPtr plan, RelationBody(relation));
  if (!relation.common().has_plan_id() || plan->plan_id == relation.common().plan_id()) return plan;
  // The node may be shared (a view, a cached relation): the id goes to a copy.
  auto numbered = std::make_shared<PlanNode>(*plan);
  numbered->plan_id = relation.common().plan_id();
  return PlanPtr(std::move(numbered));
}

template <typename Messages>
Result<PlanDecoder::Exprs> PlanDecoder::Expressions(const Messages& messages) {
  Exprs expressions;
  expressions.reserve(messages.size());
  for (const auto& message : messages) {
    MS_ASSIGN_OR_RETURN(ExprPtr expression, Expression(message));
    expressions.push_back(std::move(expression));
  }
  return expressions;
}

template Result<PlanDecoder::Exprs> PlanDecoder::Expressions(const google::protobuf::RepeatedPtrField<sc::Expression>& messages);

Result<PlanPtr> PlanDecoder::RelationBody(const sc::Relation& relation) {
  switch (relation.rel_type_case()) {
    case sc::Relation::kRead:
      return Read(relation.read());
    case sc::Relation::kProject: {
      Project project;
      if (relation.project().has_input()) {
        MS_ASSIGN_OR_RETURN(project.child, Relation(relation.project().input()));
      } else {
        project.child = MakePlan(OneRow{});
      }
      MS_ASSIGN_OR_RETURN(project.expressions, Expressions(relation.project().expressions()));
      return MakePlan(std::move(project));
    }
    case sc::Relation::kFilter: {
      Filter filter;
      MS_ASSIGN_OR_RETURN(filter.child, Relation(relation.filter().input()));
      MS_ASSIGN_OR_RETURN(filter.condition, Expression(relation.filter().condition()));
      return MakePlan(std::move(filter));
    }
    case sc::Relation::kJoin:
      return Join(relation.join());
    case sc::Relation::kLateralJoin: {
      const sc::LateralJoin& message = relation.lateral_join();
      millstream::Join join;
      MS_ASSIGN_OR_RETURN(join.left, Relation(message.left()));
      MS_ASSIGN_OR_RETURN(join.right, Relation(message.right()));
      if (message.has_join_condition()) {
        MS_ASSIGN_OR_RETURN(join.condition, Expression(message.join_condition()));
      }
      MS_ASSIGN_OR_RETURN(join.type, JoinTypeOf(message.join_type()));
      join.is_lateral = true;
      return MakePlan(std::move(join));
    }
    case sc::Relation::kSetOp:
      return SetOp(relation.set_op());
    case sc::Relation::kSort: {
      Sort sort;
      MS_ASSIGN_OR_RETURN(sort.child, Relation(relation.sort().input()));
      for (const auto& order : relation.sort().order()) {
        MS_ASSIGN_OR_RETURN(ExprPtr expression, SortOrderOf(order));
        sort.order.push_back(std::move(expression));
      }
      sort.is_global = !relation.sort().has_is_global() || relation.sort().is_global();
      return MakePlan(std::move(sort));
    }
    case sc::Relation::kLimit: {
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.limit().input()));
      return MakePlan(Limit{Integer(relation.limit().limit()), std::move(child)});
    }
    case sc::Relation::kOffset: {
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.offset().input()));
      return MakePlan(Offset{Integer(relation.offset().offset()), std::move(child)});
    }
    case sc::Relation::kTail: {
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.tail().input()));
      return MakePlan(Tail{relation.tail().limit(), std::move(child)});
    }
    case sc::Relation::kAggregate:
      return Aggregate(relation.aggregate());
    case sc::Relation::kSql: {
      MS_ASSIGN_OR_RETURN(Statement statement, Sql(relation.sql()));
      if (PlanPtr* plan = std::get_if<PlanPtr>(&statement)) return *plan;
      return CommandToLocal(std::get<Command>(statement));
    }
    case sc::Relation::kLocalRelation: {
      const sc::LocalRelation& local = relation.local_relation();
      return Local(std::make_shared<const std::string>(local.data()), local.schema());
    }
    case sc::Relation::kCachedLocalRelation:
      return CachedLocal(relation.cached_local_relation());
    case sc::Relation::kChunkedCachedLocalRelation:
      return ChunkedLocal(relation.chunked_cached_local_relation());
    case sc::Relation::kSample: {
      const sc::Sample& message = relation.sample();
      Sample sample{message.lower_bound(), message.upper_bound(), message.with_replacement(), std::nullopt, nullptr};
      if (message.has_seed()) sample.seed = message.seed();
      MS_ASSIGN_OR_RETURN(sample.child, Relation(message.input()));
      return MakePlan(std::move(sample));
    }
    case sc::Relation::kDeduplicate: {
      const sc::Deduplicate& message = relation.deduplicate();
      Deduplicate deduplicate;
      deduplicate.columns.assign(message.column_names().begin(), message.column_names().end());
      deduplicate.all_columns = message.all_columns_as_keys();
      deduplicate.within_watermark = message.within_watermark();
      if (!deduplicate.all_columns && deduplicate.columns.empty())
        return Malformed("Deduplicate requires to either deduplicate on all columns or a subset of columns.");
      if (deduplicate.all_columns && !deduplicate.columns.empty()) return Malformed("Cannot deduplicate on both all columns and a subset of columns.");
      MS_ASSIGN_OR_RETURN(deduplicate.child, Relation(message.input()));
      return MakePlan(std::move(deduplicate));
    }
    case sc::Relation::kRange: {
      const sc::Range& message = relation.range();
      if (message.step() == 0) return Status::IllegalArgument("requirement failed: step cannot be 0");
      return MakePlan(Range{message.start(), message.end(), message.step(), {}});
    }
    case sc::Relation::kSubqueryAlias: {
      SubqueryAlias alias;
      alias.name.assign(relation.subquery_alias().qualifier().begin(), relation.subquery_alias().qualifier().end());
      alias.name.push_back(relation.subquery_alias().alias());
      MS_ASSIGN_OR_RETURN(alias.child, Relation(relation.subquery_alias().input()));
      return MakePlan(std::move(alias));
    }
    case sc::Relation::kRepartition: {
      if (relation.repartition().num_partitions() <= 0) return Status::IllegalArgument("requirement failed: Number of partitions must be positive.");
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.repartition().input()));
      return MakePlan(Repartition{std::move(child)});
    }
    case sc::Relation::kRepartitionByExpression: {
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.repartition_by_expression().input()));
      return MakePlan(Repartition{std::move(child)});
    }
    case sc::Relation::kHint: {
      MS_ASSIGN_OR_RETURN(PlanPtr child, Relation(relation.hint().input()));
      return MakePlan(Repartition{std::move(child)});
    }
    case sc::Relation::kToDf: {
      ToDf to_df;
      to_df.names.assign(relation.to_df().column_names().begin(), relation.to_df().column_names().end());
      MS_ASSIGN_OR_RETURN(to_df.child, Relation(relation.to_df().input()));
      return MakePlan(std::move(to_df));
    }
    case sc::Relation::kWithColumnsRenamed: {
      const sc::WithColumnsRenamed& message = relation.with_columns_renamed();
      WithColumnsRenamed renamed;
      for (const auto& rename : message.renames()) renamed.renames.emplace_back(rename.col_name(), rename.new_col_name());
      for (const auto& [from, to] : message.rename_columns_map()) renamed.renames.emplace_back(from, to);
      MS_ASSIGN_OR_RETURN(renamed.child, Relation(message.input()));
      return MakePlan(std::move(renamed));
    }
    case sc::Relation::kWithColumns: {
      WithColumns with;
      MS_ASSIGN_OR_RETURN(with.child, Relation(relation.with_columns().input()));
      for (const auto& message : relation.with_columns().aliases()) {
        if (message.name_size() != 1) return Malformed("WithColumns require column name only contains one name part.");
        MS_ASSIGN_OR_RETURN(ExprPtr alias, AliasOf(message));
        with.aliases.push_back(std::move(alias));
      }
      return MakePlan(std::move(with));
    }
    case sc::Relation::kDrop:
      return Drop(relation.drop());
    case sc::Relation::kMapPartitions:
      return MapPartitions(relation.map_partitions());
    case sc::Relation::kUnpivot:
      return Unpivot(relation.unpivot());
    case sc::Relation::kToSchema: {
      ToSchema to;
      MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkProto(relation.to_schema().schema()));
      if (type.id() != TypeId::kStruct) return Malformed("The schema of df.to() is not a struct.");
      to.schema = type.fields();
      MS_ASSIGN_OR_RETURN(to.child, Relation(relation.to_schema().input()));
      return MakePlan(std::move(to));
    }
    case sc::Relation::kWithWatermark: {
      WithWatermark watermark{relation.with_watermark().event_time(), relation.with_watermark().delay_threshold(), nullptr};
      MS_ASSIGN_OR_RETURN(watermark.child, Relation(relation.with_watermark().input()));
      return MakePlan(std::move(watermark));
    }
    case sc::Relation::kCollectMetrics: {
      CollectMetrics collect{.name = relation.collect_metrics().name(), .metrics = {}, .child = nullptr};
      MS_ASSIGN_OR_RETURN(collect.child, Relation(relation.collect_metrics().input()));
      MS_ASSIGN_OR_RETURN(collect.metrics, Expressions(relation.collect_metrics().metrics()));
      return MakePlan(std::move(collect));
    }
    case sc::Relation::kWithRelations:
      return WithRelations(relation.with_relations());
    case sc::Relation::kUnresolvedTableValuedFunction: {
      UnresolvedTableFunction function;
      function.name = {relation.unresolved_table_valued_function().function_name()};
      MS_ASSIGN_OR_RETURN(function.args, Expressions(relation.unresolved_table_valued_function().arguments()));
      return MakePlan(std::move(function));
    }
    case sc::Relation::kFillNa:
      return FillNa(relation.fill_na());
    case sc::Relation::kDropNa: {
      DropNa drop;
      drop.columns.assign(relation.drop_na().cols().begin(), relation.drop_na().cols().end());
      if (relation.drop_na().has_min_non_nulls()) drop.min_non_nulls = relation.drop_na().min_non_nulls();
      MS_ASSIGN_OR_RETURN(drop.child, Relation(relation.drop_na().input()));
      return MakePlan(std::move(drop));
    }
    case sc::Relation::kReplace:
      return ReplaceNa(relation.replace());
    case sc::Relation::kShowString:
      return ShowString(relation.show_string());
    case sc::Relation::kHtmlString:
      return HtmlString(relation.html_string());
    case sc::Relation::kCatalog:
      return CatalogCall(relation.catalog());
    case sc::Relation::kCachedRemoteRelation: {
      PlanPtr plan = session_.FindRelation(relation.cached_remote_relation().relation_id());
      if (plan == nullptr)
        return Status::Error(errors::kPlanMalformed,
                             {{"message", "No DataFrame with the id " + relation.cached_remote_relation().relation_id() +
                                              " is found in the session: the batch of a foreachBatch function is gone when the function returns."}});
      return plan;
    }
    case sc::Relation::kExtension:
      return Extension(relation.extension());
    case sc::Relation::kApplyInPandasWithState:
      return GroupsWithState(relation.apply_in_pandas_with_state());
    case sc::Relation::kGroupMap:
      return TransformGroups(relation.group_map());
    case sc::Relation::kParse:
    case sc::Relation::kCoGroupMap:
    case sc::Relation::kCommonInlineUserDefinedTableFunction:
    case sc::Relation::kAsOfJoin:
    case sc::Relation::kCommonInlineUserDefinedDataSource:
    case sc::Relation::kTranspose:
    case sc::Relation::kRelationChanges:
    case sc::Relation::kNearestByJoin:
    case sc::Relation::kSummary:
    case sc::Relation::kCrosstab:
    case sc::Relation::kDescribe:
    case sc::Relation::kCov:
    case sc::Relation::kCorr:
    case sc::Relation::kApproxQuantile:
    case sc::Relation::kFreqItems:
    case sc::Relation::kSampleBy:
    case sc::Relation::kMlRelation:
    case sc::Relation::kUnknown:
    case sc::Relation::REL_TYPE_NOT_SET:
      break;
  }
  return NotSupported(relation, "rel_type");
}

Result<PlanPtr> PlanDecoder::Read(const sc::Read& read) {
  if (read.has_named_table()) {
    UnresolvedRelation table;
    MS_ASSIGN_OR_RETURN(table.name, ParseMultipartName(read.named_table().unparsed_identifier()));
    table.options = OptionsOf(read.named_table().options());
    table.is_streaming = read.is_streaming();
    return MakePlan(std::move(table));
  }
  if (!read.has_data_source()) return NotSupported(read, "read_type");
  const sc::Read::DataSource& message = read.data_source();
  if (message.predicates_size() > 0) return Status::Unsupported("Read.DataSource.predicates (spark.read.jdbc with predicates)");
  UnresolvedDataSource source;
  source.format = message.format();
  source.options = OptionsOf(message.options());
  source.paths.assign(message.paths().begin(), message.paths().end());
  source.is_streaming = read.is_streaming();
  if (!message.schema().empty()) {
    bool is_json = message.schema().find_first_not_of(" \t\r\n") != std::string::npos && message.schema()[message.schema().find_first_not_of(" \t\r\n")] == '{';
    MS_ASSIGN_OR_RETURN(source.schema, is_json ? SchemaFromSparkJson(message.schema()) : SchemaFromDdl(message.schema()));
  }
  return MakePlan(std::move(source));
}

Result<PlanPtr> PlanDecoder::Join(const sc::Join& message) {
  millstream::Join join;
  if (message.has_join_condition() && message.using_columns_size() > 0) {
    return Malformed("Using columns or join conditions cannot be set at the same time in Join.");
  }
  MS_ASSIGN_OR_RETURN(join.left, Relation(message.left()));
  MS_ASSIGN_OR_RETURN(join.right, Relation(message.right()));
  if (message.has_join_condition()) {
    MS_ASSIGN_OR_RETURN(join.condition, Expression(message.join_condition()));
  }
  MS_ASSIGN_OR_RETURN(join.type, JoinTypeOf(message.join_type()));
  join.using_columns.assign(message.using_columns().begin(), message.using_columns().end());
  return MakePlan(std::move(join));
}

Result<PlanPtr> PlanDecoder::SetOp(const sc::SetOperation& message) {
  SetOperation set_op;
  switch (message.set_op_type()) {
    case sc::SetOperation::SET_OP_TYPE_UNION:
      set_op.kind = SetOperation::Kind::kUnion;
      break;
    case sc::SetOperation::SET_OP_TYPE_INTERSECT:
      set_op.kind = SetOperation::Kind::kIntersect;
      break;
    case sc::SetOperation::SET_OP_TYPE_EXCEPT:
      set_op.kind = SetOperation::Kind::kExcept;
      break;
    default:
      return Malformed("Unknown set operation " + std::to_string(message.set_op_type()) + ".");
  }
  // df.union() keeps duplicates unless it says otherwise.
  set_op.is_all = message.has_is_all() ? message.is_all() : set_op.kind == SetOperation::Kind::kUnion;
  set_op.by_name = message.by_name();
  set_op.allow_missing_columns = message.allow_missing_columns();
  MS_ASSIGN_OR_RETURN(set_op.left, Relation(message.left_input()));
  MS_ASSIGN_OR_RETURN(set_op.right, Relation(message.right_input()));
  return MakePlan(std::move(set_op));
}

Result<PlanPtr> PlanDecoder::Aggregate(const sc::Aggregate& message) {
  millstream::Aggregate aggregate;
  switch (message.group_type()) {
    case sc::Aggregate::GROUP_TYPE_GROUPBY:
      break;
    case sc::Aggregate::GROUP_TYPE_ROLLUP:
      aggregate.kind = millstream::Aggregate::Kind::kRollup;
      break;
    case sc::Aggregate::GROUP_TYPE_CUBE:
      aggregate.kind = millstream::Aggregate::Kind::kCube;
      break;
    case sc::Aggregate::GROUP_TYPE_GROUPING_SETS:
      aggregate.kind = millstream::Aggregate::Kind::kGroupingSets;
      break;
    case sc::Aggregate::GROUP_TYPE_PIVOT:
      break;
    default:
      return Malformed("Unknown group type " + std::to_string(message.group_type()) + ".");
  }
  MS_ASSIGN_OR_RETURN(aggregate.child, Relation(message.input()));
  MS_ASSIGN_OR_RETURN(aggregate.group_by, Expressions(message.grouping_expressions()));
  MS_ASSIGN_OR_RETURN(Exprs aggregates, Expressions(message.aggregate_expressions()));
  if (message.group_type() == sc::Aggregate::GROUP_TYPE_PIVOT) {
    millstream::Aggregate::Pivot pivot{.column = nullptr, .values = {}, .aggregates = std::move(aggregates)};
    MS_ASSIGN_OR_RETURN(pivot.column, Expression(message.pivot().col()));
    if (message.pivot().values_size() > 0) {
      pivot.values.emplace();
      for (const auto& literal : message.pivot().values()) {
        MS_ASSIGN_OR_RETURN(millstream::Literal value, DecodeLiteral(literal));
        pivot.values->push_back(MakeExpr(std::move(value)));
      }
    }
    aggregate.pivot = std::move(pivot);
    return MakePlan(std::move(aggregate));
  }
  aggregate.aggregates = aggregate.group_by;
  for (ExprPtr& expression : aggregates) aggregate.aggregates.push_back(std::move(expression));
  for (const auto& set : message.grouping_sets()) {
    MS_ASSIGN_OR_RETURN(Exprs expressions, Expressions(set.grouping_set()));
    aggregate.grouping_sets.push_back(std::move(expressions));
  }
  return MakePlan(std::move(aggregate));
}

Result<PlanPtr> PlanDecoder::Drop(const sc::Drop& message) {
  DropColumns drop;
  MS_ASSIGN_OR_RETURN(drop.child, Relation(message.input()));
  MS_ASSIGN_OR_RETURN(drop.columns, Expressions(message.columns()));
  drop.names.assign(message.column_names().begin(), message.column_names().end());
  return MakePlan(std::move(drop));
}

Result<PlanPtr> PlanDecoder::Unpivot(const sc::Unpivot& message) {
  millstream::Unpivot unpivot;
  MS_ASSIGN_OR_RETURN(unpivot.child, Relation(message.input()));
  MS_ASSIGN_OR_RETURN(unpivot.ids, Expressions(message.ids()));
  if (message.has_values()) {
    MS_ASSIGN_OR_RETURN(Exprs values, Expressions(message.values().values()));
    unpivot.values = std::move(values);
  }
  unpivot.variable_name = message.variable_column_name();
  unpivot.value_name = message.value_column_name();
  return MakePlan(std::move(unpivot));
}

Result<PlanPtr> PlanDecoder::FillNa(const sc::NAFill& message) {
  millstream::FillNa fill;
  MS_ASSIGN_OR_RETURN(fill.child, Relation(message.input()));
  fill.columns.assign(message.cols().begin(), message.cols().end());
  for (const auto& value : message.values()) {
    MS_ASSIGN_OR_RETURN(Literal literal, DecodeLiteral(value));
    fill.values.push_back(MakeExpr(std::move(literal)));
  }
  if (fill.values.empty()) return Malformed("fill_na needs at least one value.");
  if (fill.values.size() > 1 && fill.values.size() != fill.columns.size()) {
    return Malformed("When values contains more than 1 items, values and cols should have the same length.");
  }
  return MakePlan(std::move(fill));
}

Result<PlanPtr> PlanDecoder::ReplaceNa(const sc::NAReplace& message) {
  millstream::ReplaceNa replace;
  MS_ASSIGN_OR_RETURN(replace.child, Relation(message.input()));
  replace.columns.assign(message.cols().begin(), message.cols().end());
  for (const auto& replacement : message.replacements()) {
    MS_ASSIGN_OR_RETURN(Literal from, DecodeLiteral(replacement.old_value()));
    MS_ASSIGN_OR_RETURN(Literal to, DecodeLiteral(replacement.new_value()));
    replace.replacements.emplace_back(MakeExpr(std::move(from)), MakeExpr(std::move(to)));
  }
  return MakePlan(std::move(replace));
}

Status PlanDecoder::DecodeReferences(const sc::WithRelations& with, std::vector<std::pair<std::string, PlanPtr>>* definitions) {
  for (const sc::Relation& reference : with.references()) {
    MS_ASSIGN_OR_RETURN(PlanPtr plan, Relation(reference));
    if (reference.common().has_plan_id()) references_[reference.common().plan_id()] = plan;
    if (reference.has_subquery_alias()) definitions->emplace_back(reference.subquery_alias().alias(), plan);
  }
  return Status();
}

// DataFrames passed to spark.sql() come as named references; those of subquery expressions by plan id.
Result<PlanPtr> PlanDecoder::WithRelations(const sc::WithRelations& with) {
  WithCte cte;
  MS_RETURN_IF_ERROR(DecodeReferences(with, &cte.definitions));
  MS_ASSIGN_OR_RETURN(cte.child, Relation(with.root()));
  if (cte.definitions.empty()) return cte.child;
  return MakePlan(std::move(cte));
}

}  // namespace millstream
