#include "plan/analyzer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/plan_errors.h"
#include "plan/sql/parser.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using ::testing::HasSubstr;

class FakeTable : public RelationSource {
 public:
  explicit FakeTable(const std::string& ddl) : schema_(*SchemaFromDdl(ddl)), metadata_(*SchemaFromDdl("_metadata STRUCT<file_path: STRING>")) {}
  std::string name() const override { return "t"; }
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return metadata_; }
  bool is_streaming() const override { return false; }

 private:
  StructType schema_, metadata_;
};

class FakeCatalog : public Catalog {
 public:
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override {
    if (relation.name.back() == "t")
      return RelationSourcePtr(std::make_shared<FakeTable>("a INT, b STRING, c DOUBLE, s STRUCT<x: INT, y: STRING>, m MAP<STRING, INT>, l ARRAY<INT>"));
    if (relation.name.back() == "u") return RelationSourcePtr(std::make_shared<FakeTable>("a INT, d STRING"));
    return Status::Error(errors::kTableNotFound, {{"relationName", relation.name.back()}});
  }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Internal("none"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return {"spark_catalog", "default", name.back()}; }
};

Result<PlanPtr> AnalyzeSql(const std::string& sql) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
  FakeCatalog catalog;
  return Analyze(std::get<PlanPtr>(statement), catalog, {});
}

std::string SchemaOfSql(const std::string& sql) {
  Result<PlanPtr> plan = AnalyzeSql(sql);
  return plan.ok() ? DataType::Struct(SchemaOf(**plan)).SimpleString() : plan.status().message();
}

TEST(Analyzer, TypesAndNamesColumnsAsSparkDoes) {
  EXPECT_EQ(SchemaOfSql("SELECT a + 1, upper(b), count(*) FROM t GROUP BY a, b"), "struct<(a + 1):int,upper(b):string,count(1):bigint>");
  EXPECT_EQ(SchemaOfSql("SELECT s.x, s.*, m['k'], l[0] FROM t"), "struct<x:int,x:int,y:string,m[k]:int,l[0]:int>");
  EXPECT_EQ(SchemaOfSql("SELECT * FROM t JOIN u USING (a)"),
            "struct<a:int,b:string,c:double,s:struct<x:int,y:string>,m:map<string,int>,l:array<int>,d:string>");
  EXPECT_EQ(SchemaOfSql("WITH x AS (SELECT a AS k FROM t) SELECT k, sum(k) AS total FROM x GROUP BY k HAVING count(*) > 1 ORDER BY max(k)"),
            "struct<k:int,total:bigint>");
  EXPECT_EQ(SchemaOfSql("SELECT explode(l) FROM t"), "struct<col:int>");
  EXPECT_EQ(SchemaOfSql("SELECT row_number() OVER (PARTITION BY b ORDER BY a) AS n FROM t"), "struct<n:int>");
  EXPECT_EQ(SchemaOfSql("SELECT a FROM t UNION ALL SELECT c FROM t"), "struct<a:double>");
  EXPECT_EQ(SchemaOfSql("SELECT transform(l, x -> x * 2.5D) AS d FROM t"), "struct<d:array<double>>");
}

TEST(Analyzer, WindowsThatOverlapHaveBoundsLikeOthers) {
  for (const std::string slide : {"'20 seconds'", "'20 seconds', '10 seconds'"}) {
    const std::string window = "window(CAST(b AS TIMESTAMP), " + slide + ")";
    EXPECT_EQ(SchemaOfSql("SELECT window.start, window.end AS e, count(*) AS n FROM t GROUP BY " + window), "struct<start:timestamp,e:timestamp,n:bigint>");
    EXPECT_EQ(SchemaOfSql("SELECT " + window + ".start AS s FROM t"), "struct<s:timestamp>");
  }
}

TEST(Analyzer, ShowsMetadataOnlyWhenAsked) {
  EXPECT_EQ(SchemaOfSql("SELECT * FROM u"), "struct<a:int,d:string>");
  EXPECT_EQ(SchemaOfSql("SELECT a, _metadata.file_path FROM u WHERE d = 'x'"), "struct<a:int,file_path:string>");
}

TEST(Analyzer, FailsWithSparksClasses) {
  EXPECT_THAT(SchemaOfSql("SELECT aa FROM t"), HasSubstr("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `aa` cannot "
                                                         "be resolved. Did you mean one of the following? [`a`"));
  EXPECT_THAT(SchemaOfSql("SELECT a FROM t, u"), HasSubstr("[AMBIGUOUS_REFERENCE]"));
  EXPECT_THAT(SchemaOfSql("SELECT b, sum(a) FROM t"), HasSubstr("[MISSING_GROUP_BY]"));
  EXPECT_THAT(SchemaOfSql("SELECT b, sum(a) FROM t GROUP BY a"), HasSubstr("[MISSING_AGGREGATION]"));
  EXPECT_THAT(SchemaOfSql("SELECT no_such(a) FROM t"), HasSubstr("[UNRESOLVED_ROUTINE] Cannot resolve routine `no_such`"));
  EXPECT_THAT(SchemaOfSql("SELECT a FROM t WHERE sum(a) > 1"), HasSubstr("[INVALID_WHERE_CONDITION]"));
  EXPECT_THAT(SchemaOfSql("SELECT a, b FROM t UNION SELECT a FROM t"), HasSubstr("[NUM_COLUMNS_MISMATCH]"));
  EXPECT_THAT(SchemaOfSql("SELECT a FROM t ORDER BY 7"), HasSubstr("[ORDER_BY_POS_OUT_OF_RANGE]"));
  EXPECT_THAT(SchemaOfSql("SELECT * FROM nope"), HasSubstr("[TABLE_OR_VIEW_NOT_FOUND]"));
}

TEST(Analyzer, SortsByColumnsThatTheListDropped) {
  EXPECT_EQ(SchemaOfSql("SELECT b FROM t ORDER BY a"), "struct<b:string>");
  EXPECT_EQ(SchemaOfSql("SELECT b, count(*) AS n FROM t GROUP BY b ORDER BY sum(c) DESC, n"), "struct<b:string,n:bigint>");
}

}  // namespace
}  // namespace millstream
