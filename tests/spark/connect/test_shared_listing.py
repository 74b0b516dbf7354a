#!/usr/bin/env python3
"""Several streams over one directory read its names together (cloudFiles.sharedListing), and each loads what it would load alone."""
import tempfile
import threading
import time

from harness import main, raises
from test_auto_loader import write


def reader(spark, base, **options):
    source = spark.readStream.format("cloudFiles").schema("id INT").option("cloudFiles.format", "json")
    for name, value in options.items():
        source = source.option(name if name == "pathGlobFilter" else "cloudFiles." + name, value)
    return source.load(base + "/in")


def test_streams_over_one_directory_load_what_each_would_load_alone(spark):
    base = tempfile.mkdtemp()
    for number in range(40):
        write(f"{base}/in/d{number % 4}/{number}.json", {"id": number})
    frames = [reader(spark, base), reader(spark, base), reader(spark, base, sharedListing="false"), reader(spark, base, pathGlobFilter="1*.json")]
    queries = [frame.writeStream.option("checkpointLocation", f"{base}/cp{at}").trigger(processingTime="20 milliseconds").toTable(f"shared_{at}")
               for at, frame in enumerate(frames)]
    spark.sql("CREATE TABLE shared_copy (id INT) USING delta")
    copy = f"COPY INTO shared_copy FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true')"
    for number in range(40, 80):
        write(f"{base}/in/d{number % 4}/{number}.json", {"id": number})
        if number % 10 == 0:
            time.sleep(0.3)
            spark.sql(copy)
    for query in queries:
        query.processAllAvailable()
    spark.sql(copy)
    # Looks of the two that look alike: one does for both, once a second.
    deadline = time.monotonic() + 60
    spared = 0
    while spared == 0 and time.monotonic() < deadline:
        time.sleep(4)
        write(f"{base}/in/d0/{1000 + int(time.monotonic() * 10)}.txt", {"id": -1})  # a batch tells how things stand
        progress = [query.lastProgress for query in queries[:2]]
        spared = sum(int(one["sources"][0]["metrics"].get("numLooksShared", 0)) for one in progress if one)
    alone = queries[2].lastProgress["sources"][0]["metrics"]
    for query in queries:
        query.stop()
    assert spared > 0, progress
    assert "numLooksShared" not in alone and "numDirectoriesShared" not in alone, alone
    ids = lambda table: sorted(row.id for row in spark.table(table).collect() if row.id >= 0)
    for table in ("shared_0", "shared_1", "shared_2", "shared_copy"):
        assert ids(table) == list(range(80)), table
    assert ids("shared_3") == sorted(number for number in range(80) if str(number).startswith("1"))


def test_many_loads_at_a_time_lose_nothing(spark):
    base = tempfile.mkdtemp()
    for number in range(200):
        write(f"{base}/in/{number}.json", {"id": number})
    queries = [reader(spark, base).writeStream.option("checkpointLocation", f"{base}/cp{at}").trigger(availableNow=True).toTable(f"at_once_{at}")
               for at in range(4)]
    for at in range(2):
        spark.sql(f"CREATE TABLE copy_at_once_{at} (id INT) USING delta")
    threads = [threading.Thread(target=lambda at=at: spark.sql(f"COPY INTO copy_at_once_{at} FROM '{base}/in' FILEFORMAT = JSON").collect()) for at in range(2)]
    for thread in threads:
        thread.start()
    for waits in threads + queries:
        waits.join() if isinstance(waits, threading.Thread) else waits.awaitTermination()
    for table in [f"at_once_{at}" for at in range(4)] + [f"copy_at_once_{at}" for at in range(2)]:
        rows = spark.table(table).collect()
        assert sorted(row.id for row in rows) == list(range(200)), (table, len(rows))


def test_the_option_is_a_boolean(spark):
    base = tempfile.mkdtemp()
    write(base + "/in/a.json", {"id": 1})
    raises(Exception, lambda: reader(spark, base, sharedListing="sometimes").schema, "MILLSTREAM_INVALID_OPTION_VALUE", "sharedListing")


if __name__ == "__main__":
    main(globals())
