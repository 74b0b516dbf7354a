#!/usr/bin/env python3
"""VARIANT through Spark Connect: functions, collecting and creating, Delta tables, singleVariantColumn."""
import decimal
import json
import os
import tempfile

from harness import main, raises
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType, VariantType, VariantVal

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def documents(base, name="in.json", text='{"a":1,"b":[1.50,"x"]}\n[1,2]\n7\n'):
    os.makedirs(base, exist_ok=True)
    with open(os.path.join(base, name), "w", encoding="utf-8") as file:
        file.write(text)


def texts(frame, column="v"):
    return sorted(str(row[0]) for row in frame.select(F.to_json(F.col(column))).collect())


def test_a_variant_is_collected(spark):
    row = spark.sql("""SELECT parse_json('{"a":[1,"x",null]}') AS v, array(parse_json('1'), NULL) AS l, parse_json(NULL) AS n""").first()
    assert isinstance(row.v, VariantVal) and row.v.toPython() == {"a": [1, "x", None]} and row.v.toJson() == '{"a":[1,"x",null]}'
    assert row.l[0].toPython() == 1 and row.l[1] is None and row.n is None
    frame = spark.createDataFrame([('{"k":1.5}',), (None,)], "s STRING").select(F.parse_json("s").alias("v"))
    assert frame.schema == StructType([StructField("v", VariantType())])
    assert [r.v and r.v.toPython() for r in frame.collect()] == [{"k": decimal.Decimal("1.5")}, None]


def test_show_print_schema_and_pandas(spark):
    frame = spark.sql("""SELECT parse_json('{"b":"x","a":1}') AS v UNION ALL SELECT parse_json('"text"')""")
    assert frame._show_string() == '+---------------+\n|              v|\n+---------------+\n|{"a":1,"b":"x"}|\n|           text|\n+---------------+\n', frame._show_string()
    assert frame.schema.simpleString() == "struct<v:variant>"
    assert [value.toPython() for value in frame.toPandas()["v"]] == [{"a": 1, "b": "x"}, "text"]


def test_variants_of_python_become_rows(spark):
    schema = StructType([StructField("i", IntegerType()), StructField("v", VariantType())])
    frame = spark.createDataFrame([Row(i=1, v=VariantVal.parseJson('{"z":1,"y":[true]}')), Row(i=2, v=None)], schema)
    assert [tuple(r) for r in frame.select("i", F.to_json("v"), F.variant_get("v", "$.y[0]", "boolean")).collect()] == [(1, '{"y":[true],"z":1}', True), (2, None, None)]
    broken = spark.createDataFrame([Row(i=1, v=VariantVal(b"\x02\xff", b"\x01\x00\x00"))], schema)
    raises(Exception, lambda: broken.select(F.to_json("v")).collect(), "MALFORMED_VARIANT")


def test_functions_of_data_frames(spark):
    frame = spark.sql("""SELECT parse_json('{"a":{"b":[10,20]},"n":null,"t":"2026-01-02"}') AS v""")
    row = frame.select(F.variant_get("v", "$.a.b[1]", "int"), F.try_variant_get("v", "$.t", "int"), F.is_variant_null(F.variant_get("v", "$.n", "variant")),
                       F.schema_of_variant("v"), F.variant_get("v", "$.t", "date").cast("string"), F.col("v").cast("string")).first()
    assert tuple(row) == (20, None, True, "OBJECT<a: OBJECT<b: ARRAY<BIGINT>>, n: VOID, t: STRING>", "2026-01-02", '{"a":{"b":[10,20]},"n":null,"t":"2026-01-02"}'), row
    assert frame.select(F.to_variant_object(F.struct(F.lit(1).alias("x")))).first()[0].toPython() == {"x": 1}
    raises(Exception, lambda: frame.select(F.variant_get("v", "$.t", "int")).collect(), "INVALID_VARIANT_CAST")
    raises(Exception, lambda: frame.select(F.variant_get("v", "t", "int")).collect(), "INVALID_VARIANT_GET_PATH")
    raises(Exception, lambda: spark.sql("SELECT parse_json('{')").collect(), "MALFORMED_RECORD_IN_PARSING")


