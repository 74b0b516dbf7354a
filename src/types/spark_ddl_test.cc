#include "types/spark_ddl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "types/spark_json.h"
#include "types/sql_tokens.h"

namespace millstream {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view ddl) {
  Result<StructType> schema = SchemaFromDdl(ddl);
  return schema.ok() ? "ok" : schema.status().message();
}

TEST(SparkDdl, ReadsColumnsAsSparkDoes) {
  Result<StructType> schema = SchemaFromDdl("a INT NOT NULL COMMENT 'it''s', `b c` array<struct<x:int not null comment 'q', y map<string,decimal(5,2)>>>");
  ASSERT_TRUE(schema.ok()) << schema.status().message();
  EXPECT_EQ(ToSparkJson(*schema),
            R"j({"type":"struct","fields":[{"name":"a","type":"integer","nullable":false,"metadata":{"comment":"it's"}},)j"
            R"j({"name":"b c","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"integer","nullable":false,)j"
            R"j("metadata":{"comment":"q"}},{"name":"y","type":{"type":"map","keyType":"string","valueType":"decimal(5,2)","valueContainsNull":true},)j"
            R"j("nullable":true,"metadata":{}}]},"containsNull":true},"nullable":true,"metadata":{}}]})j");
  EXPECT_EQ(ToDdl(*schema), R"(a INT NOT NULL COMMENT 'it\'s',`b c` ARRAY<STRUCT<x: INT NOT NULL COMMENT 'q', y: MAP<STRING, DECIMAL(5,2)>>>)");
  EXPECT_EQ(*SchemaFromDdl(ToDdl(*schema)), *schema);
}

TEST(SparkDdl, KnowsEveryNameOfATypeInAnyCase) {
  for (auto [ddl, json] : std::vector<std::pair<std::string, std::string>>{{"Boolean", "boolean"},
                                                                           {"byte", "byte"},
                                                                           {"tinyint", "byte"},
                                                                           {"short", "short"},
                                                                           {"smallint", "short"},
                                                                           {"INTEGER", "integer"},
                                                                           {"long", "long"},
                                                                           {"bigint", "long"},
                                                                           {"real", "float"},
                                                                           {"float", "float"},
                                                                           {"double", "double"},
                                                                           {"dec", "decimal(10,0)"},
                                                                           {"numeric(3)", "decimal(3,0)"},
                                                                           {"decimal( 38 , 18 )", "decimal(38,18)"},
                                                                           {"string", "string"},
                                                                           {"string collate utf8_binary", "string"},
                                                                           {"binary", "binary"},
                                                                           {"date", "date"},
                                                                           {"timestamp", "timestamp"},
                                                                           {"timestamp_ltz", "timestamp"},
                                                                           {"timestamp_ntz", "timestamp_ntz"},
                                                                           {"void", "void"},
                                                                           {"variant", "variant"},
                                                                           {"interval day to second", "interval day to second"},
                                                                           {"interval hour", "interval day to second"},
                                                                           {"interval year to month", "interval year to month"},
                                                                           {"varchar(10)", "string"},
                                                                           {"char(3)", "string"}}) {
    Result<DataType> type = DataTypeFromDdl(ddl);
    ASSERT_TRUE(type.ok()) << type.status().message();
    EXPECT_EQ(ToSparkJson(*type), "\"" + json + "\"") << ddl;
  }
}

TEST(SparkDdl, ReadsColonsKeywordsAndClosingBracketsInARow) {
  EXPECT_EQ(ToDdl(*SchemaFromDdl("a: INT, b : array<array<array<int>>>")), "a INT,b ARRAY<ARRAY<ARRAY<INT>>>");
  EXPECT_EQ(ToDdl(*SchemaFromDdl("select int, from string, e struct<>")), "select INT,from STRING,e STRUCT<>");
  EXPECT_EQ(ToDdl(*SchemaFromDdl("a int -- comment\n, /* x /* nested */ */ `b``c` int")), "a INT,`b``c` INT");
}

