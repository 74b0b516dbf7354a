#!/usr/bin/env python3
"""Auto Loader beside the stream itself: read_files, cloud_files_state, cleanSource, columns that come while a stream runs."""
import json
import os
import tempfile
import time

from harness import main, raises
from pyspark.errors import PySparkException


def write(path, *rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    os.utime(path + ".part", (1700000000, 1700000000))
    os.rename(path + ".part", path)


def stream(spark, base, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", base + "/schema")
    for name, value in options.items():
        reader = reader.option("cloudFiles." + name.replace("__", "."), value)
    return reader.load(base + "/in")


def load(frame, base, table, **options):
    writer = frame.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True)
    for name, value in options.items():
        writer = writer.option(name, value)
    query = writer.toTable(table)
    query.awaitTermination()
    return query


def test_read_files_reads_a_directory_with_inferred_types(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/day=2026-01-02/a.json", {"id": 1, "name": "x"}, {"id": 2})
    write(base + "/in/day=2026-01-03/b.json", {"id": 3, "name": "y"})
    frame = spark.sql(f"SELECT * FROM read_files('{base}/in')")
    assert frame.schema.simpleString() == "struct<id:bigint,name:string,_rescued_data:string,day:date>", frame.schema.simpleString()
    assert [row.id for row in frame.orderBy("id").collect()] == [1, 2, 3]
    hinted = spark.sql(f"SELECT id, _metadata.file_name AS file FROM read_files('{base}/in/*/a*', format => 'json', schemaHints => 'id INT') ORDER BY id")
    assert hinted.schema["id"].dataType.simpleString() == "int"
    assert [row.file for row in hinted.collect()] == ["a.json", "a.json"]
    given = spark.sql(f"SELECT * FROM read_files('{base}/in', format => 'json', schema => 'id STRING, name STRING')")
    assert sorted(row.id for row in given.collect()) == ["1", "2", "3"]
    strings = spark.sql(f"SELECT * FROM read_files('{base}/in', format => 'json', inferColumnTypes => false)")
    assert strings.schema["id"].dataType.simpleString() == "string"
    assert spark.sql(f"SELECT count(*) AS n FROM read_files('{base}/in', pathGlobFilter => 'b*')").first().n == 1


def test_read_files_rescues_what_does_not_fit(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1}, {"id": "one", "more": True})
    rows = spark.sql(f"SELECT * FROM read_files('{base}/in', format => 'json', schemaHints => 'id INT')").collect()
    rescued = [row._rescued_data for row in rows if row._rescued_data]
    assert len(rows) == 2 and len(rescued) == 1, rows
    assert json.loads(rescued[0]) == {"id": "one", "_file_path": f"file://{base}/in/a.json"} or "id" in json.loads(rescued[0]), rescued


def test_read_files_says_what_is_wrong(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    os.makedirs(base + "/odd")
    open(base + "/odd/x.dat", "w").write("1")
    for call, *needles in [
            ("read_files()", "WRONG_NUM_ARGS"),
            (f"read_files('{base}/in', '{base}/in')", "WRONG_NUM_ARGS"),
            (f"read_files('{base}/nowhere')", "PATH_NOT_FOUND"),
            (f"read_files('{base}/odd')", "format =>"),
            (f"read_files('{base}/in', fromat => 'json')", "fromat", "Did you mean"),
            (f"read_files('{base}/in', format => 'parket')", "parket"),
            (f"read_files('{base}/in', format => 'json', format => 'csv')", "DOUBLE_NAMED_ARGUMENT"),
            (f"read_files('{base}/in', schema => 'id itn')", "ITN"),
            (f"read_files(concat('{base}', '/in'))", "path"),
            (f"cloud_files_state()", "WRONG_NUM_ARGS"),
            (f"cloud_files_state('{base}/in')", "MILLSTREAM_NO_CLOUD_FILES_STATE"),
            (f"cloud_files_state('{base}/nowhere')", "PATH_NOT_FOUND"),
            (f"cloud_files_state(TABLE(not_there))", "TABLE_OR_VIEW_NOT_FOUND"),
            (f"STREAM range(3)", "STREAM")]:
        raises(Exception, lambda call=call: spark.sql("SELECT * FROM " + call).collect(), *needles)


def test_stream_read_files_is_auto_loader(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    for call in (f"STREAM read_files('{base}/in', format => 'json', schemaLocation => '{base}/schema', maxFilesPerTrigger => 1)",
                 f"STREAM(read_files('{base}/in', format => 'json', schemaLocation => '{base}/schema'))"):
        frame = spark.sql("SELECT id * 10 AS tens FROM " + call)
        assert frame.isStreaming
        load(frame, base, "tens")
        assert [row.tens for row in spark.table("tens").collect()] == [10]
    raises(Exception, lambda: spark.sql(f"SELECT * FROM STREAM read_files('{base}/in', format => 'json')").schema, "schemaLocation")
    raises(Exception, lambda: spark.sql("SELECT * FROM " + call).collect(), "writeStream")


def test_the_state_of_every_file_can_be_queried(spark):
    base = tempfile.mkdtemp()
    for i in range(3):
        write(f"{base}/in/{i}.json", {"id": i})
    query = load(stream(spark, base), base, "states")
    source = query.recentProgress[0]["sources"][0]
    assert source["metrics"]["numFilesOutstanding"] == "0" and source["metrics"]["numBytesOutstanding"] == "0", source
    states = spark.sql(f"SELECT * FROM cloud_files_state('{base}/cp')")
    assert states.columns[:12] == ["path", "size", "create_time", "discovery_time", "processed_time", "commit_time", "archive_time", "archive_mode",
                                   "move_location", "source_id", "flow_name", "ingestion_state"], states.columns
    rows = states.orderBy("path").collect()
    assert [row.path for row in rows] == [f"file://{base}/in/{i}.json" for i in range(3)]
    assert {row.ingestion_state for row in rows} == {"INGESTED"}
    for row in rows:
        assert row.create_time.year == 2023 and row.discovery_time <= row.processed_time <= row.commit_time, row
    grouped = spark.sql(f"SELECT ingestion_state, count(*) AS n, sum(size) AS bytes FROM cloud_files_state('{base}/cp/sources/0') GROUP BY 1").collect()
    assert [(row.n, row.bytes) for row in grouped] == [(3, 30)], grouped


def test_the_state_can_be_queried_while_the_stream_runs(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/0.json", {"id": 0})
    query = stream(spark, base).writeStream.option("checkpointLocation", base + "/cp").toTable("running")
    for i in range(1, 6):
        write(f"{base}/in/{i}.json", {"id": i})
        query.processAllAvailable()
        n = spark.sql(f"SELECT count(*) AS n FROM cloud_files_state('{base}/cp') WHERE ingestion_state = 'INGESTED'").first().n
        assert n == i + 1, (n, i)
    query.stop()


def test_skipped_files_are_told_apart(spark):
    base = tempfile.mkdtemp()
    for i in range(3):
        write(f"{base}/in/{i}.json", {"id": i})
    frame = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").option("ignoreCorruptFiles", True).schema("id BIGINT")
             .load(base + "/in"))
    spark.range(2).coalesce(1).write.parquet(base + "/good")
    good = [name for name in os.listdir(base + "/good") if name.endswith(".parquet")][0]
    os.rename(base + "/good/" + good, base + "/in/9.parquet")
    load(frame, base, "skipping")
    assert spark.table("skipping").count() == 2
    rows = spark.sql(f"SELECT ingestion_state AS s, reason FROM cloud_files_state('{base}/cp') ORDER BY path").collect()
    assert [row.s for row in rows] == ["SKIPPED_CORRUPTED"] * 3 + ["INGESTED"], rows
    assert all(row.reason for row in rows[:3]) and rows[3].reason is None, rows


def test_loaded_files_are_moved_away(spark):
    base = tempfile.mkdtemp()
    for i in range(5):
        write(f"{base}/in/d{i % 2}/{i}.json", {"id": i})
    options = dict(cleanSource="MOVE", cleanSource__moveDestination=base + "/archive", cleanSource__retentionDuration="0 seconds", maxFilesPerTrigger=2,
                   cleanSource__waitForCompletion=True)
    load(stream(spark, base, **options), base, "moved")
    assert spark.table("moved").count() == 5
    assert [len(files) for _, _, files in os.walk(base + "/in")] == [0, 0, 0]
    assert sorted(os.listdir(base + "/archive/d0")) == ["0.json", "2.json", "4.json"]
    rows = spark.sql(f"SELECT archive_mode, move_location FROM cloud_files_state('{base}/cp') ORDER BY path").collect()
    assert rows[0].archive_mode == "MOVE" and rows[0].move_location == f"file://{base}/archive/d0/0.json", rows
    # What is put back is known.
    os.rename(base + "/archive/d0/0.json", base + "/in/d0/0.json")
    load(stream(spark, base, **options), base, "moved")
    assert spark.table("moved").count() == 5


def test_new_columns_do_not_stop_a_stream_that_need_not_restart(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    frame = stream(spark, base, schemaEvolutionMode="addNewColumnsWithoutRestart", inferColumnTypes=True)
    query = (frame.withColumn("file", frame["_metadata.file_name"]).writeStream.option("checkpointLocation", base + "/cp").option("mergeSchema", True)
             .toTable("growing"))
    query.processAllAvailable()
    for i, column in enumerate(["b", "c", "d"]):
        write(f"{base}/in/{column}.json", {"id": i, column: i}, {"id": i, "nested": {column: [i]}})
        query.processAllAvailable()
        assert query.isActive, query.exception()
    query.stop()
    table = spark.table("growing")
    assert set(table.columns) == {"id", "_rescued_data", "file", "b", "c", "d", "nested"}, table.columns
    rows = table.collect()
    assert len(rows) == 7 and not any(row._rescued_data for row in rows), rows
    assert {(row.file, row.d) for row in rows if row.d is not None} == {("d.json", 2)}, rows
    # The next start goes on with it.
    write(base + "/in/e.json", {"id": 9, "d": 9})
    load(stream(spark, base, schemaEvolutionMode="addNewColumnsWithoutRestart", inferColumnTypes=True).selectExpr("id", "d"), base, "growing")
    assert spark.table("growing").where("d = 9").count() == 1


def test_types_become_wider_in_a_table_that_allows_it(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    options = dict(schemaEvolutionMode="addNewColumnsWithTypeWidening", inferColumnTypes=True)
    properties = {"delta.enableTypeWidening": "true", "mergeSchema": True}
    load(stream(spark, base, **options), base, "wider", **properties)
    write(base + "/in/b.json", {"id": 12345678901234567890})
    raises(Exception, lambda: load(stream(spark, base, **options), base, "wider", **properties), "UNKNOWN_FIELD_EXCEPTION", "DECIMAL(20,0)")
    load(stream(spark, base, **options), base, "wider", **properties)
    table = spark.table("wider")
    assert table.schema["id"].dataType.simpleString() == "decimal(20,0)", table.schema
    assert sorted(int(row.id) for row in table.collect()) == [1, 12345678901234567890]
    assert table.where("id = 1").count() == 1 and table.where("id > 5").count() == 1
    assert "typeWidening" in str(spark.sql("DESCRIBE DETAIL wider").first().tableFeatures)


def test_content_and_settling(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    write(base + "/in/b.json", {"id": 1})
    load(stream(spark, base, fileIdentity="content"), base, "once")
    write(base + "/in/c.json", {"id": 1})
    write(base + "/in/d.json", {"id": 2})
    load(stream(spark, base, fileIdentity="content"), base, "once")
    assert sorted(row.id for row in spark.table("once").collect()) == ["1", "2"]
    rows = spark.sql(f"SELECT reason FROM cloud_files_state('{base}/cp') WHERE ingestion_state = 'SKIPPED_DUPLICATE'").collect()
    assert len(rows) == 2 and all(row.reason == f"has the same bytes as file://{base}/in/a.json" for row in rows), rows

    other = tempfile.mkdtemp()
    write(other + "/in/a.json", {"id": 1})
    started = time.monotonic()
    frame = stream(spark, other, settleTime="1 second")
    query = frame.writeStream.option("checkpointLocation", other + "/cp").toTable("settled")
    for i in range(6):  # written to for more than a second
        with open(other + "/in/slow.json", "a") as f:
            f.write('{"id": %d}\n' % i)
        time.sleep(0.25)
    while spark.table("settled").count() < 7 and time.monotonic() - started < 20:
        time.sleep(0.1)
    query.stop()
    assert spark.table("settled").count() == 7, spark.table("settled").collect()


def test_one_setting_lets_reading_and_writing_follow_new_columns(spark):
    """As with delta-spark: schema.autoMerge.enabled is mergeSchema for all writes by name that do not say otherwise."""
    base = tempfile.mkdtemp()
    os.makedirs(base + "/in")
    spark.conf.set("spark.databricks.delta.schema.autoMerge.enabled", "true")

    def run():
        (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", base + "/schema")
         .option("cloudFiles.schemaEvolutionMode", "addNewColumnsWithoutRestart").load(base + "/in").writeStream.option("checkpointLocation", base + "/cp")
         .trigger(availableNow=True).toTable("auto_merged").awaitTermination())

    for name, text in (("a", '{"a": 1}'), ("b", '{"a": 2, "b": 3}')):
        with open(f"{base}/in/{name}.json", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        run()
    assert spark.table("auto_merged").columns == ["a", "_rescued_data", "b"], spark.table("auto_merged").columns
    spark.createDataFrame([("4", 5)], "a STRING, c INT").write.mode("append").saveAsTable("auto_merged")
    assert sorted((row.a, row.b, row.c) for row in spark.table("auto_merged").collect()) == [("1", None, None), ("2", "3", None), ("4", None, 5)]
    try:
        spark.createDataFrame([("4", 5)], "a STRING, d INT").write.mode("append").option("mergeSchema", False).saveAsTable("auto_merged")
        raise AssertionError("the write says no")
    except PySparkException as error:
        assert "A schema mismatch detected" in str(error) or "SCHEMA_MISMATCH" in str(error), error


if __name__ == "__main__":
    main(globals())
