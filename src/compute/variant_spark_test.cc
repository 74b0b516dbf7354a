// VARIANT against what Apache Spark 4.2 made of it (tests/spark/record_variant.py): the bytes of documents, the answers of queries.

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/crc32c.h"
#include "compute/compiled_plan.h"
#include "compute/functions/variant_schema.h"
#include "formats/input_chunks.h"
#include "formats/variant_json.h"
#include "plan/analyzer.h"
#include "plan/function_registry.h"
#include "plan/sql/parser.h"

namespace millstream {
namespace {

using nlohmann::json;

const json& Recorded() {
  static const json recorded = [] {
    const char* source = std::getenv("MILLSTREAM_SOURCE");
    std::ifstream file(std::string(source == nullptr ? "." : source) + "/tests/spark/data/variant.json");
    return json::parse(file);
  }();
  return recorded;
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) (hex += kDigits[byte >> 4]) += kDigits[byte & 15];
  return hex;
}

// Short ones are recorded as they are, long ones as size and checksum, very long ones as size.
void ExpectBytes(std::string_view ours, const json& expected, const std::string& what) {
  if (expected.is_string()) {
    EXPECT_EQ(Hex(ours), expected.get<std::string>()) << what;
    return;
  }
  EXPECT_EQ(ours.size(), expected["size"].get<size_t>()) << what;
  if (!expected["crc32c"].is_null()) {
    EXPECT_EQ(Crc32c(ours), expected["crc32c"].get<uint32_t>()) << what;
  }
}

std::string TextOf(const json& text) {
  if (text.is_string()) return text;
  std::string all = text[0];
  for (int i = 0; i < text[2].get<int>(); ++i) all += text[1].get<std::string>();
  return all + text[3].get<std::string>();
}

TEST(VariantSpark, ParsesDocumentsToTheSameBytes) {
  VariantJsonParser strict(false), lenient(true);
  for (const json& item : Recorded()["documents"]) {
    VariantJsonParser& parser = item.contains("duplicates") ? lenient : strict;
    const std::string text = TextOf(item["text"]), what = text.substr(0, 100);
    const std::string padded = text + std::string(static_cast<size_t>(kChunkPadding) + 1, '\n');
    bool syntax_ok = true;
    const Status status = parser.Text(padded.data(), padded.data() + text.size(), &syntax_ok);
    // parse_json says of both that the record is malformed.
    const std::string error = status.ok() && syntax_ok ? "" : "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION";
    EXPECT_EQ(error, item.value("error", "")) << what;
    if (!error.empty() || item.contains("error")) continue;
    const VariantRef variant = parser.builder().variant();
    ExpectBytes(variant.value, item["value"], what);
    ExpectBytes(variant.metadata, item["metadata"], what);
    if (!item.contains("json")) continue;
    std::string shown;
    EXPECT_TRUE(AppendVariantJson(variant, TimeZone::Utc(), shown).ok()) << what;
    // The smallest double has one digit less here than in Java.
    if (what != "5e-324" && what != "4.9e-324") {
      EXPECT_EQ(shown, item["json"].get<std::string>()) << what;
    }
    compute::VariantSchema schema;
    EXPECT_TRUE(schema.Add(variant).ok()) << what;
    // Keys beyond U+FFFF stand elsewhere in Spark's answer, which sorts them as UTF-16.
    if (schema.Sql().find('\xF0') == std::string::npos) {
      EXPECT_EQ(schema.Sql(), item["type"].get<std::string>()) << what;
    }
  }
}

// Bytes that come from others may be anything: an error, or some value, but nothing worse.
TEST(VariantSpark, ReadsDamagedBytesWithoutHarm) {
  int read = 0, refused = 0;
  for (const json& item : Recorded()["documents"]) {
    if (!item.contains("value") || !item["value"].is_string() || !item["metadata"].is_string()) continue;
    const auto bytes_of = [](const std::string& hex) {
      std::string bytes;
      for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
      return bytes;
    };
    const std::string value = bytes_of(item["value"]), metadata = bytes_of(item["metadata"]);
    const size_t all = value.size() + metadata.size();
    for (size_t at = 0; at < std::min<size_t>(all, 200); ++at) {
      for (const int change : {0x01, 0x40, 0xFF}) {
        std::string v = value, m = metadata;
        (at < v.size() ? v[at] : m[at - v.size()]) ^= static_cast<char>(change);
        if (change == 0x40) v.resize(std::min(at, v.size()));
        std::string text;
        VariantBuilder builder(true);
        compute::VariantSchema schema;
        const bool good = AppendVariantJson({v, m}, TimeZone::Utc(), text).ok();
        EXPECT_EQ(schema.Add({v, m}).ok(), good);
        (void)builder.Append({v, m});
        ++(good ? read : refused);
      }
    }
  }
  EXPECT_GT(read, 1000);
  EXPECT_GT(refused, 1000);
}

class NoCatalog : public Catalog {
 public:
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation&) override { return Status::Unsupported("tables"); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Unsupported("sources"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }
};

bool HoldsVariant(const DataType& type) { return type.SimpleString().find("variant") != std::string::npos; }

// As the recorder asks: variants by their bytes, what holds some as JSON, all else as CAST(… AS STRING).
PlanPtr Shown(const PlanPtr& plan) {
  Project project{{}, plan};
  int64_t id = 1'000'000;
  for (const AttributeRef& attribute : OutputOf(*plan)) {
    ExprPtr column = MakeExpr(attribute);
    if (attribute.type.id() != TypeId::kVariant && HoldsVariant(attribute.type)) {
      column = MakeExpr(Call{FindFunction("to_json"), {column}, DataType::String(), true, EvalMode::kAnsi});
    } else if (attribute.type.id() != TypeId::kString && attribute.type.id() != TypeId::kVariant) {
      column = MakeExpr(Cast{column, DataType::String(), EvalMode::kAnsi});
    }
    project.expressions.push_back(MakeExpr(Alias{column, {"o"}, std::nullopt, ExprId(id++)}));
  }
  return MakePlan(std::move(project));
}

Result<json> Answer(ComputeEngine& engine, const std::string& sql, bool ansi, const std::string& zone, json* types) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
  const auto* query = std::get_if<PlanPtr>(&statement);
  if (!query) return Status::Internal("no query");
  NoCatalog catalog;
  AnalyzerConf conf;
  conf.ansi = ansi;
  conf.time_zone = zone;
  conf.now_us = 1700000000000000;
  MS_ASSIGN_OR_RETURN(PlanPtr plan, Analyze(*query, catalog, conf));
  *types = json::array();
  for (const AttributeRef& attribute : OutputOf(*plan)) types->push_back(attribute.type.SimpleString() + (attribute.nullable ? "" : " not null"));
  ComputeConf compute;
  compute.time_zone = zone;
  const PlanPtr shown = Shown(plan);
  MS_ASSIGN_OR_RETURN(auto compiled, CompiledPlan::Compile(shown, engine, compute));
  MS_ASSIGN_OR_RETURN(RowStreamPtr stream, compiled->Run({}));
  MS_ASSIGN_OR_RETURN(auto batches, Drain(*stream));
  json rows = json::array();
  for (const RecordBatchPtr& batch : batches) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      json cells = json::array();
      for (const auto& column : batch->columns()) {
        if (column->IsNull(row)) {
          cells.push_back(nullptr);
        } else if (column->type_id() == arrow::Type::STRUCT) {
          const auto& variant = static_cast<const arrow::StructArray&>(*column);
          const auto part = [&](int i) { return Hex(static_cast<const arrow::BinaryArray&>(*variant.field(i)).GetView(row)); };
          cells.push_back("0x" + part(0) + "/" + part(1));
        } else {
          cells.push_back(static_cast<const arrow::StringArray&>(*column).GetString(row));
        }
      }
      rows.push_back(std::move(cells));
    }
  }
  return rows;
}

