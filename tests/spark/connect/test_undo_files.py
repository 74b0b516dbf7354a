#!/usr/bin/env python3
"""UNDO, REDO and FORGET FILES IN table; replay, changedFiles and fileIdentity of COPY INTO: rows go and come by the file that they were read from."""
import glob
import json
import os
import random
import tempfile
import threading

import pyarrow.parquet as pq
from harness import main, raises
from pyspark.errors import PySparkException

try:
    import pyarrow as pa
    from deltalake import DeltaTable, QueryBuilder
except ImportError:
    DeltaTable = None


def landing():
    return tempfile.mkdtemp(prefix="undo-") + "/in"


def put(path, ids, part="p"):
    """A file of rows; written anew it has another size or time."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": i, "part": f"{part}{i % 3}"}) + "\n" for i in ids)


def made(spark, name, vectors=True, partitioned=False, feed=False):
    properties = {"delta.enableDeletionVectors": vectors, "delta.enableChangeDataFeed": feed}
    text = ", ".join(f"'{key}' = '{str(value).lower()}'" for key, value in properties.items())
    spark.sql(f"CREATE OR REPLACE TABLE {name} (id INT, part STRING) {'PARTITIONED BY (part)' if partitioned else ''} TBLPROPERTIES ({text})")
    return name


def copied(spark, table, source, options=""):
    (row,) = spark.sql(f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON {f'COPY_OPTIONS ({options})' if options else ''}").collect()
    return row.num_inserted_rows


def changed(spark, statement):
    (row,) = spark.sql(statement).collect()
    return row.num_affected_files, row.num_affected_rows


def ids(spark, table):
    return sorted(row.id for row in spark.sql(f"SELECT id FROM {table}").collect())


def agrees_with_delta_rs(spark, table):
    """The reader that knows deletion vectors; the client of 4.1 comes without delta-rs."""
    if DeltaTable is None:
        return
    found = pa.table(QueryBuilder().register("t", DeltaTable(location(spark, table))).execute("SELECT id FROM t").read_all())
    assert sorted(found["id"].to_pylist()) == ids(spark, table)


def states(spark, table):
    return {row.path.rsplit("/", 1)[1]: row.ingestion_state for row in spark.sql(f"SELECT * FROM copy_into_state('{table}')").collect()}


def location(spark, table):
    (row,) = spark.sql(f"DESCRIBE DETAIL {table}").collect()
    return row.location.removeprefix("file:")


def fails(spark, statement, *needles):
    return raises(PySparkException, lambda: spark.sql(statement).collect(), *needles)


TABLES = [(vectors, partitioned) for vectors in (True, False) for partitioned in (True, False)]


def test_rows_leave_and_come_back_with_their_files(spark):
    for number, (vectors, partitioned) in enumerate(TABLES):
        source, table = landing(), made(spark, f"undone_{number}", vectors, partitioned)
        put(source + "/a.json", range(0, 10))
        put(source + "/b.json", range(10, 20))
        put(source + "/c.json", range(20, 25))
        assert copied(spark, table, source) == 25
        result = spark.sql(f"UNDO FILES IN {table} WHERE path LIKE '%/b.json' OR path LIKE '%/c.json'")
        assert result.columns == ["num_affected_files", "num_affected_rows"], result.columns
        assert [tuple(row) for row in result.collect()] == [(2, 15)]
        assert ids(spark, table) == list(range(10))
        assert states(spark, table) == {"a.json": "LOADED", "b.json": "UNDONE", "c.json": "UNDONE"}
        # They are known, and nothing is left to undo.
        assert copied(spark, table, source) == 0
        assert changed(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/b.json'") == (0, 0)
        assert changed(spark, f"REDO FILES IN {table} WHERE path LIKE '%/b.json'") == (1, 10)
        assert ids(spark, table) == list(range(20))
        assert changed(spark, f"redo files in {table} where ingestion_state = 'UNDONE';") == (1, 5)
        assert ids(spark, table) == list(range(25))
        assert changed(spark, f"UNDO FILES IN {table} WHERE rows > 5") == (2, 20)
        assert ids(spark, table) == list(range(20, 25))
        agrees_with_delta_rs(spark, table)
        history = [row.operation for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()]
        assert history[:5] == ["UNDO FILES", "REDO FILES", "REDO FILES", "UNDO FILES", "COPY INTO"], history
        (undo,) = [row for row in spark.sql(f"DESCRIBE HISTORY {table}").collect() if row.version == 2]
        assert undo.operationMetrics["numAffectedFiles"] == "2" and undo.operationMetrics["numDeletedRows"] == "15", undo.operationMetrics
        assert undo.operationParameters["predicate"] == "path LIKE '%/b.json' OR path LIKE '%/c.json'", undo.operationParameters


def test_rows_that_a_user_has_deleted_stay_deleted(spark):
    for number, (vectors, partitioned) in enumerate(TABLES):
        source, table = landing(), made(spark, f"with_deletes_{number}", vectors, partitioned)
        put(source + "/a.json", range(0, 10))
        put(source + "/b.json", range(10, 20))
        copied(spark, table, source)
        spark.sql(f"DELETE FROM {table} WHERE id IN (3, 12, 13)")
        assert changed(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/b.json'") == (1, 8)
        assert ids(spark, table) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        spark.sql(f"DELETE FROM {table} WHERE id < 3")
        assert changed(spark, f"REDO FILES IN {table} WHERE true") == (1, 8)
        assert ids(spark, table) == [4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19]
        spark.sql(f"DELETE FROM {table}")
        assert changed(spark, f"UNDO FILES IN {table} WHERE true") == (2, 0)
        assert changed(spark, f"REDO FILES IN {table} WHERE true") == (2, 0)
        assert ids(spark, table) == []


def test_forgotten_files_are_loaded_again_and_their_rows_stay(spark):
    source, table = landing(), made(spark, "forgetful")
    put(source + "/a.json", range(3))
    copied(spark, table, source)
    assert changed(spark, f"FORGET FILES IN {table} WHERE path LIKE '%/a.json'") == (1, 0)
    assert states(spark, table) == {"a.json": "FORGOTTEN"}
    assert copied(spark, table, source) == 3
    assert ids(spark, table) == [0, 0, 1, 1, 2, 2]
    # All rows of the file go, those of the forgotten load too.
    assert changed(spark, f"UNDO FILES IN {table} WHERE true") == (1, 6)
    assert changed(spark, f"FORGET FILES IN {table} WHERE true") == (1, 0)
    assert copied(spark, table, source) == 3
    assert ids(spark, table) == [0, 1, 2]


def test_wrong_statements_say_what_to_do(spark):
    source, table = landing(), made(spark, "strict")
    put(source + "/a.json", range(3))
    copied(spark, table, source)
    fails(spark, f"UNDO FILES IN {table}", "PARSE_SYNTAX_ERROR")
    fails(spark, f"UNDO FILES IN {table} WHERE nothing = 1", "UNRESOLVED_COLUMN", "`path`")
    fails(spark, "UNDO FILES IN no_such_table WHERE true", "TABLE_OR_VIEW_NOT_FOUND")
    spark.sql("CREATE TABLE never_loaded (id INT)")
    fails(spark, "UNDO FILES IN never_loaded WHERE true", "MILLSTREAM_TABLE_HAS_LOADED_NO_FILES", "IN STREAM")
    assert changed(spark, f"UNDO FILES IN {table} WHERE path = 'no such file'") == (0, 0)
    fails(spark, f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('changedFiles' = 'perhaps')", "changedFiles", "replaced")
    fails(spark, f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('replay' = 'true', 'force' = 'true')", "force")
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.appendOnly' = 'true')")
    fails(spark, f"UNDO FILES IN {table} WHERE true", "DELTA_CANNOT_MODIFY_APPEND_ONLY")
    assert ids(spark, table) == [0, 1, 2]


def test_rows_that_others_have_written_anew_are_not_undone_in_part(spark):
    source, table = landing(), made(spark, "rewritten", vectors=False)
    put(source + "/a.json", range(4))
    put(source + "/b.json", range(10, 14))
    copied(spark, table, source)
    spark.sql(f"UPDATE {table} SET part = 'x' WHERE id = 2")
    error = fails(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/a.json'", "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE", "a.json", "version 2", "_metadata.file_path")
    assert ids(spark, table) == [0, 1, 2, 3, 10, 11, 12, 13], error
    # What the UPDATE has copied as it was is still known to be of its file.
    assert changed(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/b.json'") == (1, 4)
    if DeltaTable is None:
        return
    table = made(spark, "compacted", vectors=False)
    copied(spark, table, source)
    put(source + "/c.json", range(20, 24))
    copied(spark, table, source)
    DeltaTable(location(spark, table)).optimize.compact()
    fails(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/c.json'", "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE", "c.json")
    assert len(ids(spark, table)) == 12


def test_files_that_were_vacuumed_cannot_come_back(spark):
    if DeltaTable is None:
        return
    source, table = landing(), made(spark, "vacuumed", vectors=False)
    put(source + "/a.json", range(4))
    copied(spark, table, source)
    spark.sql(f"UNDO FILES IN {table} WHERE true")
    DeltaTable(location(spark, table)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    fails(spark, f"REDO FILES IN {table} WHERE true", "MILLSTREAM_FILES_CANNOT_COME_BACK", "a.json", "replay")
    assert copied(spark, table, source, "'replay' = 'true'") == 4
    assert ids(spark, table) == [0, 1, 2, 3]
    assert states(spark, table) == {"a.json": "LOADED"}


def test_replay_puts_new_rows_in_the_place_of_old_ones(spark):
    for number, (vectors, partitioned) in enumerate(TABLES):
        source, table = landing(), made(spark, f"replayed_{number}", vectors, partitioned)
        put(source + "/a.json", range(4))
        put(source + "/b.json", range(10, 14))
        copied(spark, table, source)
        put(source + "/a.json", [0, 100])
        commits = len(spark.sql(f"DESCRIBE HISTORY {table}").collect())
        assert copied(spark, table, source) == 0
        (row,) = spark.sql(f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON FILES = ('a.json') COPY_OPTIONS ('replay' = 'true')").collect()
        assert row.num_inserted_rows == 2
        assert ids(spark, table) == [0, 10, 11, 12, 13, 100]
        history = spark.sql(f"DESCRIBE HISTORY {table}").collect()
        assert len(history) == commits + 1 and history[0].operation == "COPY INTO", history
        assert history[0].operationMetrics["numDeletedRows"] == "4", history[0].operationMetrics
        assert changed(spark, f"UNDO FILES IN {table} WHERE path LIKE '%/a.json'") == (1, 2)
        assert copied(spark, table, source, "'replay' = 'true'") == 6
        assert ids(spark, table) == [0, 10, 11, 12, 13, 100]


def test_changed_files(spark):
    rng = random.Random(11)
    for number, (vectors, partitioned) in enumerate(TABLES):
        source = landing()
        replaced, appended = made(spark, f"replaced_{number}", vectors, partitioned), made(spark, f"appended_{number}", vectors, partitioned)
        content = {}
        for file in range(200):
            content[file] = [file * 100 + i for i in range(rng.randint(1, 5))]
            put(f"{source}/{file:03}.json", content[file])
        everything = sorted(i for rows in content.values() for i in rows)
        for table in (replaced, appended):
            assert copied(spark, table, source, "'changedFiles' = 'replaced'") == len(everything)
        doubled = list(everything)
        for _ in range(3):
            for file in rng.sample(range(200), 2):  # one in a hundred
                content[file] = [file * 100 + i for i in range(rng.randint(6, 9))]
                put(f"{source}/{file:03}.json", content[file])
                doubled += content[file]
            copied(spark, replaced, source, "'changedFiles' = 'replaced'")
            copied(spark, appended, source, "'changedFiles' = 'appended'")
            assert copied(spark, replaced, source, "'changedFiles' = 'replaced'") == 0
        reloaded = made(spark, f"reloaded_{number}", vectors, partitioned)
        copied(spark, reloaded, source)
        assert ids(spark, replaced) == ids(spark, reloaded) == sorted(i for rows in content.values() for i in rows)
        assert ids(spark, appended) == sorted(doubled)
        # A file that was loaded twice leaves with all its rows.
        files, gone = changed(spark, f"UNDO FILES IN {appended} WHERE true")
        assert (files, gone) == (200, len(doubled)) and ids(spark, appended) == []


def test_the_same_bytes_under_another_name(spark):
    source, table = landing(), made(spark, "by_content")
    put(source + "/a.json", range(3))
    assert copied(spark, table, source, "'fileIdentity' = 'content'") == 3
    put(source + "/again.json", range(3))
    put(source + "/new.json", range(5, 7))
    put(source + "/new-again.json", range(5, 7))
    assert copied(spark, table, source, "'fileIdentity' = 'content'") == 2
    assert ids(spark, table) == [0, 1, 2, 5, 6]
    found = states(spark, table)
    assert found["again.json"] == "DUPLICATE" and sorted([found["new.json"], found["new-again.json"]]) == ["DUPLICATE", "LOADED"], found
    assert copied(spark, table, source) == 0
    fails(spark, f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('fileIdentity' = 'name')", "fileIdentity", "content")


def test_a_statement_that_combines_rows_leaves_no_trace(spark):
    source, table = landing(), "combined"
    put(source + "/a.json", [1, 1, 2])
    spark.sql(f"CREATE OR REPLACE TABLE {table} (id BIGINT)")
    distinct = f"COPY INTO {table} FROM (SELECT DISTINCT id FROM '{source}') FILEFORMAT = JSON"
    spark.sql(distinct).collect()
    fails(spark, f"UNDO FILES IN {table} WHERE true", "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE", "combines rows")
    fails(spark, distinct + " COPY_OPTIONS ('replay' = 'true')", "MILLSTREAM_UNSUPPORTED", "row by row")
    # One that goes row by row does, whatever it makes of a row.
    spark.sql(f"CREATE OR REPLACE TABLE {table} (id BIGINT, twice STRING)")
    spark.sql(f"COPY INTO {table} FROM (SELECT explode(array(id, id * 10)) AS id, upper(part) AS twice FROM '{source}' WHERE id > 1) FILEFORMAT = JSON").collect()
    assert ids(spark, table) == [2, 20]
    assert changed(spark, f"UNDO FILES IN {table} WHERE true") == (1, 2)


def test_the_change_feed_tells_of_it(spark):
    for number, vectors in enumerate((True, False)):
        source, table = landing(), made(spark, f"fed_{number}", vectors, feed=True)
        put(source + "/a.json", range(3))
        put(source + "/b.json", range(10, 12))
        copied(spark, table, source)
        spark.sql(f"UNDO FILES IN {table} WHERE path LIKE '%/b.json'")
        spark.sql(f"REDO FILES IN {table} WHERE true")
        put(source + "/a.json", [7])
        copied(spark, table, source, "'changedFiles' = 'replaced'")
        feed = spark.read.option("readChangeFeed", True).option("startingVersion", 2).table(table).collect()
        told = sorted((row._commit_version, row._change_type, row.id) for row in feed)
        assert told == [(2, "delete", 10), (2, "delete", 11), (3, "insert", 10), (3, "insert", 11), (4, "delete", 0), (4, "delete", 1), (4, "delete", 2),
                        (4, "insert", 7)], told


def test_streams_write_it_down_too(spark):
    source = landing()
    put(source + "/a.json", range(3))
    put(source + "/b.json", range(10, 12))
    for number, options in enumerate(({"format": "cloudFiles", "cloudFiles.format": "json"}, {"format": "json"})):
        base = tempfile.mkdtemp(prefix="undo-stream-")
        reader = spark.readStream.schema("id INT, part STRING").format(options.pop("format"))
        for key, value in options.items():
            reader = reader.option(key, value)
        query = (reader.load(source).where("id <> 1").writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True)
                 .start(base + "/t", format="delta"))
        query.awaitTermination()
        assert query.exception() is None, query.exception()
        assert len(glob.glob(base + "/t/*.parquet")) >= 1
        for file in glob.glob(base + "/t/*.parquet"):
            assert b"millstream.source_files" in pq.read_metadata(file).metadata, number
        assert sorted(row.id for row in spark.read.format("delta").load(base + "/t").collect()) == [0, 2, 10, 11]
        # A stream that combines rows does not.
        query = (spark.readStream.schema("id INT, part STRING").json(source).groupBy("part").count().writeStream.outputMode("complete")
                 .option("checkpointLocation", base + "/cp2").trigger(availableNow=True).start(base + "/t2", format="delta"))
        query.awaitTermination()
        assert query.exception() is None, query.exception()
        for file in glob.glob(base + "/t2/*.parquet"):
            assert b"millstream.source_files" not in (pq.read_metadata(file).metadata or {})


class Model:
    """What the statements mean, one file at a time."""

    def __init__(self):
        self.content, self.rows, self.undone, self.state = {}, {}, {}, {}

    def copy(self, replay=False):
        for file, rows in self.content.items():
            state = self.state.get(file)
            if state in ("LOADED", "UNDONE") and not replay:
                continue
            self.rows[file] = list(rows) + (self.rows.get(file, []) if state == "FORGOTTEN" else [])
            self.state[file] = "LOADED"

    def delete(self, keep):
        for file in self.rows:
            self.rows[file] = [i for i in self.rows[file] if keep(i)]

    def change(self, verb, files):
        for file in files:
            state = self.state.get(file)
            if verb == "UNDO" and state == "LOADED":
                self.undone[file], self.rows[file], self.state[file] = self.rows[file], [], "UNDONE"
            elif verb == "REDO" and state == "UNDONE":
                self.rows[file], self.state[file] = self.undone[file], "LOADED"
            elif verb == "FORGET" and state is not None:
                self.state[file] = "FORGOTTEN"

    def ids(self):
        return sorted(i for rows in self.rows.values() for i in rows)


def test_any_sequence_does_what_it_says(spark):
    for number, (vectors, partitioned) in enumerate(TABLES):
        rng = random.Random(number * 1000 + int(os.environ.get("UNDO_SEED", "5")))
        source, table, model = landing(), made(spark, f"sequence_{number}", vectors, partitioned), Model()
        steps = []
        for _ in range(int(os.environ.get("UNDO_STEPS", "32"))):
            what = rng.choice(["COPY", "COPY", "COPY", "UNDO", "UNDO", "UNDO", "REDO", "REDO", "FORGET", "DELETE", "REPLAY"])
            if what == "COPY":
                for _ in range(rng.randint(0, 3)):
                    file = len(model.content)
                    model.content[file] = [file * 100 + i for i in range(rng.randint(1, 12))]
                    put(f"{source}/f{file}.json", model.content[file])
            if what in ("COPY", "REPLAY") and model.content:
                copied(spark, table, source, "'replay' = 'true'" if what == "REPLAY" else "")
                model.copy(what == "REPLAY")
            elif what == "DELETE":
                factor, rest = rng.randint(2, 9), rng.randint(0, 8)
                spark.sql(f"DELETE FROM {table} WHERE id % {factor} = {rest}")
                model.delete(lambda i: i % factor != rest)
            elif what in ("UNDO", "REDO", "FORGET") and model.content:
                files = rng.sample(sorted(model.content), rng.randint(1, min(4, len(model.content))))
                condition = " OR ".join(f"path LIKE '%/f{file}.json'" for file in files)
                changed(spark, f"{what} FILES IN {table} WHERE {condition}")
                model.change(what, files)
            steps.append(what)
            assert ids(spark, table) == model.ids(), (vectors, partitioned, steps)
        # That a file is forgotten is said only as long as it has to be.
        told = {name: state for name, state in states(spark, table).items() if state != "FORGOTTEN"}
        assert told == {f"f{file}.json": state for file, state in model.state.items() if state != "FORGOTTEN"}, (told, steps)
        agrees_with_delta_rs(spark, table)


def test_others_load_files_meanwhile(spark):
    source, table = landing(), made(spark, "contended")
    for file in range(40):
        put(f"{source}/f{file}.json", [file])
    errors = []

    def run(statements):
        try:
            mine = spark.newSession() if hasattr(spark, "newSession") else spark
            for statement in statements:
                mine.sql(statement).collect()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    spark.sql(f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON FILES = ('f0.json')").collect()
    copies = [f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON FILES = ('f{2 * i}.json', 'f{2 * i + 1}.json')" for i in range(20)]
    changes = [f"{verb} FILES IN {table} WHERE path LIKE '%/f{i}.json'" for i in range(20) for verb in ("UNDO", "REDO")]
    threads = [threading.Thread(target=run, args=(statements,)) for statements in (copies[::2], copies[1::2], changes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    spark.sql(f"REDO FILES IN {table} WHERE true").collect()
    assert ids(spark, table) == list(range(40))


if __name__ == "__main__":
    main(globals())
