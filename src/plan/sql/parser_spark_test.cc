// Every statement and expression of tests/spark/data/parser.json, which Spark 4.2 has judged (tests/spark/record_parser.py).

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "plan/sql/parser.h"

namespace millstream {
namespace {

nlohmann::json Recording() {
  const char* source = std::getenv("MILLSTREAM_SOURCE");
  std::string root = source ? source : ".";  // by hand, from the root of the repository
  std::ifstream file(root + "/tests/spark/data/parser.json");
  std::stringstream text;
  text << file.rdbuf();
  return nlohmann::json::parse(text.str(), nullptr, false);
}

// The first line and the place, without the picture of the text.
std::string Headline(std::string message) {
  while (message.starts_with("\n")) message.erase(0, 1);
  return message.substr(0, message.find("\n\n== SQL"));
}

// Where ANTLR gives up at another word than a parser that reads from left to right would; the class is the same.
const std::set<std::string> kOtherPlace = {"SELECT CASE WHEN 1 END", "SHOW NONSENSE"};
// Parse in Spark, and are refused with a better error here than Spark's analyzer would give; or are built another way.
bool IsUnsupported(const Status& status) {
  return status.error_class().name == "MILLSTREAM_UNSUPPORTED" || status.error_class().name == "UNBOUND_SQL_PARAMETER";
}

TEST(ParserAgainstSpark, JudgesEveryStatementAsSparkDoes) {
  nlohmann::json recording = Recording();
  ASSERT_TRUE(recording.is_object());
  size_t compared = 0;
  for (const char* kind : {"statements", "expressions"}) {
    for (const auto& row : recording[kind]) {
      std::string sql = row["sql"];
      bool is_statement = std::string(kind) == "statements";
      Status status = is_statement ? ParseStatement(sql).status() : ParseExpression(sql).status();
      ++compared;
      if (row.contains("ok")) {
        EXPECT_TRUE(status.ok() || IsUnsupported(status)) << sql << "\n" << status.message();
        continue;
      }
      if (status.ok()) {
        ADD_FAILURE() << sql << "\nparses, but Spark says: " << row["message"];
        continue;
      }
      EXPECT_EQ(status.error_class().name, row["error"]) << sql << "\n" << status.message();
      if (row["error"] == "PARSE_SYNTAX_ERROR" && !kOtherPlace.contains(sql)) {
        EXPECT_EQ(Headline(status.message()), Headline(row["message"])) << sql;
      }
    }
  }
  EXPECT_GE(compared, 300u);
}

}  // namespace
}  // namespace millstream
