#!/usr/bin/env python3
"""A table of registered files (zeroCopy) in the hands of delta-spark: the same rows after DELETE with deletion vectors, checkpoints, column mapping, type widening, OPTIMIZE and
VACUUM; and where rows came from is known as long as Spark has not written them anew.

    MILLSTREAM=build/release/millstream .venv/spark-4.2/bin/python tests/spark/check_zero_copy.py

Needs pyspark 4.2.0, delta-spark 4.4.0, pyarrow and a JVM; takes about a minute.
"""
import os
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_delta_interop import session  # noqa: E402

work = tempfile.mkdtemp(prefix="zero-copy-")
source, table = work + "/in", work + "/table"


def millstream(statement, fails=""):
    done = subprocess.run([os.environ["MILLSTREAM"], "sql", "--warehouse", work + "/warehouse", "-c", statement], capture_output=True, text=True, timeout=120)
    if fails:
        assert done.returncode != 0 and fails in done.stderr, (done.stdout, done.stderr)
    else:
        assert done.returncode == 0, done.stderr
    return done.stdout


def rows(first, count):
    return [{"id": i, "n": i * 7, "name": None if i % 5 == 0 else f"n{i}", "pair": {"a": i, "b": "ü"}, "x": float("nan") if i % 9 == 0 else i / 4} for i in range(first, first + count)]


SCHEMA = pa.schema([("id", pa.int64()), ("n", pa.int32()), ("name", pa.string()), ("pair", pa.struct([("a", pa.int64()), ("b", pa.string())])), ("x", pa.float64())])


def main():
    os.makedirs(source)
    spark = session()
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    spark.conf.set("spark.databricks.delta.snapshotPartitions", "1")
    of = f"delta.`{table}`"
    millstream(f"CREATE TABLE {of} (id BIGINT, n INT, name STRING, pair STRUCT<a: BIGINT, b: STRING>, x DOUBLE) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    pq.write_table(pa.Table.from_pylist(rows(0, 40), SCHEMA), source + "/a.parquet")
    pq.write_table(pa.Table.from_pylist(rows(40, 40), SCHEMA).select(["x", "pair", "id", "n", "name"]), source + "/b.parquet", compression="zstd")
    # What Spark itself writes is registered too.
    spark.createDataFrame(rows(80, 40), "id BIGINT, n INT, name STRING, pair STRUCT<a: BIGINT, b: STRING>, x DOUBLE").coalesce(1).write.parquet(source + "/spark")
    copied = millstream(f"COPY INTO {of} FROM '{source}' FILEFORMAT = PARQUET FORMAT_OPTIONS ('recursiveFileLookup' = 'true') COPY_OPTIONS ('zeroCopy' = 'link')")
    assert len([name for name in os.listdir(table) if name.startswith("registered-")]) == 3, copied

    def same(ids, n="n"):
        spark.catalog.clearCache()
        found = spark.read.format("delta").load(table).orderBy("id").collect()
        assert [row.id for row in found] == sorted(ids), (len(found), len(ids))
        for row in found:
            wanted = rows(row.id, 1)[0]
            assert row[n] == wanted["n"] and row.name == wanted["name"] and row.pair.a == wanted["pair"]["a"], row
            assert row.x == wanted["x"] or (row.x != row.x and wanted["x"] != wanted["x"]), row
        ours = millstream(f"SELECT count(*) AS c, sum(id) AS s FROM {of}")
        assert f"|{len(ids)}" in ours.replace(" ", "") and str(sum(ids)) in ours, ours

    ids = set(range(120))
    same(ids)
    print("check_zero_copy: registered", flush=True)
    reader = spark.read.format("delta").load(table)
    # Spark itself skips row groups of Parquet by bounds that know no NaN: the table must not skip more than the files themselves do.
    files = spark.read.option("recursiveFileLookup", True).parquet(source)
    for condition, count in (("x > 1e9", None), ("x = double('NaN')", None), ("id = 77", 1), ("name IS NULL", 24), ("pair.a >= 100", 20), ("n < 70", 10)):
        found = reader.where(condition).count()
        assert found == files.where(condition).count() and count in (None, found), (condition, found)
    assert reader.agg({"id": "max"}).collect()[0][0] == 119 and reader.agg({"n": "min"}).collect()[0][0] == 0
    spark.sql(f"DELETE FROM {of} WHERE id % 10 = 3")
    ids -= {i for i in ids if i % 10 == 3}
    same(ids)
    for _ in range(10):  # Spark makes a checkpoint of every tenth version
        spark.sql(f"ALTER TABLE {of} SET TBLPROPERTIES ('noted' = '{_}')")
    assert any(".checkpoint" in name for name in os.listdir(table + "/_delta_log"))
    millstream(f"UNDO FILES IN {of} WHERE path LIKE '%/a.parquet'")
    ids -= set(range(40))
    same(ids)
    print("check_zero_copy: deleted with vectors, checkpointed, undone", flush=True)
    millstream(f"REDO FILES IN {of} WHERE true")
    ids |= {i for i in range(40) if i % 10 != 3}
    same(ids)
    spark.sql(f"ALTER TABLE {of} SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
    spark.sql(f"ALTER TABLE {of} ALTER COLUMN n TYPE BIGINT")
    same(ids)
    spark.sql(f"ALTER TABLE {of} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    spark.sql(f"ALTER TABLE {of} RENAME COLUMN n TO number")
    same(ids, n="number")
    print("check_zero_copy: widened and mapped", flush=True)
    spark.sql(f"OPTIMIZE {of}")
    spark.sql(f"VACUUM {of} RETAIN 0 HOURS")
    same(ids, n="number")
    assert sorted(os.listdir(source)) == ["a.parquet", "b.parquet", "spark"]
    print("check_zero_copy: every reader has the same rows")
    print("tests: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
