#!/usr/bin/env python3
"""Avro, ORC, XML and compressed files through stock clients, by every door that reads files. The files were written by Spark (tests/spark/data)."""
import base64
import bz2
import gzip
import json
import os
import tempfile
import zlib

from harness import main, raises

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")


def recorded(kind):
    """A file that Spark wrote, with the names of its columns as Spark infers them."""
    cases = json.load(open(os.path.join(DATA, kind + ".json")))
    one = next(case for case in cases if case.get("inferred", "").startswith("struct<id:int,name:string"))
    return base64.b64decode(one["content"]), one["inferred"]


def place(directory, name, content):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as f:
        f.write(content)


def check(rows):
    assert len(rows) == 300
    row = next(r for r in rows if r.id == 7)
    assert (row.name, row.d, row.ar, str(row.dt), str(row.dec)) == ("name 0", 8.75, [7, 8], "2020-01-08", "7.000"), row


def ingest(spark, path, kind, table, **options):
    base = tempfile.mkdtemp()
    frame = spark.readStream.format("cloudFiles").option("cloudFiles.format", kind).option("cloudFiles.schemaLocation", base + "/schema").options(**options).load(path)
    frame.writeStream.option("checkpointLocation", base + "/cp").option("mergeSchema", True).trigger(availableNow=True).toTable(table).awaitTermination()
    return spark.table(table)


def test_avro_and_orc_by_every_door(spark):
    base = tempfile.mkdtemp()
    for kind in ("avro", "orc"):
        path = f"{base}/{kind}"
        content, inferred = recorded(kind)
        place(path, "a." + kind, content)
        batch = spark.read.format(kind).load(path)
        assert batch.schema.simpleString() == inferred
        check(batch.collect())
        check(ingest(spark, path, kind, "loaded_" + kind).collect())
        query = (spark.readStream.format(kind).schema(batch.schema).load(path).writeStream.format("memory").queryName("m_" + kind)
                 .option("checkpointLocation", f"{base}/cp_{kind}").trigger(availableNow=True).start())
        query.awaitTermination()
        check(spark.table("m_" + kind).collect())
        place(path, "b." + kind, content[:-40])
        raises(Exception, lambda: spark.read.format(kind).schema(batch.schema).load(path).collect(), "FAILED_READ_FILE", "b." + kind)
        check(spark.read.format(kind).schema(batch.schema).option("ignoreCorruptFiles", True).load(path).limit(300).collect())


def test_xml_by_every_door(spark):
    base = tempfile.mkdtemp()
    place(base + "/in", "a.xml", b"<books><book id='1'><title>A &amp; B</title><price>12.5</price><tag>x</tag><tag>y</tag></book>\n<book id='2'><title>C</title><price>n/a</price></book></books>")
    frame = spark.read.option("rowTag", "book").xml(base + "/in")
    assert frame.schema.simpleString() == "struct<_id:bigint,price:string,tag:array<string>,title:string>", frame.schema.simpleString()
    assert sorted((row._id, row.title, row.tag) for row in frame.collect()) == [(1, "A & B", ["x", "y"]), (2, "C", None)]
    raises(Exception, lambda: spark.read.format("xml").load(base + "/in").collect(), "XML_ROW_TAG_MISSING")
    raises(Exception, lambda: spark.read.option("rowTag", "book").option("mode", "FAILFAST").schema("price DOUBLE").xml(base + "/in").collect(), "MALFORMED_RECORD_IN_PARSING")
    rows = spark.read.option("rowTag", "book").option("rescuedDataColumn", "_rescued").schema("_id INT, title STRING, price DOUBLE").xml(base + "/in").collect()
    assert [(row._id, row.title, row.price) for row in rows] == [(1, "A & B", 12.5), (2, "C", None)], rows
    assert json.loads(rows[0]._rescued)["tag"] == "y" and json.loads(rows[1]._rescued)["price"] == "n/a", rows
    loaded = ingest(spark, base + "/in", "xml", "books", rowTag="book", **{"cloudFiles.inferColumnTypes": "true"})
    assert sorted((row._id, row.price) for row in loaded.collect()) == [(1, "12.5"), (2, "n/a")]
    place(base + "/in", "b.xml", b"<books><book id='3'><title>D</title><isbn>9</isbn></book></books>")
    assert spark.read.option("rowTag", "book").xml(base + "/in").columns == ["_id", "isbn", "price", "tag", "title"]