TEST(SparkDdl, KeepsTheLengthOfVarcharInTheMetadata) {
  EXPECT_EQ((*SchemaFromDdl("a varchar(10) comment 'x'"))[0].metadata, R"j({"__CHAR_VARCHAR_TYPE_STRING":"varchar(10)","comment":"x"})j");
}

TEST(SparkDdl, ComplainsInSparksWords) {
  EXPECT_EQ(ErrorOf("a"), "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601 (line 1, pos 1)\n\n== SQL ==\na\n-^^^\n");
  EXPECT_EQ(ErrorOf("a foo"), "[UNSUPPORTED_DATATYPE] Unsupported data type \"FOO\". SQLSTATE: 0A000 (line 1, pos 2)\n\n== SQL ==\na foo\n--^^^\n");
  EXPECT_EQ(ErrorOf("a char"),
            "[DATATYPE_MISSING_SIZE] DataType \"CHAR\" requires a length parameter, for example \"CHAR\"(10). Please specify the length. "
            "SQLSTATE: 42K01 (line 1, pos 2)\n\n== SQL ==\na char\n--^^^\n");
  EXPECT_EQ(ErrorOf("a int b int"), "[PARSE_SYNTAX_ERROR] Syntax error at or near 'b'. SQLSTATE: 42601 (line 1, pos 6)\n\n== SQL ==\na int b int\n------^^^\n");
  EXPECT_EQ(ErrorOf("a int,\nb.c int"),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near '.'. SQLSTATE: 42601 (line 2, pos 1)\n\n== SQL ==\na int,\nb.c int\n-^^^\n");
  EXPECT_EQ(ErrorOf(""), "[PARSE_EMPTY_STATEMENT] Syntax error, unexpected empty statement. SQLSTATE: 42617 (line 1, pos 0)\n\n== SQL ==\n\n^^^\n");
  EXPECT_EQ(ErrorOf("a decimal(39,1)"), "[DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION] Decimal precision 39 exceeds max precision 38. SQLSTATE: 22003");
  EXPECT_THAT(ErrorOf("a decimal(1,2,3)"), HasSubstr("Unsupported data type \"DECIMAL(1,2,3)\""));
  EXPECT_THAT(ErrorOf("a array"), HasSubstr("[INCOMPLETE_TYPE_DEFINITION.ARRAY]"));
  EXPECT_THAT(ErrorOf("a-b int"), HasSubstr("[INVALID_IDENTIFIER] The unquoted identifier a-b is invalid and must be back quoted as: `a-b`."));
  EXPECT_THAT(ErrorOf("é int"), HasSubstr("[INVALID_IDENTIFIER] The unquoted identifier é"));
  EXPECT_THAT(ErrorOf("/* a int"), HasSubstr("[UNCLOSED_BRACKETED_COMMENT]"));
  EXPECT_THAT(ErrorOf("a time(3)"), HasSubstr("the data type TIME is not supported"));
  EXPECT_THAT(ErrorOf("a 'b'"), HasSubstr("near ''b''"));
}

TEST(SparkDdl, RefusesNestingThatCouldExhaustTheStack) {
  std::string deep = "a ";
  for (int i = 0; i < 100000; ++i) deep += "array<";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("MILLSTREAM_TYPE_TOO_DEEP"));
}

TEST(SqlTokens, UnescapesAsSparkDoes) {
  EXPECT_EQ(UnescapeString(R"('a\nb\tc\\d\'e''f\x')"), "a\nb\tc\\d'e'fx");
  EXPECT_EQ(UnescapeString(R"("a""b'c")"), "a\"b'c");
  EXPECT_EQ(UnescapeString(R"('\u0041\U0001F600\ud83d\ude00\101\%\_\Z')"), "A😀😀A\\%\\_\x1A");
  EXPECT_EQ(UnescapeString(R"(r'a\n')"), "a\\n");
  EXPECT_EQ(UnescapeString(std::string_view("'a\\0b'")), std::string("a\0b", 3));
}

}  // namespace
}  // namespace millstream