// Where we answer otherwise than Spark, and why. A line leaves this list when its reason is gone.
struct Difference {
  const char* query;  // how it begins
  const char* why;
};
constexpr Difference kKnownDifferences[] = {
    {"SELECT variant_explode", "a generator works in SELECT too"},
    {"SELECT id, t.* FROM VALUES (1, '[1,2]'), (2, '{\"a\":1}'), (3, 'null'), (4, NULL) AS s(id, j) LATERAL VIEW", "and in LATERAL VIEW"},
    {"SELECT id, t.p, t.k", "and in LATERAL VIEW"},
    {"SELECT to_csv", "not built"},
    {"SELECT to_xml", "not built"},
    {"SELECT variant_get(parse_json('1'), '$', 'interval')", "the type without a unit is refused earlier"},
    {"SELECT variant_get(parse_json('{\"d\":\"2024-01-02\"}'), '$.d', 'date')", "char(3) is read as STRING"},
    {"SELECT CAST(DATE'2024-01-02' AS VARIANT), CAST(TIMESTAMP", "the literal of a TIMESTAMP counts as nullable"},
    {"SELECT schema_of_variant(CAST(TIMESTAMP", "the same"},
    {"SELECT element_at(map(", "an element of an array counts as nullable"},
    {"SELECT md5(", "a VARIANT is cast to STRING wherever STRING is asked for"},
    {"SELECT get_json_object(", "the same"},
    {"SELECT nullif(", "it is rewritten without the comparison when both sides are the same"},
    {"SELECT v:a[\"b c\"]", "Spark fails with an internal error"},
    {"SELECT s:a FROM", "Spark fails with an internal error"},
    {"SELECT v:select, v:`a.b`", "a key in back quotes may hold a dot"},
};

TEST(VariantSpark, AnswersAsSparkDoes) {
  const char* only = std::getenv("MILLSTREAM_ONLY");
  ComputeEngine engine{ComputeConf{}};
  int all = 0, right = 0, known = 0;
  for (const json& item : Recorded()["cases"]) {
    const std::string sql = item["sql"];
    if (only && sql.find(only) == std::string::npos) continue;
    ++all;
    if (std::any_of(std::begin(kKnownDifferences), std::end(kKnownDifferences), [&](const Difference& one) { return sql.starts_with(one.query); })) {
      ++known;
      continue;
    }
    json types;
    auto answer = Answer(engine, sql, item["ansi"], item["zone"], &types);
    const std::string error = answer.ok() ? "" : std::string(answer.status().error_class().name);
    const std::string where = sql + (item["ansi"] ? "" : "  [ansi=false]") + "  [" + item["zone"].get<std::string>() + "]";
    const std::string expected = item.value("error", "");
    if (error != expected && !(expected == "?" && !answer.ok())) {
      ADD_FAILURE() << where << "\n  Spark: " << (item.contains("error") ? expected : item["rows"].dump())
                    << "\n  ours:  " << (answer.ok() ? answer->dump() : answer.status().message());
    } else if (answer.ok() && *answer != item["rows"]) {
      ADD_FAILURE() << where << "\n  Spark: " << item["rows"].dump() << "\n  ours:  " << answer->dump();
    } else if (answer.ok() && types != item["types"] && sql.find("to_json(") == std::string::npos) {  // which is nullable always in Spark
      ADD_FAILURE() << where << "\n  Spark: " << item["types"].dump() << "\n  ours:  " << types.dump();
    } else {
      ++right;
    }
  }
  std::cout << right << " of " << all << " as Spark, " << known << " known to differ\n";
}

}  // namespace
}  // namespace millstream
