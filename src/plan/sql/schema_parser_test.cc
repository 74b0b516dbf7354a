// REVERT SCHEMA, PROMOTE RESCUED, TABLE(t) of a stream's functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/schema_requests.h"
#include "plan/sql/parser.h"
#include "plan/sql/parser_test_show.h"

namespace millstream {
namespace {

using testing::HasSubstr;

Result<WriteData> RequestOf(std::string_view sql) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
  return std::get<WriteData>(std::get<Command>(statement).node);
}

TEST(SchemaParser, ReadsRevertSchema) {
  auto plain = *RequestOf("REVERT SCHEMA OF STREAM '/cp' TO VERSION 3;");
  EXPECT_EQ(plain.format, kSchemaRevertFormat);
  EXPECT_EQ(*plain.path, "/cp");
  EXPECT_EQ(plain.options, (OptionMap{{kSchemaRevertVersion, "3"}}));
  EXPECT_EQ(RequestOf("revert schema of stream '/cp' to version 0 freeze")->options, (OptionMap{{kSchemaRevertVersion, "0"}, {kSchemaRevertFreezes, "true"}}));
  EXPECT_EQ(RequestOf("REVERT SCHEMA OF STREAM '/cp' TO VERSION 0 FREEZE (a, b.`c d`)")->options.at(kSchemaRevertFrozen), "a, b.`c d`");
  for (const char* sql : {"REVERT SCHEMA OF t TO VERSION 1", "REVERT SCHEMA OF STREAM '/cp' TO VERSION", "REVERT SCHEMA OF STREAM '/cp' TO VERSION 1 FREEZE ()",
                          "REVERT SCHEMA OF STREAM '/cp' TO VERSION 1 FREEZE (a", "REVERT SCHEMA OF STREAM '/cp' TO VERSION -1"}) {
    EXPECT_THAT(RequestOf(sql).status().message(), HasSubstr("PARSE_SYNTAX_ERROR")) << sql;
  }
}

TEST(SchemaParser, ReadsPromoteRescued) {
  auto promote = *RequestOf("PROMOTE RESCUED (amount DECIMAL(10, 2), s STRUCT<a: INT>) IN db.t FROM `rest`");
  EXPECT_EQ(promote.format, kPromoteRescuedFormat);
  EXPECT_EQ(*promote.table, (MultipartName{"db", "t"}));
  EXPECT_EQ(promote.options, (OptionMap{{kPromotedColumns, "amount DECIMAL(10, 2), s STRUCT<a: INT>"}, {kPromotedFrom, "rest"}}));
  for (const char* sql :
       {"PROMOTE RESCUED a INT IN t", "PROMOTE RESCUED () IN t", "PROMOTE RESCUED (a) IN t", "PROMOTE RESCUED (a INT)", "PROMOTE RESCUED (a INT IN t"}) {
    EXPECT_THAT(RequestOf(sql).status().message(), HasSubstr("PARSE_SYNTAX_ERROR")) << sql;
  }
}

TEST(SchemaParser, ReadsTheTableOfAStream) {
  auto shown = [](const char* sql) {
    Result<Statement> statement = ParseStatement(sql);
    return statement.ok() ? Show(*std::get<PlanPtr>(*statement)) : statement.status().message();
  };
  EXPECT_EQ(shown("FROM cloud_files_state(TABLE(db.`a b`))"), "cloud_files_state(){__millstream_streams_of_table=`db`.`a b`}");
  EXPECT_EQ(shown("FROM cloud_files_history(TABLE(t))"), "cloud_files_history(){__millstream_streams_of_table=`t`}");
  EXPECT_EQ(shown("FROM cloud_files_schemas('/cp')"), "cloud_files_schemas(/cp)");
  EXPECT_THAT(shown("FROM cloud_files_schemas(TABLE(t))"), HasSubstr("TABLE(…) as an argument of cloud_files_schemas"));
  EXPECT_THAT(shown("FROM range(TABLE(t))"), HasSubstr("TABLE(…) as an argument of range"));
}

}  // namespace
}  // namespace millstream
