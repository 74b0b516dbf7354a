// UPDATE, DELETE and MERGE as clients send them: delta.tables.DeltaTable inside `extension`, and df.mergeInto(…).

#include "doors/connect/decode_changes.h"

#include <set>

#include "doors/connect/message_parts.h"
#include "doors/connect/parse_message.h"
#include "plan/analyzer/expression_walk.h"
#include "plan/sql/parser.h"

namespace millstream {

namespace sc = spark::connect;
namespace dc = delta::connect;

namespace {

// The name that a MERGE's source gets when columns are meant of it (df["id"]) and it has none.
constexpr char kSourceName[] = "__millstream_source";

// The ids of all relations in the tree: columns of data frames name them.
void AddPlanIds(const google::protobuf::Message& message, std::set<int64_t>& ids) {
  if (const auto* common = dynamic_cast<const sc::RelationCommon*>(&message)) {
    ids.insert(common->plan_id());
    return;
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      AddPlanIds(reflection.GetMessage(message, field), ids);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) AddPlanIds(reflection.GetRepeatedMessage(message, field, i), ids);
  }
}

// Where the columns of an expression's data frames are found once table and source stand side by side.
struct Sides {
  std::set<int64_t> target_ids, source_ids;
  std::vector<std::string> target_name, source_name;
  bool names_source = false;  // a column is meant of the source, which has to be known under source_name

  ExprPtr Named(const ExprPtr& expr) {
    return Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
      const auto* column = part->As<UnresolvedAttribute>();
      if (!column || !column->plan_id) return nullptr;
      UnresolvedAttribute named{.parts = column->parts};
      const std::vector<std::string>* side = nullptr;
      if (source_ids.contains(*column->plan_id)) {
        side = &source_name;
        names_source = true;
      } else if (target_ids.contains(*column->plan_id)) {
        side = &target_name;
      }
      if (side) named.parts.insert(named.parts.begin(), side->begin(), side->end());
      return MakeExpr(std::move(named));
    });
  }
};

Result<ChangeTarget> TargetOf(const PlanPtr& plan) {
  ChangeTarget target;
  PlanPtr table = plan;
  if (const auto* alias = table->As<SubqueryAlias>(); alias && alias->name.size() == 1 && alias->column_aliases.empty()) {
    target.alias = alias->name[0];
    table = alias->child;
  }
  const auto* relation = table->As<UnresolvedRelation>();
  if (!relation || relation->is_streaming) return Status::Unsupported("changing rows of a DataFrame", "Call it on a DeltaTable, or on its alias.");
  target.table = relation->name;
  return target;
}

template <typename Message>
Result<Message> Parse(const std::string& bytes, const char* what) {
  Message message;
  if (!ParseBounded(bytes, &message)) return Malformed(std::string(what) + " of a Delta request cannot be parsed.");
  return message;
}

class ChangesDecoder {
 public:
  explicit ChangesDecoder(PlanDecoder& decoder) : decoder_(decoder) {}

  Result<ChangeTarget> Target(const std::string& bytes) {
    MS_ASSIGN_OR_RETURN(sc::Relation relation, Parse<sc::Relation>(bytes, "The target"));
    AddPlanIds(relation, sides_.target_ids);
    MS_ASSIGN_OR_RETURN(PlanPtr plan, decoder_.Relation(relation));
    MS_ASSIGN_OR_RETURN(ChangeTarget target, TargetOf(plan));
    SetTarget(target);
    return target;
  }

  void SetTarget(const ChangeTarget& target) {
    sides_.target_name = target.alias.empty() ? std::vector<std::string>{target.table.back()} : std::vector<std::string>{target.alias};
  }

  Result<PlanPtr> Source(const sc::Relation& relation) {
    AddPlanIds(relation, sides_.source_ids);
    MS_ASSIGN_OR_RETURN(PlanPtr plan, decoder_.Relation(relation));
    if (const auto* alias = plan->As<SubqueryAlias>()) {
      sides_.source_name = {alias->name.back()};
    } else {
      sides_.source_name = {kSourceName};
      is_nameless_ = true;
    }
    return plan;
  }

