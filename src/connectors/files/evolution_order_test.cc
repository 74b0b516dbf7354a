// In whatever order files come, and however they are batched: the same columns, and the same rows, as if all had been there at once.

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "connectors/api/source.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_connector.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;

using Row = std::map<std::string, std::string>;  // without nulls

struct Table {
  std::set<std::string> columns;
  std::multiset<Row> rows;
  int64_t rescued = 0;
};

// Fields that are null are left out: a struct has grown since the first rows were read.
std::string Text(const arrow::Array& array, int64_t at) {
  if (array.IsNull(at)) return "";
  switch (array.type_id()) {
    case arrow::Type::STRUCT: {
      const auto& structs = static_cast<const arrow::StructArray&>(array);
      std::map<std::string, std::string> fields;
      for (int i = 0; i < structs.num_fields(); ++i) {
        if (!structs.field(i)->IsNull(at)) fields[structs.struct_type()->field(i)->name()] = Text(*structs.field(i), at);
      }
      std::string text = "{";
      for (const auto& [name, value] : fields) text += name + ":" + value + ",";
      return text + "}";
    }
    case arrow::Type::LIST: {
      const auto& lists = static_cast<const arrow::ListArray&>(array);
      std::string text = "[";
      for (int64_t i = lists.value_offset(at); i < lists.value_offset(at + 1); ++i) text += Text(*lists.values(), i) + ",";
      return text + "]";
    }
    default:
      return static_cast<const arrow::StringArray&>(array).GetString(at);
  }
}

// A stream over `in` that never stops for a new column.
class Loader {
 public:
  Loader(const std::string& in, const std::string& state, const std::string& format, int files_per_batch) : state_(state) {
    OptionMap options{{"cloudFiles.format", format},
                      {"header", "true"},
                      {"cloudFiles.validateOptions", "false"},
                      {"cloudFiles.schemaLocation", state},
                      {"cloudFiles.schemaEvolutionMode", "addNewColumnsWithoutRestart"},
                      {"cloudFiles.maxFilesPerTrigger", std::to_string(files_per_batch)}};
    auto opened =
        OpenCloudFiles({.format = "cloudFiles", .options = options, .paths = {in}, .is_streaming = true}, {.fs = Fs::Local(), .clock = Clock::System()});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    relation_ = *opened;
    source_ = *dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state + "/sources/0");
  }

  void LoadAll(Table* table) {
    for (;;) {
      auto end = source_->LatestOffset(at_, {});
      ASSERT_TRUE(end.ok()) << end.status().message();
      if (!*end) break;
      std::multiset<Row> rows;
      for (int attempt = 0;; ++attempt) {
        rows.clear();
        Status status = ReadBatch(**end, &rows, &table->rescued);
        if (status.ok()) break;
        ASSERT_TRUE(status.retryable() && attempt < 3) << status.message();
        auto evolved = dynamic_cast<SupportsSchemaEvolution&>(*source_).EvolvedRelation();
        ASSERT_TRUE(evolved.ok() && *evolved != nullptr);
        relation_ = *evolved;
      }
      table->rows.merge(rows);
      at_ = *end;
    }
    for (const StructField& field : relation_->schema()) table->columns.insert(field.name);
  }

 private:
  Status ReadBatch(const StreamOffset& end, std::multiset<Row>* rows, int64_t* rescued) {
    ScanNeeds needs;
    for (const StructField& field : relation_->schema()) needs.columns.push_back(field.name);
    MS_ASSIGN_OR_RETURN(RowStreamPtr stream, source_->ReadBatch(at_, end, needs));
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, stream->Next());
      if (batch == nullptr) return Status();
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        Row row;
        for (size_t column = 0; column < needs.columns.size(); ++column) {
          const arrow::Array& array = *batch->column(static_cast<int>(column));
          if (!array.IsNull(i)) row[needs.columns[column]] = Text(array, i);
        }
        if (row.count("_rescued_data") != 0) ++*rescued;
        rows->insert(std::move(row));
      }
    }
  }

  const std::string state_;
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::optional<StreamOffset> at_;
};

using Words = std::function<std::string()>;

// Scalars a to d, objects e and f, and g, an array of objects; each with fields of its own, some of the time.
std::string JsonRow(int id, std::mt19937& random) {
  const Words word = [&] { return random() % 2 == 0 ? "\"x\"" : std::to_string(random() % 100); };
  const Words object = [&] {
    std::string text = "{\"k\":" + word();
    for (char name = 'l'; name <= 'o'; ++name)
      if (random() % 4 == 0) text += std::string(",\"") + name + "\":" + (name == 'o' ? "{\"p" + std::to_string(random() % 3) + "\":" + word() + "}" : word());
    return text + "}";
  };
  std::string text = "{\"id\":" + std::to_string(id);
  for (char name = 'a'; name <= 'g'; ++name) {
    if (random() % 4 != 0) continue;
    text += std::string(",\"") + name + "\":";
    text += name <= 'd' ? word() : name <= 'f' ? object() : "[" + object() + "," + object() + "]";
  }
  return text + "}\n";
}

std::vector<std::string> RandomFiles(const std::string& format, std::mt19937& random) {
  std::vector<std::string> files;
  for (int file = 0; file < 10; ++file) {
    std::string text, columns = "id";
    for (char name = 'a'; format == "csv" && name <= 'h'; ++name)
      if (random() % 5 == 0) columns += std::string(",") + name;
    if (format == "csv") text = columns + "\n";
    for (unsigned row = 0; row <= random() % 4; ++row) {
      const int id = file * 10 + static_cast<int>(row);
      if (format == "json") {
        text += JsonRow(id, random);
        continue;
      }
      text += std::to_string(id);
      for (char letter : columns)
        if (letter == ',') text += "," + std::to_string(random() % 100);
      text += "\n";
    }
    files.push_back(std::move(text));
  }
  return files;
}

class EvolutionOrder : public testing::TestWithParam<const char*> {};

TEST_P(EvolutionOrder, AnyOrderAndBatchingGivesTheTableOfAllFilesAtOnce) {
  const std::string format = GetParam();
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> files = RandomFiles(format, random);
    Table all;
    {
      TempDir in, state;
      for (size_t i = 0; i < files.size(); ++i) WriteFile(in / std::to_string(i), files[i]);
      Loader(in.path(), state.path(), format, 1000).LoadAll(&all);
    }
    EXPECT_EQ(all.rescued, 0);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(files.begin(), files.end(), random);
      TempDir in, state;
      WriteFile(in / "0", files[0]);
      Table table;
      Loader loader(in.path(), state.path(), format, 1 + static_cast<int>(random() % 4));
      for (size_t i = 0; i < files.size(); ++i) {
        WriteFile(in / (std::to_string(random() % 3) + "d/" + std::to_string(i)), files[i]);
        if (i == 0) std::filesystem::remove(in / "0");  // it was there for the schema
        if (random() % 3 == 0) loader.LoadAll(&table);
      }
      loader.LoadAll(&table);
      EXPECT_EQ(table.columns, all.columns) << "seed " << seed;
      EXPECT_EQ(table.rows, all.rows) << "seed " << seed;
      EXPECT_EQ(table.rescued, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EvolutionOrder, testing::Values("json", "csv"), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millstream
