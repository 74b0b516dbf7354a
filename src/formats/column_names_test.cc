// Files with two columns of one name: what PySpark 4.2 answered (tests/spark/record_column_names.py), and where we refuse what it takes in silence.

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "formats/recorded_files.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

// The rows as the recorder writes them, of columns of numbers, or the error's class.
nlohmann::json AnswerTo(const std::string& format, const RecordedFile& recorded) {
  TestFiles files;
  const InputFile file = files.Add("f." + format, recorded.content);
  auto made = MakeFileFormat(format, {}, {.case_sensitive = recorded.answer["case_sensitive"].get<bool>()});
  auto failed = [](const Status& status) { return nlohmann::json{{"error", std::string(status.error_class().name)}}; };
  if (!made.ok()) return failed(made.status());
  Result<StructType> schema = recorded.schema.empty() ? (*made)->InferSchema({file}) : SchemaFromDdl(recorded.schema);
  if (!schema.ok()) return failed(schema.status());
  FileScan scan{.data_schema = *schema};
  for (const StructField& field : *schema) {
    if (field.type.IsNested()) return {{"inferred", field.type.SimpleString()}};
    scan.columns.push_back(field.name);
  }
  auto rows = (*made)->Read({file}, scan, nullptr);
  if (!rows.ok()) return failed(rows.status());
  nlohmann::json answer = {{"rows", nlohmann::json::array()}};
  for (;;) {
    auto batch = (*rows)->Next();
    if (!batch.ok()) return failed(batch.status());
    if (*batch == nullptr) return answer;
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      nlohmann::json values = nlohmann::json::array();
      for (const auto& column : (*batch)->columns()) {
        values.push_back(column->IsNull(row) ? "None" : std::to_string(static_cast<const arrow::Int64Array&>(*column).Value(row)));
      }
      answer["rows"].push_back(std::move(values));
    }
  }
}

TEST(ColumnNames, MeanWhatTheyMeanToSpark) {
  int compared = 0;
  for (const char* format : {"parquet", "orc", "avro"}) {
    for (const RecordedFile& recorded : RecordedFiles(format, "column_names")) {
      const nlohmann::json found = AnswerTo(format, recorded), &spark = recorded.answer;
      const std::string asked = std::string(format) + " " + spark.dump() + ", found " + found.dump();
      ++compared;
      if (spark.contains("exception")) {
        EXPECT_TRUE(found.value("error", "").starts_with(spark["exception"].get<std::string>())) << asked;
      } else if (spark.contains("error")) {
        EXPECT_EQ(found.value("error", ""), spark["error"]) << asked;
      } else if (found.contains("inferred")) {
        EXPECT_EQ(found["inferred"], "struct<a:bigint,A:bigint,b:bigint>") << asked;
      } else {
        EXPECT_EQ(found.value("rows", nlohmann::json()), spark["rows"]) << asked;
      }
    }
  }
  EXPECT_EQ(compared, 50);
}

}  // namespace
}  // namespace millstream
