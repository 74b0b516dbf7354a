#include <arrow/array.h>
#include <arrow/compute/cast.h>

#include <algorithm>
#include <string>

#include "doors/connect/arrow_result.h"
#include "doors/connect/local_rows.h"
#include "doors/connect/message_parts.h"
#include "doors/connect/parse_message.h"
#include "doors/connect/plan_decoder.h"
#include "plan/sql/parser.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

constexpr int kShowRowsMax = 1 << 30;

// Columns in the engine's own Arrow types: clients send other widths (large strings, nanoseconds) and their own time zone.
Result<RecordBatchPtr> Normalize(const RecordBatchPtr& batch, const ArrowSchemaPtr& target) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int i = 0; i < batch->num_columns(); ++i) {
    const auto& type = target->field(i)->type();
    std::shared_ptr<arrow::Array> column = batch->column(i);
    if (!column->type()->Equals(*type)) {
      auto cast = arrow::compute::Cast(*column, type, arrow::compute::CastOptions::Unsafe());
      if (!cast.ok()) return FromArrowStatus(cast.status(), "reading column " + target->field(i)->name() + " of the client's data");
      column = *cast;
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(target, batch->num_rows(), std::move(columns));
}

}  // namespace

Result<StructType> SchemaOfText(const std::string& text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (text[first] == '{' || text[first] == '"')) return SchemaFromSparkJson(text);
  return SchemaFromDdl(text);
}

Result<PlanPtr> PlanDecoder::Local(std::shared_ptr<const std::string> data, const std::string& schema_text) {
  std::optional<StructType> wanted;
  if (!schema_text.empty()) {
    MS_ASSIGN_OR_RETURN(wanted, SchemaOfText(schema_text));
  }
  if (data->empty()) {
    if (!wanted) return Status::Error(errors::kPlanMalformed, {{"message", "Schema for LocalRelation is required when the input data is not provided."}});
    return MakePlan(LocalRelation{*wanted, {}, {}});
  }
  ArrowSchemaPtr arrow_schema;
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, FromIpcStream(std::move(data), &arrow_schema));
  MS_ASSIGN_OR_RETURN(StructType found, FromArrowSchema(*arrow_schema));
  if (wanted && wanted->size() != found.size()) {
    return Status::Error(errors::kPlanMalformed,
                         {{"message", "The schema has " + std::to_string(wanted->size()) + " columns, the data " + std::to_string(found.size()) + "."}});
  }
  // What the schema says wins where the types are the same but for nullability and metadata; else the column is cast.
  StructType held;
  bool casts = false;
  for (size_t i = 0; i < found.size(); ++i) {
    bool same = !wanted || found[i].type.SameType((*wanted)[i].type);
    casts |= !same;
    held.Add(wanted && same ? (*wanted)[i] : found[i]);
  }
  ArrowSchemaPtr target = ToArrowSchema(held);
  for (RecordBatchPtr& batch : batches) {
    MS_ASSIGN_OR_RETURN(batch, Normalize(batch, target));
  }
  if (!casts) return MakePlan(LocalRelation{std::move(held), std::move(batches), {}});

  // Columns go by position; the names may be ambiguous.
  std::vector<std::string> names;
  Project project;
  for (size_t i = 0; i < held.size(); ++i) {
    names.push_back("__" + std::to_string(i));
    ExprPtr column = MakeExpr(UnresolvedAttribute{{names.back()}, std::nullopt, false});
    if (!found[i].type.SameType((*wanted)[i].type)) column = MakeExpr(Cast{column, (*wanted)[i].type, std::nullopt});
    project.expressions.push_back(MakeExpr(Alias{column, {(*wanted)[i].name}, std::nullopt, {}}));
  }
  project.child = MakePlan(ToDf{std::move(names), MakePlan(LocalRelation{std::move(held), std::move(batches), {}})});
  return MakePlan(std::move(project));
}

Result<PlanPtr> PlanDecoder::CachedLocal(const sc::CachedLocalRelation& cached) {
  auto bytes = session_.FindArtifact("cache/" + cached.hash());
  if (!bytes) return Status::Error(errors::kPlanMalformed, {{"message", "Not found any cached local relation with the hash: " + cached.hash() + "."}});
  auto local = std::make_shared<sc::LocalRelation>();
  if (!ParseBounded(*bytes, local.get())) {
    return Status::Error(errors::kPlanMalformed, {{"message", "The cached local relation " + cached.hash() + " cannot be parsed."}});
  }
  return Local(std::shared_ptr<const std::string>(local, &local->data()), local->schema());
}

