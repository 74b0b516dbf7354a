#!/usr/bin/env python3
"""Asks Apache Spark what it makes of VARIANT: the bytes of parse_json for variant_documents.py, the answers of variant_cases.sql. Writes data/variant.json.

    python tests/spark/record_variant.py        # with pyspark 4.2 and a JDK 17
"""
import json
import os
import pathlib
import re
import tempfile

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession, functions as F, types as T

from variant_documents import DOCUMENTS, LONG

HERE = pathlib.Path(__file__).parent
TABLE = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ 0x82F63B78 if i & 1 else i >> 1
    TABLE.append(i)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def bytes_of(data):
    return data.hex() if len(data) < 4096 else {"size": len(data), "crc32c": crc32c(data) if len(data) < 1 << 22 else None}


def condition(error):
    return error.getCondition() or class_in(str(error))


def class_in(message):
    """Of an error that Py4J knows by its Java class only."""
    found = re.search(r"\[([A-Z][A-Z_.0-9]+)\]", message)
    return found.group(1) if found else "?"


def error_of(run):
    try:
        run()
    except PySparkException as error:
        return {"error": condition(error)}
    except Exception as error:
        return {"error": class_in(str(error))}
    raise AssertionError("an error was expected")


def documents(spark, texts):
    """All at once with try_parse_json; what that makes null is asked for once more, for the error."""
    frame = spark.createDataFrame([(i, text) for i, text in enumerate(texts)], "i INT, s STRING").coalesce(1)
    value = F.try_parse_json("s")
    rows = frame.select("i", value, F.to_json(value), F.schema_of_variant(value)).orderBy("i").collect()
    found = []
    for (_, variant, shown, schema), text in zip(rows, texts):
        if variant is None:
            found.append(error_of(lambda: spark.createDataFrame([(text,)], "s STRING").select(F.parse_json("s")).collect()))
        else:
            found.append({"value": bytes_of(variant.value), "metadata": bytes_of(variant.metadata), "json": shown, "type": schema})
    return [{"text": text, **case} for text, case in zip(texts, found)]


def long_document(spark, start, repeated, times, end):
    frame = spark.range(1).select(F.parse_json(F.concat(F.lit(start), F.repeat(F.lit(repeated), times), F.lit(end))).alias("v"))
    try:
        variant = frame.first()[0]
        case = {"value": bytes_of(variant.value), "metadata": bytes_of(variant.metadata)}
    except Exception:
        case = error_of(frame.collect)
    return {"text": [start, repeated, times, end], **case}


def has_variant(data_type):
    return "variant" in data_type.simpleString()


def shown(field, name):
    if isinstance(field.dataType, T.VariantType):
        return F.col(name)
    return F.to_json(name) if has_variant(field.dataType) else F.col(name).cast("string")


def cell(value):
    return "0x" + bytes(value.value).hex() + "/" + bytes(value.metadata).hex() if isinstance(value, T.VariantVal) else value


def answer(spark, text, ansi, zone):
    spark.conf.set("spark.sql.ansi.enabled", str(ansi).lower())
    spark.conf.set("spark.sql.session.timeZone", zone)
    case = {"sql": text, "ansi": ansi, "zone": zone}
    try:
        frame = spark.sql(text)
        case["types"] = [field.dataType.simpleString() + ("" if field.nullable else " not null") for field in frame.schema]
        names = [f"o{i}" for i in range(len(frame.columns))]
        frame = frame.toDF(*names).select([shown(field, name).alias(name) for field, name in zip(frame.schema, names)])
        case["rows"] = [[cell(value) for value in row] for row in frame.collect()]
    except PySparkException as error:
        case["error"] = condition(error)
        case["message"] = str(error).split("JVM stacktrace")[0][:300]
    except Exception as error:
        case["error"] = class_in(str(error))
    return case