def test_what_needs_an_order_is_refused(spark):
    frame = spark.sql("SELECT parse_json('1') AS v, 1 AS i")
    raises(Exception, lambda: frame.groupBy("v").count().collect(), "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE")
    raises(Exception, lambda: frame.orderBy("v").collect(), "INVALID_ORDERING_TYPE")
    raises(Exception, lambda: frame.distinct().collect(), "SET_OPERATION_ON_VARIANT_TYPE")
    raises(Exception, lambda: frame.filter("v = v").collect(), "INVALID_ORDERING_TYPE")
    raises(Exception, lambda: frame.dropDuplicates(["v"]).collect(), "SET_OPERATION_ON_VARIANT_TYPE")


def test_python_functions_do_not_get_variants(spark):
    frame = spark.sql("SELECT parse_json('1') AS v")
    raises(Exception, lambda: frame.select(F.udf(lambda v: str(v), "string")("v")).collect(), "VARIANT", "not supported")
    raises(Exception, lambda: frame.mapInPandas(lambda it: it, "v variant").collect(), "VARIANT", "not supported")


def test_delta_tables_hold_variants(spark):
    spark.sql("CREATE TABLE vt (id INT, v VARIANT) USING delta")
    spark.sql("""INSERT INTO vt SELECT 1, parse_json('{"a":1}') UNION ALL SELECT 2, NULL UNION ALL SELECT 3, parse_json('[1,"x"]')""")
    spark.sql("SELECT 4 AS id, parse_json('null') AS v").write.format("delta").mode("append").saveAsTable("vt")
    assert [(r.id, r.v and r.v.toJson()) for r in spark.table("vt").orderBy("id").collect()] == [(1, '{"a":1}'), (2, None), (3, '[1,"x"]'), (4, "null")]
    assert spark.table("vt").filter("variant_get(v, '$.a', 'int') = 1").count() == 1
    detail = spark.sql("DESCRIBE DETAIL vt").first()
    assert "variantType" in detail.tableFeatures and detail.minReaderVersion == 3, detail
    spark.sql("SELECT 1 AS id").write.format("delta").saveAsTable("grows")
    spark.sql("SELECT 2 AS id, parse_json('2') AS v").write.format("delta").mode("append").option("mergeSchema", True).saveAsTable("grows")
    assert [(r.id, r.v and r.v.toPython()) for r in spark.table("grows").orderBy("id").collect()] == [(1, None), (2, 2)]
    assert "variantType" in spark.sql("DESCRIBE DETAIL grows").first().tableFeatures
    spark.sql("DELETE FROM vt WHERE id = 1")
    assert spark.table("vt").count() == 3


