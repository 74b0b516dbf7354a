#!/usr/bin/env python3
"""The schema of a stream: why its versions are there, how it goes back, what may change where; and rescued data that becomes columns."""
import json
import os
import subprocess
import tempfile

from harness import main, raises


def write(path, *rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as f:
        f.writelines(row + "\n" if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    os.rename(path + ".part", path)


def load(spark, base, table, kind="json", **options):
    """Until all is loaded: a new column ends the query once. What has ended it."""
    ends = []
    for _ in range(5):
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", kind).option("cloudFiles.schemaLocation", base + "/schema")
        for name, value in options.items():
            reader = reader.option(name if name in ("header", "mergeSchema") else "cloudFiles." + name, value)
        query = (reader.load(base + "/in").writeStream.option("checkpointLocation", base + "/cp").option("mergeSchema", True).trigger(availableNow=True).toTable(table))
        try:
            query.awaitTermination()
            return ends
        except Exception as error:
            ends.append(str(error))
    raise AssertionError(ends)


def versions(spark, place):
    return spark.sql(f"SELECT * FROM cloud_files_schemas('{place}') ORDER BY version").collect()


def revert(spark, place, more):
    return spark.sql(f"REVERT SCHEMA OF STREAM '{place}' {more}").first()


def test_each_version_says_its_cause(server, spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    load(spark, base, "caused")
    for i in range(5):
        write(f"{base}/in/b{i}.json", {"id": 2, **({"user": {"age": 1}} if i == 3 else {})})
    load(spark, base, "caused")
    first, second = versions(spark, base + "/cp")
    assert (first.mode, first.cause_file, first.added, first.schema) == ("inferred", None, None, "id STRING"), first
    assert second.cause_file == f"file://{base}/in/b3.json" and second.mode == "addNewColumns" and second.batch_id == 1, second
    assert second.added == "user STRUCT<age: STRING>" and second.schema == "id STRING,user STRUCT<age: STRING>" and second.time is not None, second
    assert versions(spark, base + "/schema") == [first, second]
    raises(Exception, lambda: versions(spark, base + "/in"), "MILLSTREAM_NO_SCHEMA_LOG")
    told = subprocess.run([os.environ["MILLSTREAM"], "files", "schemas", "--stream", base + "/cp", "--format", "json"], capture_output=True, text=True, check=True)
    assert [json.loads(line)["version"] for line in told.stdout.splitlines()] == [0, 1], told.stdout
    raises(Exception, lambda: spark.sql("SELECT * FROM cloud_files_schemas()").collect(), "WRONG_NUM_ARGS")


def test_a_schema_goes_back_and_its_column_stays_out(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    load(spark, base, "reverted")
    write(base + "/in/b.json", {"id": 2, "wreck": "x"})
    load(spark, base, "reverted")
    answer = revert(spark, base + "/cp", "TO VERSION 0 FREEZE")
    assert (answer.version, answer.reverted_to, answer.removed, answer.frozen) == (2, 0, "wreck", "wreck"), answer
    assert "already" in revert(spark, base + "/cp", "TO VERSION 0 FREEZE").note
    write(base + "/in/c.json", {"id": 3, "wreck": "y", "fine": 1})
    ends = load(spark, base, "reverted")
    assert len(ends) == 1 and "[fine]" in ends[0], ends
    rows = {row.id: row for row in spark.table("reverted").collect()}
    assert rows["2"].wreck == "x" and rows["3"].wreck is None and json.loads(rows["3"]._rescued_data)["wreck"] == "y" and rows["3"].fine == "1", rows
    modes = [row.mode for row in versions(spark, base + "/cp")]
    assert modes == ["inferred", "addNewColumns", "reverted to 0", "addNewColumns"], modes
    # Without FREEZE it comes back with the next file that has it; a list freezes what it names.
    answer = revert(spark, base + "/cp", "TO VERSION 1 FREEZE (other, `a.b`.c)")
    assert answer.frozen == "wreck, other, `a.b`.c" and answer.removed == "fine", answer
    write(base + "/in/d.json", {"id": 4, "wreck": "z", "fine": 2, "other": 5})
    load(spark, base, "reverted")
    row = spark.table("reverted").where("id = '4'").first()
    assert row.wreck == "z" and row.fine == "2" and json.loads(row._rescued_data)["other"] in (5, "5"), row
    raises(Exception, lambda: revert(spark, base + "/cp", "TO VERSION 99"), "MILLSTREAM_NO_SCHEMA_VERSION")
    raises(Exception, lambda: revert(spark, base + "/cp", "TO VERSION x"), "PARSE_SYNTAX_ERROR")


def test_what_may_change_where(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1, "amount": 1, "payload": {"k": 1}})
    spark.sql("CREATE TABLE policed (id BIGINT) TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
    options = dict(schemaEvolutionMode="rescue", inferColumnTypes=True, schemaEvolutionPolicy="payload.*: add, payload.secret: freeze, amount: widen, bad: fail")
    load(spark, base, "policed", **options)
    write(base + "/in/b.json", {"id": 12345678901234567890, "amount": 12345678901234567890, "payload": {"k": 2, "l": 3, "secret": 4}, "other": 5})
    ends = load(spark, base, "policed", **options)
    assert len(ends) == 1 and "UNKNOWN_FIELD_EXCEPTION" in ends[0], ends
    row = spark.table("policed").where("amount > 1").first()
    assert int(row.amount) == 12345678901234567890 and row.payload.asDict() == {"k": 2, "l": 3} and row.id is None, row
    rescued = json.loads(row._rescued_data)
    assert rescued["payload"] == {"secret": 4} and rescued["other"] == 5 and "id" in rescued, rescued
    write(base + "/in/c.json", {"id": 3, "bad": 1})
    raises(AssertionError, lambda: load(spark, base, "policed", **options), "[bad]")
    raises(Exception, lambda: load(spark, base, "policed", **{**options, "schemaEvolutionPolicy": "id: freez"}), "did you mean 'freeze'?")
    batch = f"SELECT * FROM read_files('{base}/in', format => 'json', schemaEvolutionPolicy => 'id: freeze')"
    raises(Exception, lambda: spark.sql(batch).collect(), "schemaEvolutionPolicy in a batch read")
    last = versions(spark, base + "/cp")[-1]
    assert last.added == "payload.l BIGINT" and last.widened == "amount BIGINT -> DECIMAL(20,0)", last


def test_a_new_directory_level_is_a_column(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/day=2026-11-30/a.json", {"id": 1})
    load(spark, base, "levels", inferColumnTypes=True)
    write(base + "/in/day=2026-12-01/hour=7/b.json", {"id": 2})
    ends = load(spark, base, "levels", inferColumnTypes=True)
    assert len(ends) == 1 and "[hour]" in ends[0], ends
    write(base + "/in/day=2026-12-01/hour=8/c.json", {"id": 3})
    assert load(spark, base, "levels", inferColumnTypes=True, schemaEvolutionMode="addNewColumnsWithoutRestart") == []
    write(base + "/in/day=2026-12-01/hour=8/minute=5/d.json", {"id": 4})
    assert load(spark, base, "levels", inferColumnTypes=True, schemaEvolutionMode="addNewColumnsWithoutRestart") == []
    rows = [(row.id, str(row.day), row.hour, row.minute) for row in spark.table("levels").orderBy("id").collect()]
    assert rows == [(1, "2026-11-30", None, None), (2, "2026-12-01", 7, None), (3, "2026-12-01", 8, None), (4, "2026-12-01", 8, 5)], rows
    write(base + "/in/day=2026-12-01/second=5/e.json", {"id": 5})
    assert load(spark, base, "levels", inferColumnTypes=True, schemaEvolutionMode="rescue") == []
    assert "second" not in spark.table("levels").columns


def test_rescued_data_becomes_columns(spark):
    base = tempfile.mkdtemp()
    options = dict(schemaEvolutionMode="rescue", inferColumnTypes=True)
    write(base + "/in/0.json", {"id": 0}, {"id": 10})
    load(spark, base, "promoted", **options)
    for i in (1, 2):
        write(f"{base}/in/{i}.json", {"id": i}, {"id": 10 + i, "amount": i + 0.5, "note": f"n{i}", "more": [1]})
    write(base + "/in/3.json", {"id": 3, "amount": "much"})
    load(spark, base, "promoted", maxFilesPerTrigger=1, **options)
    assert spark.table("promoted").columns == ["id", "_rescued_data"]
    answer = spark.sql("PROMOTE RESCUED (amount DOUBLE, note STRING) IN promoted").first()
    rows = {row.id: row for row in spark.table("promoted").collect()}
    assert len(rows) == 7, rows
    assert (answer.num_affected_files, answer.num_promoted_rows) == (2, 2), answer
    assert [rows[i].amount for i in (10, 11, 12)] == [None, 1.5, 2.5] and rows[12].note == "n2", rows
    assert "amount" not in json.loads(rows[11]._rescued_data) and json.loads(rows[11]._rescued_data)["more"] == [1], rows
    assert json.loads(rows[3]._rescued_data)["amount"] == "much" and rows[3].amount is None, rows
    again = spark.sql("PROMOTE RESCUED (amount DOUBLE, note STRING) IN promoted FROM _rescued_data").first()
    assert (again.num_affected_files, again.num_promoted_rows) == (0, 0), again
    history = spark.sql("DESCRIBE HISTORY promoted LIMIT 1").first()
    assert history.operation == "PROMOTE RESCUED" and history.operationMetrics["numPromotedRows"] == "2", history
    assert spark.sql("PROMOTE RESCUED (amount DOUBLE) IN promoted").first().num_promoted_rows == 0
    # Files are still known by their rows.
    spark.sql(f"UNDO FILES IN STREAM '{base}/cp' WHERE path LIKE '%/1.json'")
    load(spark, base, "promoted", **options)
    assert sorted(row.id for row in spark.table("promoted").collect()) == [0, 2, 3, 10, 12]
    raises(Exception, lambda: spark.sql("PROMOTE RESCUED (a INT) IN promoted FROM id").collect(), "MILLSTREAM_NO_RESCUED_DATA_COLUMN")
    raises(Exception, lambda: spark.sql("PROMOTE RESCUED (a NOTYPE) IN promoted").collect(), "NOTYPE")
    raises(Exception, lambda: spark.sql("PROMOTE RESCUED () IN promoted").collect(), "PARSE_SYNTAX_ERROR")


def test_other_readers_see_what_was_promoted(spark):
    try:
        from deltalake import DeltaTable
    except ImportError:
        return
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": "1"})
    load(spark, base, "seen", schemaEvolutionMode="rescue")
    write(base + "/in/b.json", {"id": "2", "n": 7}, {"id": "3"})
    load(spark, base, "seen", schemaEvolutionMode="rescue")
    spark.sql("ALTER TABLE seen SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    spark.sql("PROMOTE RESCUED (n INT) IN seen")
    location = spark.sql("DESCRIBE DETAIL seen").first().location.removeprefix("file://").removeprefix("file:")
    rows = sorted((row["id"], row["n"]) for row in DeltaTable(location).to_pyarrow_table().to_pylist())
    assert rows == [("1", None), ("2", 7), ("3", None)] and sorted((row.id, row.n) for row in spark.table("seen").collect()) == rows, rows


def test_types_of_csv_are_those_of_spark(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.csv", "i,d,b,t,s", "1,1.5,true,2026-11-30,x", "2,2,false,2026-12-01,")
    load(spark, base, "typed", "csv", inferColumnTypes=True, header=True)
    batch = spark.read.option("header", True).option("inferSchema", True).csv(base + "/in").schema
    stream = {field.name: field.dataType for field in spark.table("typed").schema.fields if field.name != "_rescued_data"}
    assert stream == {field.name: field.dataType for field in batch.fields}, (stream, batch)
    write(base + "/in/b.csv", "i,d,b,t,s,more", "x,1.5,true,2026-11-30,x,5")
    load(spark, base, "typed", "csv", inferColumnTypes=True, header=True)
    row = spark.table("typed").where("more = 5").first()
    assert row.i is None and json.loads(row._rescued_data)["i"] == "x", row


def bad_lines(path, kind):
    found = []
    for folder, _, names in sorted(os.walk(path)):
        for name in names:
            if os.path.basename(folder) == kind:
                assert len(os.path.basename(os.path.dirname(folder))) == len("20261130T120000"), folder
                with open(os.path.join(folder, name)) as f:
                    found += [json.loads(line) for line in f]
    return found


def test_bad_records_go_to_their_path(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", '{"id": 1}', '{"id": ', '{"id": 2}', "no json")
    frame = spark.read.option("badRecordsPath", base + "/bad").schema("id INT").json(base + "/in")
    assert sorted(row.id for row in frame.collect()) == [1, 2]
    lines = bad_lines(base + "/bad", "bad_records")
    assert sorted(line["record"] for line in lines) == ["no json", '{"id": '] and all(line["path"].endswith("/in/a.json") and line["reason"] for line in lines), lines
    raises(Exception, lambda: spark.read.option("badRecordsPath", base + "/bad").option("mode", "FAILFAST").schema("id INT").json(base + "/in").collect(), "FAILFAST")
    with open(base + "/in/b.json.gz", "wb") as f:
        f.write(b"no gzip")
    query = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("badRecordsPath", base + "/streamed").schema("id INT").load(base + "/in")
             .writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("with_bad"))
    query.awaitTermination()
    assert sorted(row.id for row in spark.table("with_bad").collect()) == [1, 2]
    assert len(bad_lines(base + "/streamed", "bad_records")) == 2
    files = bad_lines(base + "/streamed", "bad_files")
    assert [os.path.basename(line["path"]) for line in files] == ["b.json.gz"] and "record" not in files[0], files
    os.remove(base + "/in/b.json.gz")
    assert len(spark.sql(f"SELECT id FROM read_files('{base}/in', format => 'json', schema => 'id INT', badRecordsPath => '{base}/read')").collect()) == 2
    assert len(bad_lines(base + "/read", "bad_records")) == 2
    raises(Exception, lambda: spark.sql(f"SELECT * FROM STREAM read_files('{base}/in', format => 'json', quarantineTable => 'q', badRecordsPath => '/x')").schema, "leave one of the two out")


def test_bad_records_are_not_kept_where_they_would_be_loaded(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", '{"id": 1}', "no json")
    spark.sql("CREATE TABLE not_of_itself (id INT)")

    def copy(bad, **options):
        named = "".join(f", '{name}' = '{value}'" for name, value in options.items())
        return spark.sql(f"COPY INTO not_of_itself FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('badRecordsPath' = '{bad}'{named}) COPY_OPTIONS ('force' = 'true')").collect()

    def stream(kind, bad, path="/in", **options):
        return spark.readStream.format(kind).options(**options).option("badRecordsPath", bad).schema("id INT").load(base + path).schema

    auto = {"cloudFiles.format": "json"}
    for bad in ("/in", "/in/bad", "/in/x/../bad/"):
        raises(Exception, lambda: stream("cloudFiles", base + bad, **auto), "badRecordsPath", "below the load path")
        raises(Exception, lambda: stream("json", base + bad, recursiveFileLookup=True), "badRecordsPath", "below the load path")
        raises(Exception, lambda: copy(base + bad, recursiveFileLookup=True), "badRecordsPath", "below the load path")
    for bad in ("/in/_bad", "/in/x/.bad", "/input", "/"):
        stream("cloudFiles", base + bad, **auto)
    stream("cloudFiles", base + "/in/bad", pathGlobFilter="*.json", **auto)
    stream("cloudFiles", base + "/in/bad", path="/in/*.json", **auto)
    # Who reads one directory alone does not find them.
    for _ in range(2):
        assert copy(base + "/in/bad")[0].num_inserted_rows == 1
        assert copy(base + "/in/_bad", recursiveFileLookup=True, pathGlobFilter="a.*")[0].num_inserted_rows == 1


def test_bad_records_of_file_streams_and_of_copy_into(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", '{"id": 1}', '{"id": ', '{"id": "many"}', "no json")
    with open(base + "/in/b.json.gz", "wb") as f:
        f.write(b"no gzip")
    frame = spark.readStream.option("badRecordsPath", base + "/streamed").schema("id INT").json(base + "/in")
    for _ in range(2):
        frame.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("files_with_bad").awaitTermination()
    assert [row.id for row in spark.table("files_with_bad").collect()] == [1]
    assert sorted(line["record"] for line in bad_lines(base + "/streamed", "bad_records")) == ["no json", '{"id": ', '{"id": "many"}']
    assert [os.path.basename(line["path"]) for line in bad_lines(base + "/streamed", "bad_files")] == ["b.json.gz"]

    spark.sql("CREATE TABLE copied_with_bad (id INT)")
    copy = f"COPY INTO copied_with_bad FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('badRecordsPath' = 'file:{base}/copied')"
    assert spark.sql(copy).collect()[0].asDict() == {"num_affected_rows": 1, "num_inserted_rows": 1, "num_skipped_corrupt_files": 1}
    expected = ["no json", '{"id": ', '{"id":"many"}']
    assert sorted(line["record"] for line in bad_lines(base + "/copied", "bad_records")) == expected  # the last one is a row that the table cannot take
    assert [os.path.basename(line["path"]) for line in bad_lines(base + "/copied", "bad_files")] == ["b.json.gz"]
    assert spark.sql("SELECT sum(rejected_rows) FROM copy_into_state('copied_with_bad')").collect()[0][0] == 3
    assert spark.sql(copy).collect()[0].num_affected_rows == 0
    write(base + "/in/c.json", '{"id": 3}', "{")
    assert spark.sql(copy).collect()[0].num_affected_rows == 1
    assert sorted(line["record"] for line in bad_lines(base + "/copied", "bad_records")) == sorted([*expected, "{"])
    raises(Exception, lambda: spark.sql(copy + " COPY_OPTIONS ('maxBadRecords' = '0', 'force' = 'true')").collect(), "MILLSTREAM_TOO_MANY_BAD_RECORDS")
    assert len(bad_lines(base + "/copied", "bad_records")) == 4
    spark.sql(f"COPY INTO copied_with_bad FROM '{base}/in' FILEFORMAT = JSON VALIDATE FORMAT_OPTIONS ('badRecordsPath' = '{base}/none') COPY_OPTIONS ('force' = 'true')").collect()
    assert not os.path.exists(base + "/none")


def test_bad_records_of_files_that_are_replaced(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", '{"id": 1}', "no json")
    write(base + "/in/b.json", '{"id": 2}', "neither", '{"id": "many"}')
    for place, kept in (("FORMAT_OPTIONS ('badRecordsPath' = '%s/replaced')" % base, lambda: sorted(line["record"] for line in bad_lines(base + "/replaced", "bad_records"))),
                        ("COPY_OPTIONS ('quarantineTable' = 'replaced_bad')", lambda: sorted(bytes(row.raw).decode() for row in spark.table("replaced_bad").collect()))):
        write(base + "/in/a.json", '{"id": 1}', "no json")
        spark.sql("CREATE OR REPLACE TABLE replaced (id INT)")
        copy = f"COPY INTO replaced FROM '{base}/in' FILEFORMAT = JSON " + place
        more = copy[:-1] + (", '" if "COPY_OPTIONS" in copy else ") COPY_OPTIONS ('")
        assert spark.sql(copy).first().num_inserted_rows == 2
        assert kept() == ["neither", "no json", '{"id":"many"}'], kept()
        # In the place of what was there: rows and bad records.
        assert spark.sql(more + "replay' = 'true')").first().num_inserted_rows == 2
        assert kept() == ["neither", "no json", '{"id":"many"}'], kept()
        write(base + "/in/a.json", '{"id": 1}', '{"id": 5}', "worse")
        assert spark.sql(more + "changedFiles' = 'replaced')").first().num_inserted_rows == 2
        assert kept() == ["neither", "worse", '{"id":"many"}'], kept()
        # In addition: likewise.
        assert spark.sql(more + "force' = 'true')").first().num_inserted_rows == 3
        assert kept() == sorted(2 * ["neither", "worse", '{"id":"many"}']), kept()
        assert spark.sql(more + "replay' = 'true')").first().num_inserted_rows == 3
        assert kept() == ["neither", "worse", '{"id":"many"}'], kept()
        assert sorted(row.id for row in spark.table("replaced").collect()) == [1, 2, 5]


def test_places_that_bad_records_cannot_be_kept_in(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", '{"id": 1}', "no json")
    spark.sql(f"CREATE TABLE with_bad_inside (id INT) USING delta LOCATION '{base}/table'")

    def copy(bad):
        spark.sql(f"COPY INTO with_bad_inside FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('badRecordsPath' = '{bad}')")

    def stream(kind, bad, name):
        reader = spark.readStream.format(kind).option("cloudFiles.format", "json").option("badRecordsPath", bad).schema("id INT").load(base + "/in")
        reader.writeStream.option("checkpointLocation", base + "/cp_" + name).trigger(availableNow=True).toTable("with_bad_inside").awaitTermination()

    for bad in (base + "/table", base + "/table/bad", base + "/x/../table/_bad"):
        raises(Exception, lambda: copy(bad), "MILLSTREAM_BAD_RECORDS_PATH", "beside the table")
        raises(Exception, lambda: stream("cloudFiles", bad, "auto"), "MILLSTREAM_BAD_RECORDS_PATH", "beside the table")
        raises(Exception, lambda: stream("json", bad, "files"), "MILLSTREAM_BAD_RECORDS_PATH", "beside the table")
    write(base + "/file", "")
    for bad in ("/proc/x/bad", base + "/file/bad"):
        raises(Exception, lambda: copy(bad), "MILLSTREAM_BAD_RECORDS_PATH", "cannot be made")
        raises(Exception, lambda: stream("cloudFiles", bad, "auto"), "MILLSTREAM_BAD_RECORDS_PATH", "cannot be made")
        raises(Exception, lambda: spark.read.option("badRecordsPath", bad).schema("id INT").json(base + "/in").collect(), "MILLSTREAM_BAD_RECORDS_PATH", "cannot be made")
    assert spark.table("with_bad_inside").count() == 0


def test_columns_of_one_name_in_a_file(spark):
    import pyarrow
    import pyarrow.parquet
    base = tempfile.mkdtemp()
    os.makedirs(base + "/in")
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2]), pyarrow.array([3])], names=["a", "A", "b"]), base + "/in/twice.parquet")
    raises(Exception, lambda: spark.read.parquet(base + "/in").collect(), "COLUMN_ALREADY_EXISTS", "`a`", "twice.parquet")
    raises(Exception, lambda: spark.read.schema("a BIGINT, b BIGINT").parquet(base + "/in").collect(), "FAILED_READ_FILE", "2 columns a")
    assert spark.read.schema("b BIGINT").parquet(base + "/in").collect()[0][:] == (3,)
    spark.sql("CREATE TABLE named_twice (a BIGINT, b BIGINT)")
    raises(Exception, lambda: spark.sql(f"COPY INTO named_twice FROM '{base}/in' FILEFORMAT = PARQUET"), "COLUMN_ALREADY_EXISTS")
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        assert spark.read.parquet(base + "/in").collect()[0][:] == (1, 2, 3)
    finally:
        spark.conf.unset("spark.sql.caseSensitive")
    # Auto Loader rescues what is no column.
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").option("cloudFiles.schemaLocation", base + "/cp").load(base + "/in")
    reader.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("rescued_twice").awaitTermination()
    row = spark.table("rescued_twice").collect()[0]
    assert (row.a, row.b, json.loads(row._rescued_data)["A"]) == (1, 3, 2), row


def test_the_streams_of_a_table_are_found_by_its_commits(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    load(spark, base, "found_by_table")
    files = spark.sql("SELECT path, source_id, ingestion_state FROM cloud_files_state(TABLE(found_by_table))").collect()
    assert [tuple(row) for row in files] == [(f"file://{base}/in/a.json", "0", "INGESTED")], files
    events = spark.sql("SELECT event FROM cloud_files_history(TABLE(default.found_by_table)) ORDER BY event").collect()
    assert [row.event for row in events] == ["FOUND", "LOADED"], events
    other = tempfile.mkdtemp()
    write(other + "/in/b.json", {"id": 2})
    load(spark, other, "found_by_table")
    ids = sorted(row.source_id for row in spark.sql("SELECT source_id FROM cloud_files_state(TABLE(found_by_table))").collect())
    assert ids == sorted([base + "/cp/sources/0", other + "/cp/sources/0"]), ids
    # A checkpoint that the conf names is named by the commits, too.
    root = tempfile.mkdtemp()
    spark.conf.set("spark.sql.streaming.checkpointLocation", root)
    try:
        write(base + "/named/c.json", {"id": 3})
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").schema("id INT").load(base + "/named")
        reader.writeStream.queryName("by_conf").trigger(availableNow=True).toTable("found_by_conf").awaitTermination()
    finally:
        spark.conf.unset("spark.sql.streaming.checkpointLocation")
    files = spark.sql("SELECT path, ingestion_state FROM cloud_files_state(TABLE(found_by_conf))").collect()
    assert [tuple(row) for row in files] == [(f"file://{base}/named/c.json", "INGESTED")], files
    assert os.path.isdir(root + "/by_conf/sources/0"), os.listdir(root)
    spark.sql("CREATE TABLE without_streams (id INT)")
    raises(Exception, lambda: spark.sql("SELECT * FROM cloud_files_state(TABLE(without_streams))").collect(), "MILLSTREAM_NO_STREAMS_OF_TABLE")
    raises(Exception, lambda: spark.sql("SELECT * FROM cloud_files_state(TABLE(nowhere_at_all))").collect(), "TABLE_OR_VIEW_NOT_FOUND")


if __name__ == "__main__":
    main(globals())