JSON = '{"a":1}\n[1,{"b":2}]\n5\n"x"\nnull\n{"a":1,"a":2}\n{bad\n\n {"b":[1.50,2e0],"a":null} \n{"a":1} {"a":2}\n{"s":"\\ud83d"}\n{\'q\':NaN}\n1 2\n// c\n'
CSV = 'id,name,when\n1,x,2026-01-02\n2.50,,true\n3,"a,b"\n4,y,z,more\n-0,007,1e3\nNaN,null,2026-01-02 03:04:05\n'
XML = '<rows><row id="1"><a>2</a><b>x</b></row><row><a>1</a><a>2.5</a><c><d>true</d></c><e/></row><row>text</row><row><a>2026-01-02</a></row></rows>'
V = {"singleVariantColumn": "v"}
FILES = [
    ("json", V, None, JSON), ("json", {**V, "mode": "DROPMALFORMED"}, None, JSON), ("json", {**V, "mode": "FAILFAST"}, None, JSON), ("json", V, "v VARIANT", JSON),
    ("json", V, "v VARIANT, _corrupt_record STRING", JSON), ("json", V, "_corrupt_record STRING, v VARIANT", JSON), ("json", V, "w VARIANT", JSON), ("json", V, "v STRING", JSON),
    ("json", V, "v VARIANT, x INT", JSON), ("json", {**V, "multiLine": "true"}, None, '[{"a":1},\n{"a":2}]'), ("json", {**V, "multiLine": "true"}, None, '{"a":\n1}\n{"a":2}'),
    ("json", {**V, "multiLine": "true"}, "v VARIANT, _corrupt_record STRING", '{"a":\n'), ("json", {**V, "allowSingleQuotes": "false"}, "v VARIANT, _corrupt_record STRING", JSON),
    ("json", {**V, "columnNameOfCorruptRecord": "bad"}, "v VARIANT, bad STRING", JSON), ("json", {**V, "primitivesAsString": "true"}, None, JSON), ("json", V, None, ""),
    ("json", {}, "a VARIANT, s STRING", JSON), ("json", {}, "a VARIANT, _corrupt_record STRING", JSON), ("json", {"singleVariantColumn": ""}, None, '{"a":1}'),
    ("csv", V, None, CSV), ("csv", {**V, "header": "true"}, None, CSV), ("csv", {**V, "header": "true"}, "v VARIANT, _corrupt_record STRING", CSV),
    ("csv", {**V, "header": "true", "mode": "DROPMALFORMED"}, None, CSV), ("csv", {**V, "header": "true", "mode": "FAILFAST"}, None, CSV), ("csv", {"header": "true"}, "id VARIANT, name STRING, when VARIANT", CSV),
    ("xml", {**V, "rowTag": "row"}, None, XML), ("xml", {**V, "rowTag": "row", "attributePrefix": "@"}, "v VARIANT", XML), ("xml", {"rowTag": "row"}, "a VARIANT, b STRING", XML),
]

TYPED_CSV = ('a,b,c,d,e,f\n1,2026-01-02,true,1.5,x,9\n1e3,2026-01-02 03:04:05,2026-01-02,3,TRUE,\n"1,000",,TRUE,12345678901234567890,false,1\n'
             '1e-40,noon,1.0,99999999999999999999999999999999999999.9,+5,-\n7,x,"",0.10,true,5\n')
TYPED_XML = ('<rows><row><A>1</A><a>2</a><B>3</B></row><row x="1">t<b>u</b>v</row><row x="t"/><row>  </row><row/><row><a> 1.50 </a><b>1,5</b><c>1e2</c><d/><e>TRUE</e></row>'
             '<row><a><![CDATA[x]]>y</a><n xmlns:p="u"><p:q p:r="1">2</p:q></n></row><row><z><b>1</b><a>2</a></z><c>x</c><c/></row><row><c> </c><d>2026-01-02</d></row></rows>')
