#include "streaming/operators/tested_query.h"

#include <arrow/array/builder_primitive.h>
#include <arrow/json/from_string.h>
#include <arrow/scalar.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/uuid.h"
#include "plan/analyzer.h"
#include "plan/catalog.h"
#include "plan/plan_errors.h"
#include "plan/sql/parser.h"
#include "streaming/operators/record_rows.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

class TestedStream : public RelationSource {
 public:
  TestedStream(std::string name, StructType schema) : name_(std::move(name)), schema_(std::move(schema)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return true; }

 private:
  const std::string name_;
  const StructType schema_;
};

class TestedCatalog : public Catalog {
 public:
  explicit TestedCatalog(const std::vector<RelationSourcePtr>& sources) : sources_(sources) {}
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override {
    for (const RelationSourcePtr& source : sources_) {
      if (source->name() == relation.name.back()) return source;
    }
    return Status::Error(errors::kTableNotFound, {{"relationName", relation.name.back()}});
  }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Internal("none"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }

 private:
  const std::vector<RelationSourcePtr>& sources_;
};

// A moment in microseconds, a long string in short.
std::string TextOf(const arrow::Array& column, int64_t row) {
  if (column.IsNull(row)) return "null";
  if (column.type_id() == arrow::Type::STRING) {
    const std::string text = static_cast<const arrow::StringArray&>(column).GetString(row);
    return text.size() < 100 ? fmt::format("'{}'", text) : fmt::format("'{}…' of {} bytes, hash {}", text[0], text.size(), std::hash<std::string>()(text));
  }
  if (column.type_id() != arrow::Type::TIMESTAMP) return column.GetScalar(row).ValueOrDie()->ToString();
  return std::to_string(static_cast<const arrow::TimestampArray&>(column).Value(row));
}

// A row of the list: values that are the same.
KeyDomain Domain(std::string type, const std::vector<std::vector<std::string>>& classes) {
  KeyDomain domain{.type = type, .values = nullptr, .same_as = {}, .text = {}};
  std::string json;
  for (const std::vector<std::string>& same : classes) {
    const size_t first = domain.same_as.size();
    for (const std::string& value : same) {
      json += (json.empty() ? "[" : ",") + value;
      domain.same_as.push_back(first);
    }
  }
  const StructType schema = *SchemaFromDdl("k " + type);
  auto values = arrow::json::ArrayFromJSONString(ToArrowType(schema[0].type), json + "]");
  EXPECT_TRUE(values.ok()) << type << ": " << values.status().ToString();
  domain.values = arrow::RecordBatch::Make(ToArrowSchema(schema), (*values)->length(), {*values});
  for (int64_t row = 0; row < (*values)->length(); ++row) domain.text.push_back(TextOf(**values, row));
  return domain;
}

// In memory where there is such a place: a batch is many small files, each synced.
std::string BaseDirectory() { return std::filesystem::exists("/dev/shm") ? "/dev/shm" : testing::TempDir(); }

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

std::string TextOf(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (int column = 0; column < rows.num_columns(); ++column) text += (column == 0 ? "" : "|") + TextOf(*rows.column(column), row);
  return text;
}

}  // namespace