def test_parquet_and_json_files_hold_variants(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    frame = spark.sql("""SELECT 1 AS id, parse_json('{"a":[1,2.50]}') AS v UNION ALL SELECT 2, NULL""")
    frame.write.parquet(base + "/p")
    back = spark.read.parquet(base + "/p")
    assert back.schema.simpleString() == "struct<id:int,v:variant>", back.schema
    assert [tuple(r) for r in back.orderBy("id").select("id", F.to_json("v")).collect()] == [(1, '{"a":[1,2.5]}'), (2, None)]
    frame.write.json(base + "/j")
    assert sorted(r.value for r in spark.read.text(base + "/j").collect()) == ['{"id":1,"v":{"a":[1,2.5]}}', '{"id":2}']


def test_files_become_one_column(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in")
    frame = spark.read.option("singleVariantColumn", "v").json(base + "/in")
    assert frame.schema.simpleString() == "struct<v:variant>"
    assert texts(frame) == ['7', '[1,2]', '{"a":1,"b":[1.5,"x"]}']
    assert spark.read.option("singleVariantColumn", "v").json(base + "/in").count() == 3
    raises(Exception, lambda: spark.read.schema("v STRING").option("singleVariantColumn", "v").json(base + "/in").collect(), "INVALID_SINGLE_VARIANT_COLUMN")
    raises(Exception, lambda: spark.read.option("singleVariantColumn", "v").option("rowTag", "r").format("orc").load(base + "/in").collect(), "singleVariantColumn")
    rows = spark.sql(f"SELECT to_json(v) FROM read_files('{base}/in', format => 'json', singleVariantColumn => 'v')").collect()
    assert sorted(r[0] for r in rows) == ['7', '[1,2]', '{"a":1,"b":[1.5,"x"]}']


def test_files_are_read_as_spark_reads_them(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    with open(os.path.join(SPARK, "data", "variant.json"), encoding="utf-8") as file:
        cases = json.load(file)["files"]
    differs = []
    for number, case in enumerate(cases):
        if case["options"].get("multiLine") and case["text"].count("}") == 2 and case["text"][0] == "{":
            continue  # all values of a file are read, not only the first (docs/formats/json.md)
        if case["options"].get("singleVariantColumn") == "":
            continue  # no name is no column
        documents(f"{base}/{number}", text=case["text"])
        try:
            reader = spark.read.options(**case["options"])
            frame = (reader.schema(case["schema"]) if case["schema"] else reader).format(case["format"]).load(f"{base}/{number}")
            shown = [F.to_json(f"`{f.name}`") if "variant" in f.dataType.simpleString() else F.col(f.name).cast("string") for f in frame.schema]
            found = [list(row) for row in frame.select(*shown).collect()]
            variants = [F.schema_of_variant(f.name) for f in frame.schema if f.dataType.simpleString() == "variant"]
            shapes = [list(row) for row in frame.select(*variants).collect()] if "shapes" in case else None
            if shapes != case.get("shapes"):
                differs.append(f"{case}: {shapes}")
        except Exception as error:
            found = str(error)
        if "rows" in case and found != case["rows"]:
            differs.append(f"{case}: {found}")
        if "error" in case and case["error"] not in found and not (case["options"].get("mode") == "FAILFAST" and "MALFORMED_RECORD_IN_PARSING" in found):
            differs.append(f"{case}: {found}")
    assert len(cases) > 50 and not differs, "\n".join(differs)


def test_bad_records_beside_the_column(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in", text='{"a":1}\n{bad\n{"a":1,"a":2}\n')
    read = spark.read.option("singleVariantColumn", "v")
    rows = read.schema("v VARIANT, _corrupt_record STRING").json(base + "/in").select(F.to_json("v"), "_corrupt_record").collect()
    assert [tuple(r) for r in rows] == [('{"a":1}', None), (None, "{bad"), (None, '{"a":1,"a":2}')], rows
    assert read.option("mode", "DROPMALFORMED").json(base + "/in").count() == 1
    raises(Exception, lambda: read.option("mode", "FAILFAST").json(base + "/in").collect(), "MALFORMED_RECORD_IN_PARSING")


def test_auto_loader_fills_a_table(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in")
    stream = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("singleVariantColumn", "v").load(base + "/in")
    assert stream.schema.simpleString() == "struct<v:variant>", stream.schema

    def run():
        stream.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("loaded").awaitTermination()

    run()
    documents(base + "/in", "more.json", '{"new":{"column":true}}\n')
    run()
    assert texts(spark.table("loaded")) == ['7', '[1,2]', '{"a":1,"b":[1.5,"x"]}', '{"new":{"column":true}}']


def test_csv_and_xml_by_every_door(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    for kind, text, more, options in (("csv", 'id,name\n1,"a,b"\n2\n', 'id,name,new\n3,x,true\n', {"header": "true"}),
                                      ("xml", "<r><row a='1'>x</row><row><b>2</b></row></r>", "<r><row><c>new</c></row></r>", {"rowTag": "row"})):
        documents(f"{base}/{kind}", text=text)
        options = {**options, "singleVariantColumn": "v"}
        first = ['{"id":1,"name":"a,b"}', '{"id":2}'] if kind == "csv" else ['{"_VALUE":"x","_a":1}', '{"b":2}']
        added = '{"id":3,"name":"x","new":true}' if kind == "csv" else '{"c":"new"}'
        named = ", ".join(f"{name} => '{value}'" for name, value in options.items())
        assert sorted(r[0] for r in spark.sql(f"SELECT to_json(v) FROM read_files('{base}/{kind}', format => '{kind}', {named})").collect()) == first
        assert spark.read.options(**options).format(kind).load(f"{base}/{kind}").count() == 2
        stream = spark.readStream.format("cloudFiles").option("cloudFiles.format", kind).options(**options).load(f"{base}/{kind}")
        assert stream.schema.simpleString() == "struct<v:variant>", stream.schema
        spark.sql(f"CREATE TABLE copied_{kind} (v VARIANT) USING delta")
        copy = f"COPY INTO copied_{kind} FROM '{base}/{kind}' FILEFORMAT = {kind} FORMAT_OPTIONS (" + ", ".join(f"'{name}' = '{value}'" for name, value in options.items()) + ")"
        for number in range(2):
            stream.writeStream.option("checkpointLocation", f"{base}/cp_{kind}").trigger(availableNow=True).toTable(f"loaded_{kind}").awaitTermination()
            spark.sql(copy)
            for table in ("loaded", "copied"):
                assert texts(spark.table(f"{table}_{kind}")) == sorted(first + [added] * number), (kind, table, texts(spark.table(f"{table}_{kind}")))
            documents(f"{base}/{kind}", "more", more)


def test_bad_records_of_csv_and_xml_beside_the_column(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/csv", text='id,name\n1,x\n2\n')
    documents(base + "/xml", text="<r><row><a>1</a></row><row><a>2</row></r>")
    for kind, options, bad in (("csv", {"header": "true"}, "2"), ("xml", {"rowTag": "row"}, "<row><a>2</row></r>")):
        read = spark.read.options(**options).option("singleVariantColumn", "v")
        assert read.option("mode", "DROPMALFORMED").format(kind).load(f"{base}/{kind}").count() == 1
        stream = (spark.readStream.format("cloudFiles").option("cloudFiles.format", kind).option("singleVariantColumn", "v").options(**options)
                  .option("cloudFiles.quarantineTable", f"bad_{kind}").load(f"{base}/{kind}"))
        stream.writeStream.option("checkpointLocation", f"{base}/cp_{kind}").trigger(availableNow=True).toTable(f"good_{kind}").awaitTermination()
        assert spark.table(f"good_{kind}").count() == 1 and [bytes(r.raw).decode() for r in spark.table(f"bad_{kind}").collect()] == [bad], spark.table(f"bad_{kind}").collect()
        rescued = (spark.read.options(**options).option("singleVariantColumn", "v").option("rescuedDataColumn", "r").format(kind).load(f"{base}/{kind}")
                   .selectExpr("to_json(v)", "r").collect())
        assert len(rescued) == 2, rescued


def test_bad_records_go_to_the_quarantine(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in", text='{"a":1}\n{bad\n')
    stream = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("singleVariantColumn", "v")
              .option("cloudFiles.quarantineTable", "bad_ones").load(base + "/in"))
    stream.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("good_ones").awaitTermination()
    assert texts(spark.table("good_ones")) == ['{"a":1}'] and spark.table("bad_ones").count() == 1


def test_copy_into_takes_records_whole(server, spark):
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in")
    spark.sql("CREATE TABLE copied (v VARIANT) USING delta")
    copy = f"COPY INTO copied FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('singleVariantColumn' = 'v')"
    spark.sql(copy)
    spark.sql(copy)
    assert texts(spark.table("copied")) == ['7', '[1,2]', '{"a":1,"b":[1.5,"x"]}']


def test_members_become_rows(server, spark):
    assert [tuple(r) for r in spark.sql("SELECT pos, key, to_json(value) FROM variant_explode(parse_json('{\"b\":1,\"a\":[2]}'))").collect()] == [(0, "a", "[2]"), (1, "b", "1")]
    assert [r.x for r in spark.sql("SELECT x FROM VALUES (array(1, 2)), (array()) AS t(xs), LATERAL explode(xs) AS e(x) WHERE x > 1").collect()] == [2]
    assert [tuple(r) for r in spark.sql("SELECT i, x FROM VALUES (1, array(5, 6)), (2, array()) AS t(i, xs) JOIN LATERAL explode(xs) AS e(x) ON x > 5").collect()] == [(1, 6)]
    assert [tuple(r) for r in spark.sql("SELECT i, x FROM VALUES (1, array(5)), (2, array()) AS t(i, xs) LEFT JOIN LATERAL explode(xs) AS e(x)").collect()] == [(1, 5), (2, None)]
    raises(Exception, lambda: spark.sql("SELECT * FROM range(2) AS t, LATERAL (SELECT t.id)").collect(), "LATERAL")
    base = tempfile.mkdtemp(dir=server.directory)
    documents(base + "/in", text='[{"id":1},{"id":2}]\n{"a":3}\n7\n')
    stream = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("singleVariantColumn", "v").load(base + "/in")
    stream.createOrReplaceTempView("whole_records")
    rows = spark.sql("SELECT e.key, e.value FROM whole_records, LATERAL variant_explode(v) AS e")
    rows.writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable("members").awaitTermination()
    assert sorted(map(tuple, spark.sql("SELECT coalesce(key, '-'), to_json(value) FROM members").collect())) == [("-", '{"id":1}'), ("-", '{"id":2}'), ("a", "3")]


def test_paths_in_sql(spark):
    row = spark.sql("""SELECT v:a.b[0]::int AS x, v:['c d'] AS y, v:a AS z FROM (SELECT parse_json('{"a":{"b":[5]},"c d":1}') AS v)""").first()
    assert row.x == 5 and row.y.toPython() == 1 and row.z.toPython() == {"b": [5]}


if __name__ == "__main__":
    main(globals())
