"""delta.tables.DeltaTable over Connect, with delta-spark's own client; nothing is tested where that is not installed."""
import os

import harness
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F

try:
    from delta.connect.tables import DeltaTable
except ImportError:
    DeltaTable = None


def rows(frame):
    return sorted(tuple(row) for row in frame.collect())


def people(spark, name, **properties):
    set_ = ", ".join(f"'{key.replace('_', '.')}' = '{value}'" for key, value in properties.items())
    spark.sql(f"CREATE TABLE {name} (id BIGINT, v STRING, n INT)" + (f" TBLPROPERTIES ({set_})" if set_ else ""))
    spark.sql(f"INSERT INTO {name} SELECT id, 'a' || id, cast(id AS INT) FROM range(4)")
    return DeltaTable.forName(spark, name)


def test_delete_and_update_say_how_many(server, spark):
    table = people(spark, "changed")
    assert rows(table.delete("id = 3")) == [(1,)]
    assert rows(table.update("id > 0", {"v": "concat(v, '!')", "n": F.col("n") * 10})) == [(2,)]
    assert rows(table.toDF()) == [(0, "a0", 0), (1, "a1!", 10), (2, "a2!", 20)]
    assert rows(table.update(set={"v": F.lit("x")})) == [(3,)]
    assert rows(table.delete(F.col("n") == 10)) == [(1,)]
    assert rows(table.alias("t").delete("t.n = 20")) == [(1,)]
    assert rows(table.toDF().select("id")) == [(0,)]
    assert rows(table.delete()) == [(1,)]
    assert [row.operation for row in table.history(2).collect()] == ["DELETE", "DELETE"]
    harness.raises(AnalysisException, lambda: table.delete("nope = 1"), "[UNRESOLVED_COLUMN.WITH_SUGGESTION]")


def test_merge_with_each_kind_of_clause(server, spark):
    table = people(spark, "merged")
    source = spark.createDataFrame([(1, "one", 100), (2, "two", 200), (9, "nine", 900)], "id BIGINT, v STRING, n INT")
    result = (table.alias("t").merge(source.alias("s"), "t.id = s.id")
              .whenMatchedDelete("s.n = 200")
              .whenMatchedUpdate("s.n < 200", {"v": "s.v", "t.n": F.col("s.n") + F.col("t.n")})
              .whenNotMatchedInsert("s.id > 5", {"id": "s.id", "v": F.upper("s.v")})
              .whenNotMatchedBySourceUpdate("t.id = 0", {"v": F.lit("alone")})
              .whenNotMatchedBySourceDelete().execute())
    assert rows(result) == [(5, 2, 2, 1)], rows(result)
    assert rows(table.toDF().where("n IS NOT NULL")) == [(0, "alone", 0), (1, "one", 101)]
    assert rows(table.toDF().where("n IS NULL").select("id", "v")) == [(9, "NINE")]
    (table.alias("t").merge(source.alias("s"), F.col("t.id") == F.col("s.id")).whenMatchedUpdateAll().whenNotMatchedInsertAll().execute())
    assert rows(table.toDF()) == [(0, "alone", 0), (1, "one", 100), (2, "two", 200), (9, "nine", 900)]
    twice = spark.createDataFrame([(1, "x", 1), (1, "y", 2)], "id BIGINT, v STRING, n INT")
    harness.raises(PySparkException, lambda: table.alias("t").merge(twice.alias("s"), "t.id = s.id").whenMatchedUpdateAll().execute(),
                   "[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE]")


def test_merge_by_columns_of_the_data_frames(server, spark):
    table = people(spark, "framed")
    source = spark.createDataFrame([(1, "one"), (7, "seven")], "id BIGINT, w STRING")
    target = table.toDF()
    (table.merge(source, target["id"] == source["id"]).whenMatchedUpdate(set={"v": source["w"]})
     .whenNotMatchedInsert(values={"id": source["id"], "v": source["w"]}).execute())
    assert rows(table.toDF().select("id", "v")) == [(0, "a0"), (1, "one"), (2, "a2"), (3, "a3"), (7, "seven")]


def test_merge_may_add_columns(server, spark):
    table = people(spark, "evolved")
    source = spark.createDataFrame([(1, "one", 5, "extra")], "id BIGINT, v STRING, n INT, e STRING")
    table.alias("t").merge(source.alias("s"), "t.id = s.id").withSchemaEvolution().whenMatchedUpdateAll().execute()
    assert table.toDF().columns == ["id", "v", "n", "e"]
    assert rows(table.toDF().where("e IS NOT NULL")) == [(1, "one", 5, "extra")]