const std::vector<KeyDomain>& KeyDomains() {
  const std::string long_text(100'000, 'x');
  static const std::vector<KeyDomain> domains = {
      Domain("BIGINT", {{"null"}, {"0"}, {"-1"}, {"1"}, {"9223372036854775807"}, {"-9223372036854775808"}}),
      Domain("STRING", {{"null"},
                        {Quoted("")},
                        {Quoted("a")},
                        {Quoted("a\\u0000")},
                        {Quoted("a\\u0000b")},
                        {Quoted("\\u0001")},
                        {Quoted("null")},
                        {Quoted(long_text)},
                        {Quoted(long_text + "y")},
                        {Quoted("\xc3\xa9")}}),
      Domain("DOUBLE", {{"null"}, {"0.0", "-0.0"}, {"NaN", "-NaN"}, {"Inf"}, {"-Inf"}, {"1.5"}, {"-1.5"}, {"4.9e-324"}}),
      Domain("FLOAT", {{"null"}, {"0.0", "-0.0"}, {"NaN", "-NaN"}, {"Inf"}, {"-Inf"}, {"0.1"}}),
      Domain("DECIMAL(10,2)", {{"null"}, {Quoted("0.00")}, {Quoted("-0.01")}, {Quoted("99999999.99")}, {Quoted("-99999999.99")}}),
      Domain("DECIMAL(38,10)", {{"null"},
                                {Quoted("0.0000000000")},
                                {Quoted("-0.0000000001")},
                                {Quoted("9999999999999999999999999999.9999999999")},
                                {Quoted("-9999999999999999999999999999.9999999999")},
                                {Quoted("18446744073.7095516160")}}),
      Domain("BOOLEAN", {{"null"}, {"true"}, {"false"}}),
      Domain("DATE", {{"null"}, {"0"}, {"-719162"}, {"2932896"}}),
      Domain("TIMESTAMP", {{"null"}, {"0"}, {"-1"}, {"1767225600000001"}, {"-62135596800000000"}}),
      Domain("STRUCT<a: INT, b: STRING>",
             {{"null"}, {"[null, null]"}, {"[1, null]"}, {"[null, \"a\"]"}, {"[1, \"a\"]"}, {"[1, \"\"]"}, {"[-2147483648, \"a\\u0000\"]"}}),
      Domain("STRUCT<a: DOUBLE>", {{"null"}, {"[null]"}, {"[0.0]", "[-0.0]"}, {"[NaN]", "[-NaN]"}, {"[1.0]"}}),
      Domain("TINYINT", {{"null"}, {"0"}, {"-128"}, {"127"}}),
      Domain("BINARY", {{"null"}, {Quoted("")}, {Quoted("\\u0000")}, {Quoted("\\u0000\\u0001")}, {Quoted("a")}}),
      Domain("TIMESTAMP_NTZ", {{"null"}, {"0"}, {"-1"}, {"253402300799999999"}}),
      Domain("INTERVAL DAY TO SECOND", {{"null"}, {"0"}, {"-1"}, {"86400000000"}}),
      Domain("INTERVAL YEAR TO MONTH", {{"null"}, {"0"}, {"-1"}, {"12"}}),
      Domain("ARRAY<STRUCT<a: DOUBLE, b: ARRAY<STRING>>>", {{"null"},
                                                            {"[]"},
                                                            {"[null]"},
                                                            {"[[0.0, null]]", "[[-0.0, null]]"},
                                                            {"[[0.0, []]]", "[[-0.0, []]]"},
                                                            {"[[null, [null]]]"},
                                                            {"[[1.0, [\"a\", \"\"]], null]"}}),
      Domain("ARRAY<INT>", {{"null"}, {"[]"}, {"[null]"}, {"[1]"}, {"[1, null]"}, {"[1, 1]"}}),
  };
  return domains;
}

std::mt19937_64 RandomOfTest(uint64_t seed) { return std::mt19937_64(seed + 1000 * static_cast<uint64_t>(testing::UnitTest::GetInstance()->random_seed())); }

TestedRows RandomRows(std::mt19937_64& random, const KeyDomain& keys, int64_t now_s, int64_t rows_max) {
  TestedRows rows(random() % static_cast<uint64_t>(rows_max + 1));
  for (TestedRow& row : rows) {
    row.key = random() % keys.size();
    if (random() % 12 != 0) row.at_s = now_s + static_cast<int64_t>(random() % 60) - 30;
    if (random() % 6 != 0) row.value = static_cast<int64_t>(random() % 100);
  }
  return rows;
}

TestedQuery::TestedQuery(std::string sql, const KeyDomain& keys, Options options)
    : sql_(std::move(sql)),
      keys_(keys),
      options_(std::move(options)),
      directory_(JoinPath(BaseDirectory(), "query-" + NewUuid())),
      engine_(ComputeConf{.threads = 1}) {
  for (const char* name : {"t", "u"}) sources_.push_back(std::make_shared<TestedStream>(name, *SchemaFromDdl("k " + keys.type + ", at TIMESTAMP, v BIGINT")));
  Restart();
}

TestedQuery::~TestedQuery() {
  plan_.reset();
  stores_.reset();
  std::filesystem::remove_all(directory_);
}

void TestedQuery::Restart() {
  plan_.reset();
  stores_.reset();
  auto compile = [&]() -> Result<std::unique_ptr<StreamPlan>> {
    MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql_));
    PlanPtr plan = std::get<PlanPtr>(std::move(statement));
    if (!options_.distinct.empty())
      plan = MakePlan(Deduplicate{.columns = options_.distinct, .within_watermark = options_.within_watermark, .child = std::move(plan), .keys = {}});
    TestedCatalog catalog(sources_);
    MS_ASSIGN_OR_RETURN(plan, Analyze(plan, catalog, {}));
    return StreamPlan::Compile(plan, engine_, {.output_mode = options_.mode, .compute = {.threads = 1}});
  };
  Result<std::unique_ptr<StreamPlan>> plan = compile();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  plan_ = *std::move(plan);
  Result<std::unique_ptr<StateStores>> stores = StateStores::Open(
      Fs::Local(), {.directory = directory_, .memory_bytes_max = options_.state_memory_bytes_max, .versions_kept = 2, .versions_per_snapshot = 3});
  ASSERT_TRUE(stores.ok()) << stores.status().message();
  stores_ = *std::move(stores);
}

