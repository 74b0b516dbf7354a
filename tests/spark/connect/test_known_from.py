"""Files that are known from elsewhere, and files that a list or a query names: knownFrom, FILES = (SELECT …)."""
import json
import os
import shutil
import time

import harness
from pyspark.errors import PySparkException
from test_error_budget import fails, stream
from test_quarantine import fresh, write


def landing(*ids):
    source = fresh()
    for i in ids:
        write(source, f"{i} a.json", f'{{"id": {i}}}\n')
    return source


def ids(spark, table):
    return sorted(row.id for row in spark.table(table).collect())


def states(spark, query):
    return {os.path.basename(row.path): row for row in spark.sql(f"SELECT * FROM {query}").collect()}


def test_a_stream_survives_the_loss_of_its_checkpoint(spark):
    source, base = landing(1, 2), fresh()
    stream(spark, source, "survives", base, inferColumnTypes="true")
    shutil.rmtree(base)
    write(source, "3.json", '{"id": 3}\n')
    query = stream(spark, source, "survives", base, inferColumnTypes="true", knownFrom="survives")
    assert ids(spark, "survives") == [1, 2, 3]
    found = states(spark, f"cloud_files_state('{base}')")
    assert found["1%20a.json"].ingestion_state == "SKIPPED_EXISTING" and "known from survives" in found["1%20a.json"].reason, found
    assert found["3.json"].ingestion_state == "INGESTED", found
    # At the first start only: what is forgotten later is loaded.
    spark.sql(f"FORGET FILES IN STREAM '{base}' WHERE path LIKE '%1%20a.json'")
    stream(spark, source, "survives", base, inferColumnTypes="true", knownFrom="survives")
    assert len(query.recentProgress) > 0


def test_streams_and_copy_into_share_what_they_know(spark):
    source, base = landing(1, 2), fresh()
    spark.sql("CREATE TABLE shared (id BIGINT)")
    copy = f"COPY INTO shared FROM '{source}' FILEFORMAT = JSON"
    spark.sql(copy)
    write(source, "3.json", '{"id": 3}\n')
    stream(spark, source, "shared", base, inferColumnTypes="true", knownFrom="shared")
    assert ids(spark, "shared") == [1, 2, 3]
    write(source, "4.json", '{"id": 4}\n')
    row = spark.sql(copy + f" COPY_OPTIONS ('knownFrom' = '{base}')").first()
    assert row.num_inserted_rows == 1 and ids(spark, "shared") == [1, 2, 3, 4]
    found = states(spark, "copy_into_state('shared')")
    assert found["3.json"].ingestion_state == "SKIPPED_EXISTING" and "known from" in found["3.json"].first_error, found
    # The ledger has it from now on.
    assert spark.sql(copy).first().num_inserted_rows == 0 and ids(spark, "shared") == [1, 2, 3, 4]
    # force and FORGET load it all the same.
    spark.sql("FORGET FILES IN shared WHERE ingestion_state = 'SKIPPED_EXISTING'")
    assert spark.sql(copy).first().num_inserted_rows == 1


def test_the_log_of_a_file_stream(spark):
    source, base = landing(1, 2), fresh()
    query = spark.readStream.format("json").schema("id BIGINT").load(source).writeStream.option("checkpointLocation", base).trigger(availableNow=True).toTable("by_log")
    query.awaitTermination()
    write(source, "3.json", '{"id": 3}\n')
    spark.sql("CREATE TABLE from_log (id BIGINT)")
    spark.sql(f"COPY INTO from_log FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = '{base}')")
    assert ids(spark, "from_log") == [3]
    # A step that is logged and whose batch is not committed has loaded nothing.
    last = max(int(name) for name in os.listdir(base + "/commits") if name.isdigit())
    for name in os.listdir(base + "/commits"):
        if name.lstrip(".").split(".")[0] == str(last):
            os.remove(f"{base}/commits/{name}")
    spark.sql("CREATE TABLE from_log_2 (id BIGINT)")
    spark.sql(f"COPY INTO from_log_2 FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = '{base}')")
    assert ids(spark, "from_log_2") == ([1, 2, 3] if last == 0 else ids(spark, "from_log_2"))