  // After all expressions are decoded.
  PlanPtr NamedSource(PlanPtr source) const {
    return sides_.names_source && is_nameless_ ? MakePlan(SubqueryAlias{sides_.source_name, {}, std::move(source)}) : source;
  }

  Result<ExprPtr> Expression(const sc::Expression& message) {
    MS_ASSIGN_OR_RETURN(ExprPtr expression, decoder_.Expression(message));
    return sides_.Named(expression);
  }
  Result<ExprPtr> Expression(const std::string& bytes) {
    MS_ASSIGN_OR_RETURN(sc::Expression message, Parse<sc::Expression>(bytes, "An expression"));
    return Expression(message);
  }

  Result<Assignment> Assigned(const sc::Expression& field, const sc::Expression& value) {
    Assignment assignment;
    MS_ASSIGN_OR_RETURN(ExprPtr column, decoder_.Expression(field));
    const auto* name = column->As<UnresolvedAttribute>();
    if (!name) return Malformed("What is assigned to is no column.");
    assignment.column = name->parts;
    MS_ASSIGN_OR_RETURN(assignment.value, Expression(value));
    return assignment;
  }

  Result<std::vector<Assignment>> Assignments(const google::protobuf::RepeatedPtrField<dc::Assignment>& messages) {
    std::vector<Assignment> assignments;
    for (const dc::Assignment& message : messages) {
      MS_ASSIGN_OR_RETURN(sc::Expression field, Parse<sc::Expression>(message.field(), "A column"));
      MS_ASSIGN_OR_RETURN(sc::Expression value, Parse<sc::Expression>(message.value(), "A value"));
      MS_ASSIGN_OR_RETURN(Assignment assignment, Assigned(field, value));
      assignments.push_back(std::move(assignment));
    }
    return assignments;
  }

  Result<std::vector<MergeClause>> Clauses(const google::protobuf::RepeatedPtrField<dc::MergeIntoTable::Action>& actions) {
    using Action = dc::MergeIntoTable::Action;
    std::vector<MergeClause> clauses;
    for (const Action& action : actions) {
      MergeClause clause;
      if (action.has_condition()) {
        MS_ASSIGN_OR_RETURN(clause.condition, Expression(action.condition()));
      }
      switch (action.action_type_case()) {
        case Action::kDeleteAction:
          clause.kind = MergeClause::Kind::kDelete;
          break;
        case Action::kUpdateAction: {
          MS_ASSIGN_OR_RETURN(clause.assignments, Assignments(action.update_action().assignments()));
          break;
        }
        case Action::kInsertAction: {
          clause.kind = MergeClause::Kind::kInsert;
          MS_ASSIGN_OR_RETURN(clause.assignments, Assignments(action.insert_action().assignments()));
          break;
        }
        case Action::kInsertStarAction:
          clause.kind = MergeClause::Kind::kInsert;
          [[fallthrough]];
        case Action::kUpdateStarAction:
          clause.is_star = true;
          break;
        case Action::ACTION_TYPE_NOT_SET:
          return NotSupported(action, "action_type");
      }
      clauses.push_back(std::move(clause));
    }
    return clauses;
  }

  Result<std::vector<MergeClause>> Clauses(const google::protobuf::RepeatedPtrField<sc::Expression>& actions) {
    std::vector<MergeClause> clauses;
    for (const sc::Expression& message : actions) {
      if (!message.has_merge_action()) return Malformed("An action of a merge is none.");
      const sc::MergeAction& action = message.merge_action();
      MergeClause clause;
      if (action.has_condition()) {
        MS_ASSIGN_OR_RETURN(clause.condition, Expression(action.condition()));
      }
      switch (action.action_type()) {
        case sc::MergeAction::ACTION_TYPE_DELETE:
          clause.kind = MergeClause::Kind::kDelete;
          break;
        case sc::MergeAction::ACTION_TYPE_INSERT_STAR:
        case sc::MergeAction::ACTION_TYPE_INSERT:
          clause.kind = MergeClause::Kind::kInsert;
          break;
        case sc::MergeAction::ACTION_TYPE_UPDATE_STAR:
        case sc::MergeAction::ACTION_TYPE_UPDATE:
          break;
        default:
          return Malformed("An action of a merge is of an unknown kind.");
      }
      clause.is_star = action.action_type() == sc::MergeAction::ACTION_TYPE_INSERT_STAR || action.action_type() == sc::MergeAction::ACTION_TYPE_UPDATE_STAR;
      for (const auto& one : action.assignments()) {
        MS_ASSIGN_OR_RETURN(Assignment assignment, Assigned(one.key(), one.value()));
        clause.assignments.push_back(std::move(assignment));
      }
      clauses.push_back(std::move(clause));
    }
    return clauses;
  }