void TestedQuery::Abort() { aborts_ = true; }

RowStreamPtr TestedQuery::RowsOf(const TestedRows& rows, const ScanNeeds& needs) {
  std::vector<int64_t> keys;
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
  arrow::Int64Builder values;
  for (const TestedRow& row : rows) {
    keys.push_back(static_cast<int64_t>(row.key));
    EXPECT_TRUE((row.at_s ? times.Append(*row.at_s * 1'000'000) : times.AppendNull()).ok());
    EXPECT_TRUE((row.value ? values.Append(*row.value) : values.AppendNull()).ok());
  }
  const std::map<std::string, std::shared_ptr<arrow::Array>> all{
      {"k", (*RowsAt(keys_.values, keys))->column(0)}, {"at", times.Finish().ValueOrDie()}, {"v", values.Finish().ValueOrDie()}};
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const std::string& name : needs.columns) {
    columns.push_back(all.at(name));
    fields.push_back(arrow::field(name, columns.back()->type()));
  }
  auto whole = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), static_cast<int64_t>(rows.size()), std::move(columns));
  std::vector<RecordBatchPtr> pieces;
  for (int64_t at = 0; at < whole->num_rows();) {
    pieces.push_back(whole->Slice(at, 1 + static_cast<int64_t>(random_() % 20)));
    at += pieces.back()->num_rows();
  }
  return MakeRowStream(whole->schema(), std::move(pieces));
}

Result<std::vector<std::string>> TestedQuery::RunOnce(const Batch& batch) {
  const BatchContext context{
      .id = BatchId(stores_->version()), .late_watermark_ms = batch.late_s * 1000, .eviction_watermark_ms = batch.eviction_s * 1000, .stores = stores_.get()};
  auto open = [&](const RelationSourcePtr& source, const ScanNeeds& needs) -> Result<RowStreamPtr> {
    return RowsOf(source == sources_[0] ? batch.t : batch.u, needs);
  };
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, plan_->Run(context, open, std::make_shared<CancelToken>()));
  std::vector<std::string> out;
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr piece, rows->Next());
    if (piece == nullptr) break;
    if (const arrow::Status valid = piece->ValidateFull(); !valid.ok()) return Status::Internal(valid.ToString());
    for (int64_t row = 0; row < piece->num_rows(); ++row) out.push_back(TextOf(*piece, row));
  }
  MS_RETURN_IF_ERROR(plan_->Finish());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> TestedQuery::Run(const Batch& batch) {
  if (std::exchange(aborts_, false)) {
    Result<std::vector<std::string>> lost = RunOnce(batch);
    EXPECT_TRUE(lost.ok()) << lost.status().message();
    EXPECT_TRUE(stores_->Abort().ok());
  }
  Result<std::vector<std::string>> out = RunOnce(batch);
  EXPECT_TRUE(out.ok()) << out.status().message();
  const Status committed = stores_->Commit(stores_->version() + 1, "");
  EXPECT_TRUE(committed.ok()) << committed.message();
  return out.ok() ? *std::move(out) : std::vector<std::string>();
}

StateOperatorProgress TestedQuery::progress() const { return plan_->stateful().at(0)->progress(); }

}  // namespace millstream
