// In whatever order files come, and however they are batched: the same columns, and the same rows, as if all had been there at once.

#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
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

// A stream over `in` that never stops for a new column.
class Loader {
 public:
  Loader(const std::string& in, const std::string& state, int files_per_batch) : state_(state) {
    OptionMap options{{"cloudFiles.format", "json"},
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
          const auto& array = static_cast<const arrow::StringArray&>(*batch->column(static_cast<int>(column)));
          if (!array.IsNull(i)) row[needs.columns[column]] = array.GetString(i);
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

std::vector<std::string> RandomFiles(std::mt19937& random) {
  std::vector<std::string> files;
  for (int file = 0; file < 10; ++file) {
    std::string text;
    for (unsigned row = 0; row <= random() % 4; ++row) {
      text += "{\"id\":" + std::to_string(file * 10 + static_cast<int>(row));
      for (char name = 'a'; name <= 'h'; ++name)
        if (random() % 5 == 0) text += std::string(",\"") + name + "\":" + (random() % 2 == 0 ? "\"x\"" : std::to_string(random() % 100));
      text += "}\n";
    }
    files.push_back(std::move(text));
  }
  return files;
}

TEST(EvolutionOrder, AnyOrderAndBatchingGivesTheTableOfAllFilesAtOnce) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> files = RandomFiles(random);
    Table all;
    {
      TempDir in, state;
      for (size_t i = 0; i < files.size(); ++i) WriteFile(in / std::to_string(i), files[i]);
      Loader(in.path(), state.path(), 1000).LoadAll(&all);
    }
    EXPECT_EQ(all.rescued, 0);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(files.begin(), files.end(), random);
      TempDir in, state;
      WriteFile(in / "0", files[0]);
      Table table;
      Loader loader(in.path(), state.path(), 1 + static_cast<int>(random() % 4));
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

}  // namespace
}  // namespace millstream