 private:
  PlanDecoder& decoder_;
  Sides sides_;
  bool is_nameless_ = false;
};

}  // namespace

Result<Command> DecodeDelete(PlanDecoder& decoder, const dc::DeleteFromTable& message) {
  ChangesDecoder changes(decoder);
  DeleteFrom statement;
  MS_ASSIGN_OR_RETURN(statement.target, changes.Target(message.target()));
  if (message.has_condition()) {
    MS_ASSIGN_OR_RETURN(statement.condition, changes.Expression(message.condition()));
  }
  return Command{std::move(statement)};
}

Result<Command> DecodeUpdate(PlanDecoder& decoder, const dc::UpdateTable& message) {
  ChangesDecoder changes(decoder);
  UpdateTable statement;
  MS_ASSIGN_OR_RETURN(statement.target, changes.Target(message.target()));
  MS_ASSIGN_OR_RETURN(statement.assignments, changes.Assignments(message.assignments()));
  if (message.has_condition()) {
    MS_ASSIGN_OR_RETURN(statement.condition, changes.Expression(message.condition()));
  }
  return Command{std::move(statement)};
}

Result<Command> DecodeMerge(PlanDecoder& decoder, const dc::MergeIntoTable& message) {
  ChangesDecoder changes(decoder);
  MergeInto statement{.with_schema_evolution = message.with_schema_evolution()};
  MS_ASSIGN_OR_RETURN(statement.target, changes.Target(message.target()));
  MS_ASSIGN_OR_RETURN(sc::Relation relation, Parse<sc::Relation>(message.source(), "The source"));
  MS_ASSIGN_OR_RETURN(PlanPtr source, changes.Source(relation));
  MS_ASSIGN_OR_RETURN(statement.condition, changes.Expression(message.condition()));
  MS_ASSIGN_OR_RETURN(statement.matched, changes.Clauses(message.matched_actions()));
  MS_ASSIGN_OR_RETURN(statement.not_matched, changes.Clauses(message.not_matched_actions()));
  MS_ASSIGN_OR_RETURN(statement.not_matched_by_source, changes.Clauses(message.not_matched_by_source_actions()));
  statement.source = changes.NamedSource(std::move(source));
  return Command{std::move(statement)};
}

Result<Command> DecodeMergeInto(PlanDecoder& decoder, const sc::MergeIntoTableCommand& message) {
  ChangesDecoder changes(decoder);
  MergeInto statement{.with_schema_evolution = message.with_schema_evolution()};
  MS_ASSIGN_OR_RETURN(statement.target.table, ParseMultipartName(message.target_table_name()));
  changes.SetTarget(statement.target);
  MS_ASSIGN_OR_RETURN(PlanPtr source, changes.Source(message.source_table_plan()));
  MS_ASSIGN_OR_RETURN(statement.condition, changes.Expression(message.merge_condition()));
  MS_ASSIGN_OR_RETURN(statement.matched, changes.Clauses(message.match_actions()));
  MS_ASSIGN_OR_RETURN(statement.not_matched, changes.Clauses(message.not_matched_actions()));
  MS_ASSIGN_OR_RETURN(statement.not_matched_by_source, changes.Clauses(message.not_matched_by_source_actions()));
  statement.source = changes.NamedSource(std::move(source));
  return Command{std::move(statement)};
}

}  // namespace millstream