def test_compressed_files_by_their_extension(spark):
    base = tempfile.mkdtemp()
    text = b"".join(b'{"id":%d,"s":"%s"}\n' % (i, b"x" * (i % 50)) for i in range(5000))
    place(base + "/in", "a.json.gz", gzip.compress(text[:1000]) + gzip.compress(text[1000:]))
    place(base + "/in", "b.json.bz2", bz2.compress(text[:500]) + bz2.compress(text[500:]))
    place(base + "/in", "c.json.deflate", zlib.compress(text))
    assert spark.read.json(base + "/in").count() == 15000
    frame = spark.range(2000).selectExpr("id", "repeat('y', CAST(id % 97 AS INT)) AS s")
    for kind in ("json", "csv"):
        for codec in ("gzip", "bzip2", "deflate", "snappy", "lz4", "zstd"):
            out = f"{base}/{kind}_{codec}"
            frame.write.format(kind).option("compression", codec).save(out)
            assert sorted(spark.read.format(kind).schema("id BIGINT, s STRING").load(out).collect()) == sorted((row.id, row.s if row.s or kind == "json" else None) for row in frame.collect()), codec
    place(base + "/bad", "a.json.bz2", bz2.compress(text)[:-10])
    raises(Exception, lambda: spark.read.schema("id INT").json(base + "/bad").collect(), "a.json.bz2")


def test_avro_is_written(spark):
    base = tempfile.mkdtemp()
    frame = spark.sql("SELECT CAST(id AS TINYINT) AS by, id, CAST(id AS DECIMAL(20,3)) AS dec, repeat('é', CAST(id AS INT)) AS s, DATE'2020-01-01' AS d, TIMESTAMP'2020-01-01 01:02:03.5' AS t, "
                      "array(id, null) AS a, map('k', named_struct('x', id * 0.5D)) AS m, IF(id % 2 = 0, null, X'00ff') AS b, id % 3 AS p FROM range(100)")
    for codec in ("uncompressed", "snappy", "deflate", "zstandard", "bzip2", "xz"):
        frame.write.format("avro").option("compression", codec).partitionBy("p").save(f"{base}/{codec}")
        back = spark.read.format("avro").load(f"{base}/{codec}")
        assert back.schema.simpleString() == ("struct<by:int,id:bigint,dec:decimal(20,3),s:string,d:date,t:timestamp,a:array<bigint>,m:map<string,struct<x:double>>,b:binary,p:int>"), back.schema.simpleString()
        assert sorted(map(str, back.collect())) == sorted(map(str, frame.collect())), codec
    query = (spark.readStream.format("avro").schema("id BIGINT, p INT").load(base + "/snappy").writeStream.format("avro").option("checkpointLocation", base + "/cp")
             .trigger(availableNow=True).start(base + "/stream"))
    query.awaitTermination()
    assert spark.read.format("avro").load(base + "/stream").count() == 100
    raises(Exception, lambda: spark.sql("SELECT 1 AS `a b`").write.format("avro").save(base + "/bad"), "a b")


def test_what_is_not_read_is_said(spark):
    base = tempfile.mkdtemp()
    place(base + "/in", "a.json", b'{"id":1}\n')
    raises(Exception, lambda: spark.read.option("singleVariantColumn", "v").text(base + "/in").collect(), "singleVariantColumn")
    raises(Exception, lambda: spark.read.option("locale", "de-DE").schema("id INT").json(base + "/in").collect(), "locale")
    raises(Exception, lambda: spark.read.schema("id INT").format("avro").load(base + "/in").collect(), "a.json", "no Avro")
    raises(Exception, lambda: spark.read.schema("id INT").orc(base + "/in").collect(), "a.json")


if __name__ == "__main__":
    main(globals())