BROKEN_XML = '<rows><row><a>1</a></row><row><a>2</row><row><a>3</a></row></rows>'
XML_COLUMNS = '<rows><row><a/><b>1</b><b><c>2</c></b></row><row><a x="1">2</a><b/></row><row><a>3</a><a>4</a></row></rows>'
H, R = {**V, "header": "true"}, {**V, "rowTag": "row"}
MORE_FILES = [  # with the types of their variants
    ("csv", H, None, TYPED_CSV), ("csv", V, None, TYPED_CSV), ("csv", {**H, "preferDate": "false"}, None, TYPED_CSV), ("csv", {**H, "nullValue": "x", "emptyValue": "e"}, None, TYPED_CSV),
    ("csv", {**H, "dateFormat": "MM/dd/yyyy", "timestampFormat": "yyyy"}, None, "a,b\n01/02/2026,2026\n3,4\n"), ("csv", {**H, "inferSchema": "false"}, "v VARIANT", "a\n1\n"),
    ("csv", H, "v VARIANT, _corrupt_record STRING", "a,b,a\n1,2,3\n"), ("csv", H, "v VARIANT, _corrupt_record STRING", "a,,c\n1,2,3\n"), ("csv", H, None, "a,A\n1,2\n"),
    ("csv", H, "w VARIANT", TYPED_CSV), ("csv", {**H, "mode": "DROPMALFORMED"}, "v VARIANT, _corrupt_record STRING", CSV), ("csv", {"header": "true"}, "a VARIANT, b VARIANT, c VARIANT, d VARIANT, e VARIANT, f VARIANT", TYPED_CSV),
    ("csv", {**H, "multiLine": "true"}, None, 'a,b\n1,"x\ny"\n'), ("csv", {**H, "sep": ";", "comment": "#"}, None, "a;b\n#no\n1;2\n"),
    ("xml", R, None, TYPED_XML), ("xml", {**R, "inferSchema": "false"}, None, TYPED_XML), ("xml", {**R, "excludeAttribute": "true", "valueTag": "t"}, None, TYPED_XML),
    ("xml", {**R, "nullValue": "x"}, None, TYPED_XML), ("xml", {**R, "ignoreSurroundingSpaces": "false"}, None, TYPED_XML), ("xml", {**R, "ignoreNamespace": "true"}, None, TYPED_XML),
    ("xml", R, "v VARIANT, _corrupt_record STRING", BROKEN_XML), ("xml", {**R, "mode": "DROPMALFORMED"}, None, BROKEN_XML), ("xml", {**R, "mode": "FAILFAST"}, None, BROKEN_XML),
    ("xml", R, "w VARIANT", XML), ("xml", {"rowTag": "row"}, "a VARIANT, b ARRAY<VARIANT>", XML_COLUMNS), ("xml", {"rowTag": "row"}, "a STRING, b VARIANT, _corrupt_record STRING", XML_COLUMNS),
]


def read_file(spark, format_name, options, schema, text, shapes=False):
    """A file of `text`, read. `shapes`: the types of its variants too."""
    case = {"format": format_name, "options": options, "schema": schema, "text": text}
    with tempfile.TemporaryDirectory() as base:
        pathlib.Path(base, "in." + format_name).write_text(text)
        try:
            reader = spark.read.format(format_name).options(**options)
            frame = (reader.schema(schema) if schema else reader).load(base)
            case["types"] = [f"{field.name} {field.dataType.simpleString()}" for field in frame.schema]
            names = [f"o{i}" for i in range(len(frame.columns))]
            if shapes:
                variants = [name for field, name in zip(frame.schema, names) if isinstance(field.dataType, T.VariantType)]
                case["shapes"] = [list(row) for row in frame.toDF(*names).select([F.schema_of_variant(name) for name in variants]).collect()]
            frame = frame.toDF(*names).select([F.to_json(name) if has_variant(field.dataType) else F.col(name).cast("string") for field, name in zip(frame.schema, names)])
            case["rows"] = [list(row) for row in frame.collect()]
        except Exception as error:
            case["error"] = condition(error) if isinstance(error, PySparkException) else class_in(str(error))
    return case


def main():
    os.environ["PYSPARK_SUBMIT_ARGS"] = "--driver-memory 4g --driver-java-options -Xss64m pyspark-shell"
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    known = documents(spark, DOCUMENTS)
    known += [long_document(spark, *parts) for parts in LONG]
    twice = [case["text"] for case in known if case.get("error") == "VARIANT_DUPLICATE_KEY"]
    spark.conf.set("spark.sql.variant.allowDuplicateKeys", "true")
    known += [{"duplicates": True, **case} for case in documents(spark, twice)]
    spark.conf.unset("spark.sql.variant.allowDuplicateKeys")
    texts = [line for line in (HERE / "variant_cases.sql").read_text().splitlines() if line.strip() and not line.startswith("--")]
    cases = []
    for text in texts:
        first = answer(spark, text, True, "UTC")
        cases.append(first)
        for ansi, zone in ((False, "UTC"), (True, "America/New_York")):  # only where they answer otherwise
            case = answer(spark, text, ansi, zone)
            if {k: case.get(k) for k in ("rows", "error", "types")} != {k: first.get(k) for k in ("rows", "error", "types")}:
                cases.append(case)
    spark.conf.set("spark.sql.ansi.enabled", "true")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    files = [read_file(spark, *file) for file in FILES] + [read_file(spark, *file, shapes=True) for file in MORE_FILES]
    write = lambda items: ",\n".join("  " + json.dumps(item, ensure_ascii=True) for item in items)
    (HERE / "data" / "variant.json").write_text('{"spark": %s, "documents": [\n%s\n], "cases": [\n%s\n], "files": [\n%s\n]}\n' % (json.dumps(spark.version), write(known), write(cases), write(files)))
    print(len(known), "documents,", len(cases), "cases,", sum("error" in case for case in cases), "of them errors")


if __name__ == "__main__":
    main()