def test_lists_of_paths(spark):
    source = landing(1, 2, 3)
    spark.createDataFrame([(f"file://{source}/1%20a.json", "INGESTED"), (f"{source}/2 a.json", "INGESTED"), (f"{source}/3 a.json", None)],
                          "path STRING, ingestion_state STRING").write.saveAsTable("exported")
    lists = {"table": "exported", "csv": fresh() + "/known.csv", "json": fresh() + "/known.json", "txt": fresh() + "/known.txt"}
    write(os.path.dirname(lists["csv"]), "known.csv", f"path,size\n{source}/1 a.json,1\n{source}/2 a.json,1\n")
    write(os.path.dirname(lists["json"]), "known.json", "".join(json.dumps({"path": f"{source}/{i} a.json"}) + "\n" for i in (1, 2)))
    write(os.path.dirname(lists["txt"]), "known.txt", f"{source}/1 a.json\n{source}/2 a.json\n")
    for kind, name in lists.items():
        spark.sql(f"CREATE TABLE listed_{kind} (id BIGINT)")
        spark.sql(f"COPY INTO listed_{kind} FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = '{name}')")
        assert ids(spark, f"listed_{kind}") == [3], kind
    base = fresh()
    stream(spark, source, "listed_stream", base, inferColumnTypes="true", knownFrom="exported")
    assert ids(spark, "listed_stream") == [3]


def test_a_list_that_is_longer_than_memory_holds(spark):
    """More than a million names: they are sorted on disk."""
    source = landing(1, 2, 3)
    names = [f"{source}/{i} a.json" for i in (3, 1)]
    name = fresh() + "/known.txt"
    with open(name, "w", encoding="utf-8") as file:
        file.write(names[0] + "\n")
        file.writelines(f"{source}/x{i * 7919 % 1_100_003}.json\n" for i in range(1_100_003))
        file.write(names[1] + "\n")
    spark.sql("CREATE TABLE long_list (id BIGINT)")
    spark.sql(f"COPY INTO long_list FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = '{name}')")
    assert ids(spark, "long_list") == [2]


def test_what_says_nothing_is_refused(spark):
    source = landing(1)
    spark.sql("CREATE TABLE target (id BIGINT)")
    spark.range(3).write.saveAsTable("says_nothing")
    empty = fresh()
    for name, said in [("says_nothing", "no column path"), (empty, "sources"), (empty + "/none", "nothing is there"), ("no_such_table", "TABLE_OR_VIEW_NOT_FOUND")]:
        error = fails(spark, f"COPY INTO target FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = '{name}')")
        assert said in error, error
    spark.sql("SELECT 's3://bucket/a.json' AS path").write.saveAsTable("far_away")
    error = fails(spark, f"COPY INTO target FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('knownFrom' = 'far_away')")
    assert "none of this machine" in error, error
    assert ids(spark, "target") == []


def test_files_of_a_query(spark):
    source = landing(1, 2, 3, 4)
    spark.createDataFrame([("1 a.json",), (f"{source}/2 a.json",), (f"file://{source}/3%20a.json",)], "name STRING").createOrReplaceTempView("manifest")
    spark.sql("CREATE TABLE by_query (id BIGINT)")
    copy = f"COPY INTO by_query FROM '{source}' FILEFORMAT = JSON FILES = "
    assert spark.sql(copy + "(SELECT name FROM manifest WHERE name LIKE '1%')").first().num_inserted_rows == 1
    assert spark.sql(copy + "(WITH m AS (SELECT name FROM manifest) SELECT name FROM m) COPY_OPTIONS ('mergeSchema' = 'true')").first().num_inserted_rows == 2
    assert ids(spark, "by_query") == [1, 2, 3]
    assert spark.sql(copy + "(SELECT name FROM manifest WHERE false)").first().num_inserted_rows == 0
    assert "one column" in fails(spark, copy + "(SELECT name, 1 FROM manifest)")
    assert "one column" in fails(spark, copy + "(SELECT 1)")
    assert "null" in fails(spark, copy + "(SELECT CAST(NULL AS STRING))")
    assert "is none" in fails(spark, copy + "(SELECT 'file:///etc/passwd')")
    assert "PATH_NOT_FOUND" in fails(spark, copy + "(SELECT 'none.json')")
    assert "PATTERN" in fails(spark, copy + "(SELECT name FROM manifest) PATTERN = '*'")


def test_very_many_names(spark):
    source = fresh()
    for i in range(2000):
        write(source, f"{i}.json", f'{{"id": {i}}}\n')
    names = ", ".join(f"'{i}.json'" for i in range(2000))
    spark.sql("CREATE TABLE many (id BIGINT)")
    assert spark.sql(f"COPY INTO many FROM '{source}' FILEFORMAT = JSON FILES = ({names})").first().num_inserted_rows == 2000
    # Known names cost a look each.
    many = ", ".join(f"'{i % 2000}.json'" for i in range(100_000))
    begin = time.monotonic()
    assert spark.sql(f"COPY INTO many FROM '{source}' FILEFORMAT = JSON FILES = ({many})").first().num_inserted_rows == 0
    assert time.monotonic() - begin < 30
    spark.sql(f"COPY INTO many FROM '{source}' FILEFORMAT = JSON FILES = (SELECT concat(id % 2000, '.json') FROM range(100000))")
    assert spark.table("many").count() == 2000


if __name__ == "__main__":
    harness.main(globals())