Result<PlanPtr> PlanDecoder::ChunkedLocal(const sc::ChunkedCachedLocalRelation& chunked) {
  auto find = [this](const std::string& hash) -> Result<std::shared_ptr<const std::string>> {
    auto bytes = session_.FindArtifact("cache/" + hash);
    if (!bytes) return Status::Error(errors::kPlanMalformed, {{"message", "Not found chunked cached local relation block with the hash: " + hash + "."}});
    return bytes;
  };
  std::string schema;
  if (chunked.has_schemahash() && !chunked.schemahash().empty()) {
    MS_ASSIGN_OR_RETURN(auto bytes, find(chunked.schemahash()));
    schema = *bytes;
  }
  PlanPtr whole;
  // Chunks of one relation: the same schema in each.
  LocalRelation joined;
  for (const std::string& hash : chunked.datahashes()) {
    MS_ASSIGN_OR_RETURN(auto bytes, find(hash));
    MS_ASSIGN_OR_RETURN(PlanPtr part, Local(bytes, schema));
    const LocalRelation* local = part->As<LocalRelation>();
    if (local == nullptr) {
      whole = whole ? MakePlan(SetOperation{SetOperation::Kind::kUnion, true, false, false, whole, part, {}}) : part;
      continue;
    }
    joined.schema = local->schema;
    joined.batches.insert(joined.batches.end(), local->batches.begin(), local->batches.end());
  }
  if (whole) return whole;
  if (chunked.datahashes_size() == 0) return Local(std::make_shared<const std::string>(), schema);
  return MakePlan(std::move(joined));
}

Result<PlanPtr> PlanDecoder::RunToLocal(const PlanPtr& plan) {
  MS_ASSIGN_OR_RETURN(QueryResult result, session_.session().Execute(plan, under_));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*result.rows));
  return MakePlan(LocalRelation{std::move(result.schema), std::move(batches), {}});
}

Result<PlanPtr> PlanDecoder::CommandToLocal(const Command& command) {
  MS_ASSIGN_OR_RETURN(QueryResult result, session_.session().ExecuteCommand(command, under_));
  std::vector<RecordBatchPtr> batches;
  if (result.rows) {
    MS_ASSIGN_OR_RETURN(batches, Drain(*result.rows));
  }
  return MakePlan(LocalRelation{std::move(result.schema), std::move(batches), {}});
}

Result<PlanPtr> PlanDecoder::ShowString(const sc::ShowString& show) {
  int num_rows = std::clamp(show.num_rows(), 0, kShowRowsMax);
  MS_ASSIGN_OR_RETURN(PlanPtr input, Relation(show.input()));
  Limit limit{MakeExpr(Literal{Value{int64_t{num_rows} + 1}, DataType::Integer()}), std::move(input)};
  MS_ASSIGN_OR_RETURN(PlanPtr rows, RunToLocal(MakePlan(std::move(limit))));
  const LocalRelation& local = *rows->As<LocalRelation>();
  MS_ASSIGN_OR_RETURN(std::string text, millstream::ShowString(local.schema, local.batches, num_rows, show.truncate(), show.vertical(),
                                                               session_.session().GetConf("spark.sql.session.timeZone").value_or("UTC")));
  LocalRows result(StructType({{"show_string", DataType::String(), false}}));
  result.Add({std::move(text)});
  return result.Build();
}

Result<PlanPtr> PlanDecoder::HtmlString(const sc::HtmlString&) {
  return Status::Unsupported("HtmlString (spark.sql.repl.eagerEval in notebooks)", "Call show() or toPandas().");
}

// The reader of a DataFrame's SQL sends its parameters beside the text.
Result<Statement> PlanDecoder::Sql(const sc::SQL& sql) {
  SqlParameters parameters;
  for (const auto& [name, literal] : sql.args()) {
    MS_ASSIGN_OR_RETURN(Literal value, DecodeLiteral(literal));
    parameters.named[name] = MakeExpr(std::move(value));
  }
  for (const auto& literal : sql.pos_args()) {
    MS_ASSIGN_OR_RETURN(Literal value, DecodeLiteral(literal));
    parameters.positional.push_back(MakeExpr(std::move(value)));
  }
  for (const auto& [name, expression] : sql.named_arguments()) {
    MS_ASSIGN_OR_RETURN(parameters.named[name], Expression(expression));
  }
  for (const sc::Expression& expression : sql.pos_arguments()) {
    MS_ASSIGN_OR_RETURN(ExprPtr value, Expression(expression));
    parameters.positional.push_back(std::move(value));
  }
  if (parameters.named.empty() && parameters.positional.empty()) return ParseStatement(sql.query());
  return ParseStatement(sql.query(), parameters);
}

Result<Statement> PlanDecoder::SqlStatement(const sc::Relation& input) {
  if (input.has_sql()) return Sql(input.sql());
  if (!input.has_with_relations() || !input.with_relations().root().has_sql()) {
    MS_ASSIGN_OR_RETURN(PlanPtr plan, Relation(input));
    return Statement(std::move(plan));
  }
  WithCte cte;
  MS_RETURN_IF_ERROR(DecodeReferences(input.with_relations(), &cte.definitions));
  MS_ASSIGN_OR_RETURN(Statement statement, Sql(input.with_relations().root().sql()));
  PlanPtr* plan = std::get_if<PlanPtr>(&statement);
  if (plan == nullptr || cte.definitions.empty()) return statement;
  cte.child = *plan;
  return Statement(MakePlan(std::move(cte)));
}

}  // namespace millstream