def test_tables_by_path_history_detail_and_is_delta_table(server, spark):
    path = os.path.join(server.directory, "by_path")
    assert not DeltaTable.isDeltaTable(spark, path)
    spark.range(3).write.format("delta").save(path)
    assert DeltaTable.isDeltaTable(spark, path)
    table = DeltaTable.forPath(spark, path)
    table.update("id = 2", {"id": "id + 10"})
    assert rows(table.toDF()) == [(0,), (1,), (12,)]
    detail = table.detail().collect()[0]
    assert detail.format == "delta" and detail.location == "file:" + path and detail.numFiles >= 1
    assert [row.version for row in table.history().collect()] == [1, 0]
    harness.raises(AnalysisException, lambda: DeltaTable.forPath(spark, path + "_no").toDF().collect(), "[DELTA_MISSING_DELTA_TABLE]")
    harness.raises(AnalysisException, lambda: DeltaTable.forName(spark, "no_such").delete(), "[TABLE_OR_VIEW_NOT_FOUND]")


def test_tables_are_created(server, spark):
    table = (DeltaTable.create(spark).tableName("built").addColumn("id", "BIGINT", nullable=False).addColumn("name", "STRING", comment="who")
             .addColumn("day", "DATE").partitionedBy("day").comment("built here").property("delta.enableChangeDataFeed", "true").execute())
    assert rows(table.toDF()) == []
    detail = table.detail().collect()[0]
    assert detail.partitionColumns == ["day"] and detail.description == "built here" and detail.properties["delta.enableChangeDataFeed"] == "true"
    assert spark.table("built").schema["id"].nullable is False or spark.table("built").schema["name"].metadata == {"comment": "who"}
    harness.raises(AnalysisException, lambda: DeltaTable.create(spark).tableName("built").addColumn("id", "BIGINT").execute(), "ALREADY_EXISTS")
    DeltaTable.createIfNotExists(spark).tableName("built").addColumn("id", "BIGINT").execute()
    DeltaTable.replace(spark).tableName("built").addColumn("x", "INT").execute()
    assert spark.table("built").columns == ["x"]
    harness.raises(AnalysisException, lambda: DeltaTable.replace(spark).tableName("absent").addColumn("x", "INT").execute(),
                   "[DELTA_CANNOT_REPLACE_MISSING_TABLE]")
    path = os.path.join(server.directory, "built_by_path")
    DeltaTable.createOrReplace(spark).location(path).addColumns(spark.range(1).schema).execute()
    assert DeltaTable.isDeltaTable(spark, path)
    table.addFeatureSupport("changeDataFeed")


def test_what_is_not_supported_says_so(server, spark):
    table = people(spark, "refusing")
    for call in (lambda: table.vacuum(), lambda: table.optimize().executeCompaction(), lambda: table.restoreToVersion(0), lambda: table.generate("x"),
                 lambda: table.clone(os.path.join(server.directory, "clone")), lambda: table.upgradeTableProtocol(3, 7)):
        harness.raises(PySparkException, call, "UNSUPPORTED")


def test_foreach_batch_with_merge_is_exactly_once(server, spark):
    people(spark, "upserted", delta_enableChangeDataFeed="true")
    landing = os.path.join(server.directory, "upserts")
    os.makedirs(landing)
    for number in range(2):
        with open(os.path.join(landing, f"{number}.json"), "w") as out:
            out.write('{"id": 1, "v": "b%d", "n": %d}\n{"id": %d, "v": "new", "n": 0}\n' % (number, number, 10 + number))

    def upsert(frame, batch):
        from delta.connect.tables import DeltaTable
        (DeltaTable.forName(frame.sparkSession, "upserted").alias("t").merge(frame.alias("s"), "t.id = s.id")
         .whenMatchedUpdateAll().whenNotMatchedInsertAll().execute())

    stream = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.maxFilesPerTrigger", 1)
              .schema("id BIGINT, v STRING, n INT").load(landing))
    query = stream.writeStream.foreachBatch(upsert).trigger(availableNow=True).start()
    assert query.awaitTermination(60)
    assert rows(spark.table("upserted").where("id IN (1, 10, 11)").select("id", "v")) == [(1, "b1"), (10, "new"), (11, "new")]
    changes = spark.sql("SELECT _change_type, count(*) AS c FROM table_changes('upserted', 2) GROUP BY 1")
    assert rows(changes) == [("insert", 2), ("update_postimage", 2), ("update_preimage", 2)]


if __name__ == "__main__":
    if DeltaTable is None:
        print("delta-spark is not installed\ntests: 0 passed, 0 failed")
    else:
        harness.main(globals())
