#include <gtest/gtest.h>

#include "base/uuid.h"
#include "millstream/millstream.h"
#include "storage/fs.h"

namespace millstream::sql {
namespace {

class LibraryTest : public testing::Test {
 protected:
  LibraryTest() : root_(JoinPath(testing::TempDir(), "library_" + NewUuid())) { EXPECT_TRUE(Fs::Local().CreateDirectories(root_ + "/landing").ok()); }
  ~LibraryTest() override { (void)Fs::Local().RemoveRecursively(root_).ok(); }
  void Land(const std::string& name, const std::string& text) { ASSERT_TRUE(Fs::Local().Replace(root_ + "/landing/" + name, text).ok()); }
  SparkSession Spark() { return SparkSession::builder().warehouse(root_ + "/lake").getOrCreate(); }
  StreamingQuery Load(const SparkSession& spark) {
    return spark.readStream()
        .format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.schemaLocation", root_ + "/schema")
        .load(root_ + "/landing")
        .writeStream()
        .option("checkpointLocation", root_ + "/checkpoint")
        .trigger(Trigger::AvailableNow())
        .toTable("bronze");
  }
  std::string root_;
};

TEST_F(LibraryTest, LoadsNewFilesOnceAndAnswersQueries) {
  Land("1.json", "{\"event\":\"view\",\"amount\":\"3\"}\n{\"event\":\"buy\",\"amount\":\"20\"}\n");
  {
    SparkSession spark = Spark();
    Load(spark).awaitTermination();
    EXPECT_EQ(spark.table("bronze").count(), 2);
  }
  Land("2.json", "{\"event\":\"buy\",\"amount\":\"30\"}\n");
  SparkSession spark = Spark();
  StreamingQuery query = Load(spark);
  query.awaitTermination();
  EXPECT_NE(query.lastProgress()->find("\"numInputRows\":1,"), std::string::npos) << *query.lastProgress();
  EXPECT_EQ(spark.table("bronze").groupBy({"event"}).count().orderBy({"event DESC"}).showString(),
            "+-----+-----+\n|event|count|\n+-----+-----+\n| view|    1|\n|  buy|    2|\n+-----+-----+\n");
  EXPECT_EQ(spark.sql("SELECT count(*) AS n FROM bronze WHERE amount > 10").schema(), "n BIGINT NOT NULL");
  EXPECT_EQ(spark.table("bronze").where("amount > 10").select({"event", "CAST(amount AS INT) * 2 AS twice"}).distinct().count(), 2);
}

TEST_F(LibraryTest, WritesTablesAndViews) {
  SparkSession spark = Spark();
  DataFrame numbers = spark.sql("SELECT id, id % 3 AS k FROM range(10)");
  numbers.write().partitionBy({"k"}).saveAsTable("numbers");
  numbers.limit(1).write().mode("append").saveAsTable("numbers");
  EXPECT_EQ(spark.table("numbers").count(), 11);
  spark.table("numbers").withColumn("twice", "id * 2").drop({"k"}).createOrReplaceTempView("doubled");
  EXPECT_EQ(spark.table("doubled").schema(), "id BIGINT,twice BIGINT");
  EXPECT_EQ(spark.table("doubled").join(spark.table("numbers"), {"id"}, "left_semi").unionAll(spark.table("doubled")).count(), 22);
  EXPECT_EQ(spark.sql("SHOW TABLES").count(), 2);
}

TEST_F(LibraryTest, CopiesEachFileOnce) {
  Land("1.json", "{\"event\":\"view\"}\n{\"event\":\"buy\"}\n");
  SparkSession spark = Spark();
  spark.sql("CREATE TABLE copied");
  const std::string copy = "COPY INTO copied FROM '" + root_ + "/landing' FILEFORMAT = JSON COPY_OPTIONS ('mergeSchema' = 'true')";
  EXPECT_EQ(spark.sql(copy).where("num_inserted_rows = 2").count(), 1);
  Land("2.json", "{\"event\":\"buy\"}\n");
  EXPECT_EQ(spark.sql(copy).where("num_inserted_rows = 1").count(), 1);
  EXPECT_EQ(spark.sql(copy).where("num_inserted_rows = 0").count(), 1);
  EXPECT_EQ(spark.table("copied").count(), 3);
  EXPECT_EQ(spark.sql("SELECT * FROM copy_into_state('copied') WHERE ingestion_state = 'LOADED' AND rows > 0").count(), 2);
}

TEST_F(LibraryTest, ThrowsSparksErrors) {
  SparkSession spark = Spark();
  try {
    spark.table("absent").count();
    FAIL();
  } catch (const SparkException& error) {
    EXPECT_EQ(error.getErrorClass(), "TABLE_OR_VIEW_NOT_FOUND");
    EXPECT_EQ(error.getSqlState(), "42P01");
  }
  EXPECT_THROW(spark.sql("SELECT 1 AS a").orderBy({"a LIMIT 1"}), SparkException);
  EXPECT_THROW(spark.sql("SELECT 1 AS a").write().mode("replace").saveAsTable("t"), SparkException);
}

}  // namespace
}  // namespace millstream::sql
