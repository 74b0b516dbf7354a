#include "session/warehouse.h"

#include <gmock/gmock.h>

#include "base/uuid.h"
#include "session/session_conf.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

using testing::ElementsAre;

class WarehouseTest : public testing::Test {
 protected:
  WarehouseTest() : directory_(JoinPath(testing::TempDir(), "warehouse_" + NewUuid())), warehouse_(Fs::Local(), directory_) {
    EXPECT_TRUE(warehouse_.Create().ok());
  }
  ~WarehouseTest() override { (void)Fs::Local().RemoveRecursively(directory_).ok(); }
  DatabaseEntry Default() { return **warehouse_.FindDatabase("default"); }
  std::string directory_;
  Warehouse warehouse_;
};

TEST_F(WarehouseTest, HasADefaultDatabaseFromTheStart) {
  EXPECT_THAT(*warehouse_.ListDatabases(), ElementsAre("default"));
  EXPECT_EQ(Default().location, directory_);
}

TEST_F(WarehouseTest, DatabasesAndExternalTablesSurviveARestart) {
  ASSERT_TRUE(warehouse_.CreateDatabase({.name = "sales", .location = directory_ + "/else where", .comment = "hello", .properties = {{"a", "b"}}}).ok());
  ASSERT_TRUE(warehouse_
                  .RegisterTable({.database = "sales",
                                  .name = "t",
                                  .is_managed = false,
                                  .provider = "json",
                                  .location = "/in/a b%",
                                  .comment = {},
                                  .schema = StructType({{"id", DataType::Long()}}),
                                  .options = {{"multiLine", "true"}}})
                  .ok());
  Warehouse again(Fs::Local(), directory_);
  EXPECT_THAT(*again.ListDatabases(), ElementsAre("default", "sales"));
  DatabaseEntry database = **again.FindDatabase("sales");
  EXPECT_EQ(database.location, directory_ + "/else where");
  EXPECT_EQ(database.comment, "hello");
  EXPECT_THAT(*again.ListTables(database), ElementsAre("t"));
  TableEntry table = **again.FindTable(database, "t");
  EXPECT_EQ(table.location, "/in/a b%");
  EXPECT_FALSE(table.is_managed);
  EXPECT_EQ(table.schema->size(), 1u);
  EXPECT_EQ(table.options.at("multiline"), "true");
}

TEST_F(WarehouseTest, AManagedDeltaTableIsFoundByItsDirectory) {
  ASSERT_TRUE(Fs::Local().CreateDirectories(directory_ + "/bronze/_delta_log").ok());
  ASSERT_TRUE(Fs::Local().CreateDirectories(directory_ + "/not_a_table").ok());
  EXPECT_THAT(*warehouse_.ListTables(Default()), ElementsAre("bronze"));
  TableEntry table = **warehouse_.FindTable(Default(), "bronze");
  EXPECT_TRUE(table.is_managed);
  ASSERT_TRUE(warehouse_.DropTable(table).ok());
  EXPECT_FALSE(*Fs::Local().Exists(directory_ + "/bronze"));
}

TEST_F(WarehouseTest, DroppingAnExternalTableKeepsItsFiles) {
  const std::string data = directory_ + "/data";
  ASSERT_TRUE(Fs::Local().CreateDirectories(data).ok());
  TableEntry table{.database = "default", .name = "t", .is_managed = false, .provider = "delta", .location = data};
  ASSERT_TRUE(warehouse_.RegisterTable(table).ok());
  EXPECT_TRUE(warehouse_.RegisterTable(table).Is(errors::kFileAlreadyExists));
  ASSERT_TRUE(warehouse_.DropTable(table).ok());
  EXPECT_FALSE(warehouse_.FindTable(Default(), "t")->has_value());
  EXPECT_TRUE(*Fs::Local().Exists(data));
}

TEST_F(WarehouseTest, ADamagedEntryIsAnErrorThatNamesTheFile) {
  ASSERT_TRUE(warehouse_.CreateDatabase({.name = "d", .location = directory_ + "/d.db"}).ok());
  const std::string file = directory_ + "/_millstream/catalog/databases/d.json";
  for (const char* text : {"", "{", "[]", "{}", "{\"version\": 2}"}) {
    ASSERT_TRUE(Fs::Local().Replace(file, text).ok());
    auto found = warehouse_.FindDatabase("d");
    ASSERT_FALSE(found.ok()) << text;
    EXPECT_TRUE(found.status().Is(errors::kCatalogDamaged));
    EXPECT_THAT(found.status().message(), testing::HasSubstr("d.json"));
  }
}

TEST(NormalizeName, LetsNothingThroughThatIsNoFileName) {
  EXPECT_EQ(*NormalizeName("Bronze_1"), "bronze_1");
  for (const char* name : {"", "..", "a/b", "a b", "a.b", "ä"}) EXPECT_TRUE(NormalizeName(name).status().Is(errors::kInvalidName)) << name;
}

TEST(MatchesPattern, IsSparksShowPattern) {
  EXPECT_TRUE(MatchesPattern("bronze", "b*"));
  EXPECT_TRUE(MatchesPattern("bronze", "x|BRON*E"));
  EXPECT_TRUE(MatchesPattern("t1", "t*|x"));
  EXPECT_FALSE(MatchesPattern("bronze", "b"));
  EXPECT_FALSE(MatchesPattern("bronze", ""));
}

TEST(SessionConf, KnowsDefaultsTypesAndWhatMayNotChange) {
  SessionConf conf(std::map<std::string, std::string>{{"spark.sql.warehouse.dir", "file:/w"}});
  EXPECT_EQ(conf.Get("spark.sql.shuffle.partitions"), "200");
  EXPECT_EQ(conf.Get("spark.sql.warehouse.dir"), "file:/w");
  EXPECT_EQ(conf.Get("nope.nope"), std::nullopt);
  EXPECT_TRUE(conf.Set("nope.nope", "1").ok());
  EXPECT_EQ(conf.Get("nope.nope"), "1");
  EXPECT_TRUE(conf.Set("spark.sql.warehouse.dir", "/x").Is(errors::kCannotModifyStaticConfig));
  EXPECT_TRUE(conf.Set("spark.sql.ansi.enabled", "maybe").Is(errors::kInvalidConfType));
  EXPECT_TRUE(conf.Set("spark.sql.shuffle.partitions", "abc").Is(errors::kInvalidConfType));
  EXPECT_TRUE(conf.Set("spark.sql.session.timeZone", "Nowhere/Bad").Is(errors::kInvalidConfTimeZone));
  EXPECT_TRUE(conf.Set("spark.sql.streaming.pollingDelay", "2s").ok());
  EXPECT_EQ(conf.GetInt("spark.sql.streaming.pollingDelay"), 2000);
  conf.Unset("nope.nope");
  EXPECT_EQ(conf.Get("nope.nope"), std::nullopt);
  EXPECT_TRUE(SessionConf::IsModifiable("spark.sql.shuffle.partitions"));
  EXPECT_FALSE(SessionConf::IsModifiable("spark.sql.warehouse.dir"));
}

}  // namespace
}  // namespace millstream
