#!/usr/bin/env python3
"""archiveMembers: the members of zip and tar archives are read as files of their own, by every reader of files."""
import bz2
import gzip
import io
import json
import os
import tarfile
import tempfile
import time
import zipfile

from harness import main, raises
from pyspark.errors import PySparkException


def lines(*ids):
    return "".join(json.dumps({"id": i, "name": f"n{i}"}) + "\n" for i in ids)


def pack(path, members):
    """As the name says; `members`: name -> text or bytes."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = path + ".part"
    if path.endswith(".zip"):
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in members.items():
                archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), text, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(part, "w:gz" if path.endswith("gz") else "w") as archive:
            for name, text in members.items():
                data = text if isinstance(text, bytes) else text.encode()
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(data), 1700000000
                archive.addfile(info, io.BytesIO(data))
    os.rename(part, path)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.rename(path + ".part", path)


def landing():
    base = tempfile.mkdtemp()
    pack(f"{base}/in/a.zip", {"x y.json": lines(1, 2), "d/b.json.gz": gzip.compress(lines(3).encode()), "__MACOSX/._x": "junk", "_SUCCESS": ""})
    pack(f"{base}/in/sub/b.tar.gz", {"./c.json": lines(4), "d.json.bz2": bz2.compress(lines(5).encode())})
    write(f"{base}/in/plain.json", lines(6))
    return base


def ids(rows):
    return sorted(row.id for row in rows.collect())


def stream(spark, base, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("archiveMembers", True)
    reader = reader.option("cloudFiles.schemaLocation", base + "/schema").option("cloudFiles.inferColumnTypes", True)
    for name, value in options.items():
        reader = reader.option(name.replace("_", "."), value)
    return reader.load(base + "/in")


def run(rows, base, **options):
    writer = rows.writeStream.format("delta").option("checkpointLocation", base + "/cp").trigger(availableNow=True)
    for name, value in options.items():
        writer = writer.option(name, value)
    query = writer.start(base + "/table")
    query.awaitTermination()
    return query


def states(spark, base):
    rows = spark.sql(f"SELECT path, ingestion_state, rows, first_error, reason FROM cloud_files_state('{base}/cp')").collect()
    return {os.path.basename(row.path): row for row in rows}


def test_batch_reads_with_metadata(spark):
    base = landing()
    rows = spark.read.option("archiveMembers", True).option("recursiveFileLookup", True).json(base + "/in")
    assert ids(rows) == [1, 2, 3, 4, 5, 6] and [field.name for field in rows.schema] == ["id", "name"], rows.schema
    found = {row.id: row for row in rows.selectExpr("id", "_metadata.file_path AS path", "_metadata.file_name AS name", "_metadata.file_size AS size",
                                                    "unix_seconds(_metadata.file_modification_time) AS at").collect()}
    assert found[1].path == f"file://{base}/in/a.zip!/x%20y.json" and found[1].name == "x%20y.json", found[1]
    assert found[1].size == len(lines(1, 2)), found[1]
    assert found[4].path == f"file://{base}/in/sub/b.tar.gz!/c.json" and found[4].at == 1700000000, found[4]
    assert found[6].path == f"file://{base}/in/plain.json", found[6]
    some = spark.read.option("archiveMembers", True).option("archiveMemberGlob", "*.gz").schema("id BIGINT").json(base + "/in/a.zip")
    assert ids(some) == [3]
    # Off, an archive is what Spark takes it for.
    assert ids(spark.read.schema("id BIGINT").option("mode", "DROPMALFORMED").json(base + "/in/plain.json")) == [6]
    assert ids(spark.sql(f"SELECT * FROM read_files('{base}/in', format => 'ndjson', archiveMembers => true)")) == [1, 2, 3, 4, 5, 6]
    raises(PySparkException, lambda: spark.read.option("archiveMembers", "maybe").json(base + "/in").collect(), "archiveMembers")


def test_names_are_utf8_whatever_the_locale_of_the_server(spark):
    base = tempfile.mkdtemp()
    for name in ("a.zip", "b.tar", "c.tgz"):
        pack(f"{base}/in/{name}", {"grüße/日本.json": lines(1), "plain.json": lines(2)})
    rows = spark.read.option("archiveMembers", True).json(base + "/in").selectExpr("id", "_metadata.file_path AS path").collect()
    assert sorted(row.path.split("!/")[1] for row in rows if row.id == 1) == ["gr%C3%BC%C3%9Fe/%E6%97%A5%E6%9C%AC.json"] * 3, rows
    # Bytes that are no UTF-8 stay what they are.
    with tarfile.open(base + "/in/d.tar", "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        info = tarfile.TarInfo("gr\u00fc\u00dfe.json")
        info.size = len(lines(3))
        archive.addfile(info, io.BytesIO(lines(3).encode()))
    rows = spark.read.option("archiveMembers", True).json(base + "/in").where("id = 3").selectExpr("_metadata.file_path AS path").collect()
    assert rows[0].path.endswith("d.tar!/gr%FC%DFe.json"), rows


def test_csv_members_have_their_own_headers_and_other_formats_read_too(spark):
    base = tempfile.mkdtemp()
    pack(f"{base}/csv/a.zip", {"a.csv": "id,name\n1,x\n", "b.csv": "id,name\n2,y\n"})
    assert ids(spark.read.option("archiveMembers", True).csv(base + "/csv", header=True, inferSchema=True)) == [1, 2]
    pack(f"{base}/xml/a.tar", {"a.xml": "<r><row><id>1</id></row><row><id>2</id></row></r>"})
    assert ids(spark.read.option("archiveMembers", True).option("rowTag", "row").xml(base + "/xml")) == [1, 2]
    pack(f"{base}/text/a.tar.gz", {"a.txt": "one\ntwo\n", "b.txt": "three"})
    assert spark.read.option("archiveMembers", True).text(base + "/text").count() == 3
    assert spark.read.format("binaryFile").option("archiveMembers", True).load(base + "/text").selectExpr("sum(length) AS n").collect()[0].n == 13
    spark.range(10).repartition(2).write.parquet(base + "/written")
    parquet = [name for name in os.listdir(base + "/written") if name.endswith(".parquet")]
    pack(f"{base}/parquet/p.zip", {name: open(f"{base}/written/{name}", "rb").read() for name in parquet})
    assert ids(spark.read.option("archiveMembers", True).parquet(base + "/parquet")) == list(range(10))


def test_auto_loader_loads_an_archive_once_and_takes_it_back_whole(spark):
    base = landing()
    run(stream(spark, base), base)
    table = spark.read.format("delta").load(base + "/table")
    assert ids(table) == [1, 2, 3, 4, 5, 6]
    known = states(spark, base)
    assert (known["a.zip"].ingestion_state, known["a.zip"].rows, known["b.tar.gz"].rows, known["plain.json"].rows) == ("INGESTED", 3, 2, 1), known
    run(stream(spark, base), base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [1, 2, 3, 4, 5, 6]
    spark.sql(f"UNDO FILES IN STREAM '{base}/cp' WHERE path LIKE '%/a.zip'")
    run(stream(spark, base), base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [4, 5, 6]
    assert states(spark, base)["a.zip"].ingestion_state == "UNDONE"
    spark.sql(f"REDO FILES IN STREAM '{base}/cp' WHERE path LIKE '%/a.zip'")
    run(stream(spark, base), base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [1, 2, 3, 4, 5, 6]


def test_new_columns_in_a_member_evolve_the_schema(spark):
    base = landing()
    run(stream(spark, base), base)
    pack(f"{base}/in/new.tar", {"n.json": '{"id": 7, "extra": true}\n'})
    evolving = {"cloudFiles_schemaEvolutionMode": "addNewColumnsWithoutRestart"}
    run(stream(spark, base, **evolving), base, mergeSchema=True)
    rows = spark.read.format("delta").load(base + "/table")
    assert ids(rows.where("extra")) == [7] and ids(rows) == [1, 2, 3, 4, 5, 6, 7]


def test_copy_into_and_its_undo(spark):
    base = landing()
    spark.sql(f"CREATE TABLE delta.`{base}/copied` (id BIGINT, name STRING)")
    options = "FORMAT_OPTIONS ('recursiveFileLookup' = 'true', 'archiveMembers' = 'true')"
    copy = f"COPY INTO delta.`{base}/copied` FROM '{base}/in' FILEFORMAT = JSON {options}"
    assert spark.sql(copy).collect()[0].num_inserted_rows == 6
    assert spark.sql(copy).collect()[0].num_inserted_rows == 0
    spark.sql(f"UNDO FILES IN delta.`{base}/copied` WHERE path LIKE '%/b.tar.gz'")
    assert ids(spark.read.format("delta").load(base + "/copied")) == [1, 2, 3, 6]
    assert spark.sql("EXPLAIN " + copy).count() > 0
    raises(PySparkException, lambda: spark.sql(copy.replace("archiveMembers", "archiveMember")), "archiveMembers")


def test_the_file_stream_source(spark):
    base = landing()
    rows = spark.readStream.schema("id BIGINT").option("archiveMembers", True).option("recursiveFileLookup", True).json(base + "/in")
    run(rows, base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [1, 2, 3, 4, 5, 6]


def test_bad_records_and_rescued_data_name_the_member(spark):
    base = tempfile.mkdtemp()
    pack(f"{base}/in/a.zip", {"good.json": lines(1), "d/bad.json": lines(2) + "{broken\n" + '{"id": 3, "more": 1}\n'})
    run(stream(spark, base, cloudFiles_quarantineTable=base + "/bad", cloudFiles_schemaEvolutionMode="rescue", cloudFiles_schemaHints="id BIGINT, name STRING"), base)
    bad = spark.read.format("delta").load(base + "/bad").collect()
    assert [(row.file_path, bytes(row.raw)) for row in bad] == [(f"{base}/in/a.zip!/d/bad.json", b"{broken")], bad
    spark.sql(f"UPDATE delta.`{base}/bad` SET raw = CAST('{{\"id\": 9}}' AS BINARY)")
    spark.sql(f"RETRY QUARANTINE delta.`{base}/bad`")
    assert 9 in ids(spark.read.format("delta").load(base + "/table"))
    schema = "id BIGINT, rescued STRING"
    rescued = spark.read.schema(schema).option("archiveMembers", True).option("rescuedDataColumn", "rescued").json(base + "/in").where("rescued IS NOT NULL").collect()
    assert any(f"{base}/in/a.zip!/d/bad.json" in row.rescued for row in rescued), rescued


def test_broken_archives_are_left_out_and_retried_as_files_are(spark):
    base = landing()
    whole = open(base + "/in/a.zip", "rb").read()
    write(base + "/in/cut.zip", whole[:-30])
    read = spark.read.schema("id BIGINT").option("archiveMembers", True).option("recursiveFileLookup", True)
    raises(PySparkException, lambda: read.json(base + "/in").collect(), "FAILED_READ_FILE", "cut.zip")
    assert ids(read.option("ignoreCorruptFiles", True).json(base + "/in")) == [1, 2, 3, 4, 5, 6]
    retrying = {"cloudFiles_maxFileRetries": 3}
    rows = spark.readStream.format("cloudFiles").schema("id BIGINT").option("cloudFiles.format", "json").option("archiveMembers", True)
    run(rows.option("cloudFiles.maxFileRetries", 3).load(base + "/in"), base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [1, 2, 3, 4, 5, 6]
    assert "attempt 1 of 4" in states(spark, base)["cut.zip"].reason, states(spark, base)
    pack(base + "/in/cut.zip", {"m.json": lines(8)})
    time.sleep(1.2)
    run(rows.option("cloudFiles.maxFileRetries", 3).load(base + "/in"), base)
    assert ids(spark.read.format("delta").load(base + "/table")) == [1, 2, 3, 4, 5, 6, 8]


def test_hostile_archives_end_in_errors_that_say_what_to_do(spark):
    base = tempfile.mkdtemp()
    pack(f"{base}/nested/a.zip", {"b.tar": "x"})
    pack(f"{base}/up/a.tar", {"../a.json": lines(1)})
    pack(f"{base}/bomb/a.zip", {"a.json": "\n" * (80 << 20)})
    read = spark.read.schema("id BIGINT").option("archiveMembers", True)
    raises(PySparkException, lambda: read.json(base + "/nested").collect(), "a.zip!/b.tar", "archiveMemberGlob")
    raises(PySparkException, lambda: read.json(base + "/up").collect(), "leaves the archive")
    raises(PySparkException, lambda: read.option("archiveMaxRatio", 100).json(base + "/bomb").collect(), "MILLSTREAM_ARCHIVE_TOO_LARGE", "archiveMaxRatio")
    assert read.option("archiveMaxRatio", 100).option("ignoreCorruptFiles", True).json(base + "/bomb").count() == 0
    spark.sql(f"CREATE TABLE delta.`{base}/copied` (id BIGINT)")
    copy = f"COPY INTO delta.`{base}/copied` FROM '{base}/nested' FILEFORMAT = JSON FORMAT_OPTIONS ('archiveMembers' = 'true', 'ignoreCorruptFiles' = 'true')"
    assert spark.sql(copy).collect()[0].num_skipped_corrupt_files == 1


def test_parquet_members_are_not_taken_as_files_of_the_table(spark):
    import pyarrow
    import pyarrow.parquet

    base = tempfile.mkdtemp()
    packed = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": pyarrow.array(range(1000), pyarrow.int64())}), packed)
    pack(f"{base}/in/a.zip", {"x.parquet": packed.getvalue()})
    write(f"{base}/in/plain.parquet", packed.getvalue())
    spark.sql("CREATE TABLE packed (id BIGINT) USING delta")
    done = spark.sql(f"COPY INTO packed FROM '{base}/in' FILEFORMAT = PARQUET FORMAT_OPTIONS ('archiveMembers' = 'true') COPY_OPTIONS ('zeroCopy' = 'copy')").first().asDict()
    assert done["num_inserted_rows"] == 2000 and done["num_registered_files"] == 1, done
    assert "archive" in done["not_registered"], done
    assert spark.table("packed").selectExpr("count(*)", "sum(id)").first() == (2000, 999000)


if __name__ == "__main__":
    main(globals())
