"""Bad records in a table of their own: COPY INTO, Auto Loader, RETRY QUARANTINE."""
import gzip
import io
import os
import tarfile
import tempfile

import harness
from pyspark.errors import PySparkException
from pyspark.sql import functions as F


def write(directory, name, text):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, name)
    data = text if isinstance(text, bytes) else text.encode()
    with open(path, "wb") as file:
        file.write(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def fresh():
    return tempfile.mkdtemp(prefix="millstream-quarantine-")


def load(spark, source, table, quarantine, base, format="json", **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", format).option("cloudFiles.schemaLocation", base + "/checkpoint")
    for key, value in {"cloudFiles.quarantineTable": quarantine, **options}.items():
        reader = reader.option(key, value)
    return reader.load(source)


def run(frame, table, base):
    query = frame.writeStream.option("checkpointLocation", base + "/checkpoint").option("mergeSchema", True).trigger(availableNow=True).toTable(table)
    query.awaitTermination()
    return query


def records(spark, table):
    return sorted((os.path.basename(row.file_path), row.line, bytes(row.raw).decode()) for row in spark.table(table).collect() if row.raw is not None)


def test_copy_into_keeps_bad_records_apart(spark):
    source = fresh()
    write(source, "a.json", '{"id": 1, "v": "x"}\n{"id": 2, "v": \n{"id": 3, "v": "z"}\nnonsense\n')
    path = write(source, "b.json.gz", '{"id": 4}\n\r\n[1]\n')
    spark.sql("CREATE TABLE copied (id BIGINT, v STRING)")
    copy = f"COPY INTO copied FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('quarantineTable' = 'copied_bad')"
    assert spark.sql(copy).first().num_inserted_rows == 3
    assert sorted(row.id for row in spark.table("copied").collect()) == [1, 3, 4]
    assert records(spark, "copied_bad") == [("a.json", 2, '{"id": 2, "v": '), ("a.json", 4, "nonsense"), ("b.json.gz", 3, "[1]")]
    first = spark.table("copied_bad").where("line = 2").first()
    assert first.byte_offset == 20 and first.byte_length == 15 and not first.raw_truncated and first.error_class == "MALFORMED_RECORD_IN_PARSING", first
    assert first.format == "json" and first.column is None and first.loaded_at is not None and first.target.endswith("/copied") and first.load_id == 1, first
    with gzip.open(path) as file:
        zipped = spark.table("copied_bad").where("line = 3").first()
        assert file.read()[zipped.byte_offset:zipped.byte_offset + zipped.byte_length] == b"[1]"
    assert spark.sql("SELECT sum(rows), sum(rejected_rows) FROM copy_into_state('copied')").first()[:] == (3, 3)
    # Nothing is new: nothing is written.
    assert spark.sql(copy).first().num_inserted_rows == 0 and spark.table("copied_bad").count() == 3
    # force loads the rows again, and their bad records with them.
    spark.sql(copy.replace("COPY_OPTIONS (", "COPY_OPTIONS ('force' = 'true', "))
    assert spark.table("copied").count() == 6 and spark.table("copied_bad").count() == 6


def test_other_clients_read_the_table(spark):
    source = fresh()
    write(source, "a.csv", "id,v\n1,x\n2\n")
    bad = fresh() + "/bad"
    spark.sql("CREATE TABLE read_by_others (id BIGINT, v STRING)")
    spark.sql(f"COPY INTO read_by_others FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true') COPY_OPTIONS ('quarantineTable' = '{bad}')")
    try:
        from deltalake import DeltaTable
    except ImportError:  # of one of the two clients alone
        return
    rows = DeltaTable(bad).to_pyarrow_table().to_pylist()
    assert [(row["raw"], row["reason"], row["error_class"]) for row in rows] == [(b"2", "1 values instead of 2", "MALFORMED_CSV_RECORD")], rows
    assert dict(rows[0]["options"])["headerLine"] == "id,v"


def test_auto_loader_keeps_bad_records_apart(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1, "v": "x"}\n{"id": 2, "v": \n')
    query = run(load(spark, source, "streamed", "streamed_bad", base), "streamed", base)
    metrics = query.lastProgress["sources"][0]["metrics"]
    assert metrics["numRowsQuarantined"] == "1", metrics
    write(source, "b.json", '{"id": 3, "v": "y"}\n}\n{"id": 4, "v": 5}\n')
    run(load(spark, source, "streamed", "streamed_bad", base), "streamed", base)
    assert sorted(row.id for row in spark.table("streamed").collect()) == ["1", "3", "4"]
    assert records(spark, "streamed_bad") == [("a.json", 2, '{"id": 2, "v": '), ("b.json", 2, "}")]
    rows = {row.load_id: row for row in spark.table("streamed_bad").collect()}
    assert set(rows) == {0, 1} and rows[0].schema_id == 0 and rows[0].loader == "stream:" + query.id and rows[0].target.endswith("/streamed"), rows
    # Rescued values are no bad records.
    assert spark.table("streamed").where("_rescued_data IS NOT NULL").count() == 0


def test_sql_streams_and_unreadable_files(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1}\n{"id"\n')
    with open(os.path.join(source, "b.json.gz"), "wb") as file:
        file.write(gzip.compress(b'{"id": 2}\n' * 1000)[:-20])
    frame = spark.sql(f"SELECT * FROM STREAM read_files('{source}', format => 'json', schemaLocation => '{base}/checkpoint', "
                      "ignoreCorruptFiles => true, quarantineTable => 'by_sql_bad')")
    run(frame, "by_sql", base)
    assert spark.table("by_sql").count() == 1
    rows = {os.path.basename(row.file_path): row for row in spark.table("by_sql_bad").collect()}
    assert set(rows) == {"a.json", "b.json.gz"}, rows
    whole = rows["b.json.gz"]
    assert whole.raw is None and whole.raw_truncated and whole.byte_offset == 0 and whole.byte_length == os.path.getsize(source + "/b.json.gz") and whole.target is None
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE by_sql_bad").collect(), "MILLSTREAM_RETRY_WITHOUT_TARGET", "b.json.gz")


def test_what_is_refused(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1}\n')
    harness.raises(PySparkException, lambda: load(spark, source, "t", "q", base, mode="FAILFAST").schema, "FAILFAST")
    spark.sql("CREATE TABLE refused (id BIGINT)")
    copy = f"COPY INTO refused FROM '{source}' FILEFORMAT = JSON FORMAT_OPTIONS ('mode' = 'FAILFAST') COPY_OPTIONS ('quarantineTable' = 'refused_bad')"
    harness.raises(PySparkException, lambda: spark.sql(copy).collect(), "FAILFAST")
    harness.raises(PySparkException, lambda: spark.sql(f"SELECT * FROM read_files('{source}', quarantineTable => 'q')").collect(), "MILLSTREAM_UNSUPPORTED", "STREAM")
    # A table that is something else.
    harness.raises(PySparkException, lambda: spark.sql(copy.replace("'mode' = 'FAILFAST'", "'mode' = 'PERMISSIVE'").replace("refused_bad", "refused")).collect(),
                   "quarantine table")
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE refused").collect(), "quarantine table")


def test_retry_loads_what_is_good_now(spark):
    source = fresh()
    write(source, "a.json", '{"id": 1, "v": "x"}\n{"id": 2, "v": "y"\n{"id": 3, "v"\n')
    spark.sql("CREATE TABLE retried (id BIGINT, v STRING)")
    spark.sql(f"COPY INTO retried FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('quarantineTable' = 'retried_bad')")
    assert spark.sql("RETRY QUARANTINE retried_bad").first()[:] == (2, 0, 2)
    spark.sql("UPDATE retried_bad SET raw = CAST(concat(CAST(raw AS STRING), '}') AS BINARY) WHERE line = 2")
    assert spark.sql("RETRY QUARANTINE retried_bad WHERE line > 2").first()[:] == (1, 0, 1)
    assert spark.sql("RETRY QUARANTINE retried_bad WHERE retried_bad.line = 2").first()[:] == (1, 1, 0)
    assert sorted((row.id, row.v) for row in spark.table("retried").collect()) == [(1, "x"), (2, "y")]
    assert records(spark, "retried_bad") == [("a.json", 3, '{"id": 3, "v"')]
    assert spark.sql("RETRY QUARANTINE retried_bad").first()[:] == (1, 0, 1)
    assert spark.sql("DESCRIBE HISTORY retried").where("operation = 'RETRY QUARANTINE'").count() == 1
    # A new column.
    spark.sql("UPDATE retried_bad SET raw = CAST('{\"id\": 3, \"w\": 7}' AS BINARY)")
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE retried_bad").collect(), "COPY_INTO_SCHEMA_MISMATCH")
    assert spark.sql("RETRY QUARANTINE retried_bad OPTIONS ('mergeSchema' = 'true')").first()[:] == (1, 1, 0)
    assert spark.table("retried").where("w = 7").first().id == 3 and spark.table("retried_bad").count() == 0
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE retried_bad WHERE no_such = 1").collect(), "no_such")


def test_rows_of_a_retry_go_with_their_file(spark):
    source = fresh()
    write(source, "a.json", '{"id": 1, "v": "x"}\n{"id": 2, "v": "y"\n')
    write(source, "b.json", '{"id": 9, "v": "b"}\n{"id": 10\n')
    with tarfile.open(source + "/c.tar", "w") as archive:
        member = tarfile.TarInfo("m.json")
        content = b'{"id": 20, "v": "c"}\n{"id": 21\n'
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    spark.sql("CREATE TABLE going (id BIGINT, v STRING)")
    copy = (f"COPY INTO going FROM '{source}' FILEFORMAT = JSON FORMAT_OPTIONS ('archiveMembers' = 'true') "
            "COPY_OPTIONS ('quarantineTable' = 'going_bad'{0})")
    rows = lambda: sorted(row.id for row in spark.table("going").collect())
    spark.sql(copy.format(""))
    spark.sql("UPDATE going_bad SET raw = CAST(concat(CAST(raw AS STRING), '}') AS BINARY)")
    assert spark.sql("RETRY QUARANTINE going_bad").first()[:] == (3, 3, 0) and rows() == [1, 2, 9, 10, 20, 21]
    assert spark.sql("UNDO FILES IN going WHERE path LIKE '%a.json'").first()[:] == (1, 2) and rows() == [9, 10, 20, 21]
    assert spark.sql("REDO FILES IN going WHERE path LIKE '%a.json'").first()[:] == (1, 2) and rows() == [1, 2, 9, 10, 20, 21]
    assert spark.sql("UNDO FILES IN going WHERE path LIKE '%c.tar'").first()[:] == (1, 2) and rows() == [1, 2, 9, 10]
    spark.sql("REDO FILES IN going WHERE true")
    # The producer mends the file, and it is loaded in the place of what it brought.
    write(source, "a.json", '{"id": 1, "v": "x"}\n{"id": 2, "v": "y"}\n')
    spark.sql(copy.format(", 'changedFiles' = 'replaced'"))
    assert rows() == [1, 2, 9, 10, 20, 21]
    spark.sql(copy.format(", 'replay' = 'true'"))
    assert rows() == [1, 2, 9, 20] and len(records(spark, "going_bad")) == 2
    spark.sql("UPDATE going_bad SET raw = CAST(concat(CAST(raw AS STRING), '}') AS BINARY)")
    assert spark.sql("RETRY QUARANTINE going_bad").first()[:] == (2, 2, 0) and rows() == [1, 2, 9, 10, 20, 21]
    spark.sql("CREATE TABLE going_too (id BIGINT, v STRING)")
    spark.sql(f"COPY INTO going_too FROM '{source}' FILEFORMAT = JSON FORMAT_OPTIONS ('archiveMembers' = 'true') COPY_OPTIONS ('knownFrom' = 'going')")
    assert spark.table("going_too").count() == 0


def test_a_stream_replaces_rows_of_a_retry(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1}\n{"id": 2\n')
    options = {"cloudFiles.changedFiles": "replaced"}
    run(load(spark, source, "replacing", "replacing_bad", base, **options), "replacing", base)
    spark.sql("UPDATE replacing_bad SET raw = CAST(concat(CAST(raw AS STRING), '}') AS BINARY)")
    assert spark.sql("RETRY QUARANTINE replacing_bad").first()[:] == (1, 1, 0)
    assert sorted(row.id for row in spark.table("replacing").collect()) == ["1", "2"]
    write(source, "a.json", '{"id": 1}\n{"id": 2}\n{"id": 3}\n')
    run(load(spark, source, "replacing", "replacing_bad", base, **options), "replacing", base)
    assert sorted(row.id for row in spark.table("replacing").collect()) == ["1", "2", "3"]


def test_retry_with_other_options(spark):
    source = fresh()
    write(source, "a.json", '{"id": 1}\n{"id": 2} // a comment\n{id: 3}\n')
    spark.sql("CREATE TABLE optioned (id BIGINT)")
    spark.sql(f"COPY INTO optioned FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('quarantineTable' = 'optioned_bad')")
    assert [row[2] for row in records(spark, "optioned_bad")] == ["{id: 3}"]
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE optioned_bad OPTIONS ('allowUnquotedFieldName' = 'true')").collect(),
                   "allowUnquotedFieldNames")
    assert spark.sql("RETRY QUARANTINE optioned_bad OPTIONS ('allowUnquotedFieldNames' = 'true')").first()[:] == (1, 1, 0)
    assert sorted(row.id for row in spark.table("optioned").collect()) == [1, 2, 3]


def test_retry_of_a_stream(spark):
    source, base = fresh(), fresh()
    write(source + "/day=1", "a.csv", "id,v\n1,x\n2,too long\n3,z\n")
    frame = load(spark, source, "", "stream_retried_bad", base, format="csv", maxCharsPerColumn="3")
    run(frame, "stream_retried", base)
    assert records(spark, "stream_retried_bad") == [("a.csv", 3, "2,too long")]
    assert spark.sql("RETRY QUARANTINE stream_retried_bad").first()[:] == (1, 0, 1)
    spark.sql("UPDATE stream_retried_bad SET raw = CAST('2,y' AS BINARY)")
    assert spark.sql("RETRY QUARANTINE stream_retried_bad").first()[:] == (1, 1, 0)
    loaded = sorted((row.id, row.v, row.day) for row in spark.table("stream_retried").collect())
    assert loaded == [("1", "x", "1"), ("2", "y", "1"), ("3", "z", "1")], loaded
    assert spark.table("stream_retried_bad").count() == 0


def test_a_query_that_changes_rows_has_no_target(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1}\n{"id"\n')
    run(load(spark, source, "", "changed_bad", base).select("id", F.col("_metadata.file_name").alias("name")), "changed", base)
    assert spark.table("changed_bad").first().target is None
    harness.raises(PySparkException, lambda: spark.sql("RETRY QUARANTINE changed_bad").collect(), "MILLSTREAM_RETRY_WITHOUT_TARGET", "REPLAY")


def test_long_records_are_cut_and_retried_from_their_file(spark):
    source = fresh()
    long = "x" * (3 << 20)
    write(source, "a.json", '{"id": 1}\n{id: 2, "v": "' + long + '"}\n')
    spark.sql("CREATE TABLE long_ones (id BIGINT, v STRING)")
    spark.sql(f"COPY INTO long_ones FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('quarantineTable' = 'long_bad')")
    row = spark.table("long_bad").first()
    assert (len(row.raw), row.raw_truncated, row.byte_length, row.byte_offset) == (1 << 20, True, len(long) + 16, 10), row[1:4]
    assert spark.sql("RETRY QUARANTINE long_bad OPTIONS ('allowUnquotedFieldNames' = 'true')").first()[:] == (1, 1, 0)
    assert spark.sql("SELECT length(v) FROM long_ones WHERE id = 2").first()[0] == len(long)


if __name__ == "__main__":
    harness.main(globals())
