#pragma once

// plan_decoder.h   A client's plan message → our logical plan. One file per concern: decode_relation.cc, decode_expression.cc, decode_literal.cc,
// decode_command.cc, decode_sql.cc, decode_local.cc, decode_delta.cc, decode_changes.cc.

#include <spark/connect/commands.pb.h>
#include <spark/connect/relations.pb.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "doors/connect/connect_session.h"
#include "plan/command.h"

namespace millstream {

// Decodes for one request. What the protocol computes while it decodes (show_string, catalog calls, SQL commands) runs at once through the session
// and becomes a LocalRelation, as in Spark. Not thread-safe; needs a big stack.
class PlanDecoder {
 public:
  // `under`: what is run meanwhile.
  PlanDecoder(ConnectSession& session, Execution under) : session_(session), under_(std::move(under)) {}

  Result<PlanPtr> Relation(const spark::connect::Relation& relation);
  Result<ExprPtr> Expression(const spark::connect::Expression& expression);
  Result<Command> Write(const spark::connect::WriteOperation& write);
  Result<Command> WriteV2(const spark::connect::WriteOperationV2& write);
  Result<StartStream> StreamStart(const spark::connect::WriteStreamOperationStart& start);
  // The statement of a sql_command's input (sql, or sql inside with_relations).
  Result<Statement> SqlStatement(const spark::connect::Relation& input);
  // The query text with its parameters, and what it means.
  Result<Statement> Sql(const spark::connect::SQL& sql);

  // spark.udf.register
  Status RegisterFunction(const spark::connect::CommonInlineUserDefinedFunction& function);
  // A command that another project than Spark defines: Delta's.
  Status RunExtension(const google::protobuf::Any& extension);

  // Runs a query or command to its end and holds the rows.
  Result<PlanPtr> RunToLocal(const PlanPtr& plan);
  Result<PlanPtr> CommandToLocal(const Command& command);

 private:
  using Exprs = std::vector<ExprPtr>;
  template <typename Messages>
  Result<Exprs> Expressions(const Messages& messages);

  // decode_relation.cc
  Result<PlanPtr> RelationBody(const spark::connect::Relation& relation);
  Result<PlanPtr> Read(const spark::connect::Read& read);
  Result<PlanPtr> Join(const spark::connect::Join& join);
  Result<PlanPtr> SetOp(const spark::connect::SetOperation& set_op);
  Result<PlanPtr> Aggregate(const spark::connect::Aggregate& aggregate);
  Result<PlanPtr> Drop(const spark::connect::Drop& drop);
  Result<PlanPtr> Unpivot(const spark::connect::Unpivot& unpivot);
  Result<PlanPtr> WithRelations(const spark::connect::WithRelations& with);
  Result<PlanPtr> FillNa(const spark::connect::NAFill& fill);
  Result<PlanPtr> ReplaceNa(const spark::connect::NAReplace& replace);
  Status DecodeReferences(const spark::connect::WithRelations& with, std::vector<std::pair<std::string, PlanPtr>>* definitions);
  // decode_python.cc
  Result<ExprPtr> PythonFunction(const spark::connect::CommonInlineUserDefinedFunction& function);
  Result<PlanPtr> MapPartitions(const spark::connect::MapPartitions& map);
  Result<PlanPtr> GroupsWithState(const spark::connect::ApplyInPandasWithState& apply);
  Result<PlanPtr> TransformGroups(const spark::connect::GroupMap& map);
  // decode_delta.cc
  Result<PlanPtr> Extension(const google::protobuf::Any& extension);
  // decode_local.cc
  Result<PlanPtr> Local(std::shared_ptr<const std::string> data, const std::string& schema);
  Result<PlanPtr> CachedLocal(const spark::connect::CachedLocalRelation& cached);
  Result<PlanPtr> ChunkedLocal(const spark::connect::ChunkedCachedLocalRelation& chunked);
  Result<PlanPtr> ShowString(const spark::connect::ShowString& show);
  Result<PlanPtr> HtmlString(const spark::connect::HtmlString& html);
  // catalog_relation.cc
  Result<PlanPtr> CatalogCall(const spark::connect::Catalog& catalog);
  Result<PlanPtr> ListColumns(const std::string& table, const std::string& database);
  Result<PlanPtr> MakeTable(const MultipartName& name, const std::string& path, const std::string& source, const std::string& description,
                            const spark::connect::DataType* schema, const google::protobuf::Map<std::string, std::string>& options);
  // decode_expression.cc
  Result<ExprPtr> ExpressionBody(const spark::connect::Expression& expression);
  Result<ExprPtr> Function(const spark::connect::Expression::UnresolvedFunction& function);
  Result<ExprPtr> Call(const std::string& name, bool quoted, const google::protobuf::RepeatedPtrField<spark::connect::Expression>& arguments, bool is_distinct);
  Result<ExprPtr> SortOrderOf(const spark::connect::Expression::SortOrder& order);
  Result<ExprPtr> WindowOf(const spark::connect::Expression::Window& window);
  Result<ExprPtr> CastOf(const spark::connect::Expression::Cast& cast);
  Result<ExprPtr> Subquery(const spark::connect::SubqueryExpression& subquery);
  Result<ExprPtr> AliasOf(const spark::connect::Expression::Alias& alias);

  // Counts a node; an error when the plan is deeper or larger than the limits.
  Status Enter();
  struct Depth {
    explicit Depth(int* depth) : depth_(depth) { ++*depth_; }
    ~Depth() { --*depth_; }
    int* depth_;
  };

  ConnectSession& session_;
  const Execution under_;
  std::map<int64_t, PlanPtr> references_;  // with_relations: plan id → plan, for subqueries
  int depth_ = 0;
  int nodes_ = 0;
};

// decode_literal.cc
Result<Literal> DecodeLiteral(const spark::connect::Expression::Literal& literal, int depth = 0);
// A message of a kind that is not decoded: names the oneof and the field that is set.
Status NotSupported(const google::protobuf::Message& message, const std::string& oneof);

}  // namespace millstream
