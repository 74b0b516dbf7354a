#!/usr/bin/env python3
"""In which order files go into batches, where a listing starts, and how long a batch may take: fileOrder, startAfter, maxBatchDuration."""
import os
import tempfile

from harness import main, raises
from test_auto_loader import load, stream, write


def dated(path, seconds, *rows):
    write(path, *rows)
    os.utime(path, (seconds, seconds))


def batches(spark, base):
    state = spark.sql(f"SELECT path, batch_id FROM cloud_files_state('{base}/cp')").collect()
    return [os.path.relpath(row.path.removeprefix("file://"), base + "/in") for row in sorted(state, key=lambda row: (row.batch_id, row.path))]


def test_files_are_loaded_in_the_order_that_is_asked_for(spark):
    base = tempfile.mkdtemp()
    dated(base + "/in/b/z.json", 1700000001, {"id": 1})
    dated(base + "/in/b/a/x.json", 1700000003, {"id": 2})
    dated(base + "/in/a.json", 1700000002, {"id": 3})
    for order, wanted in [("path", ["a.json", "b/a/x.json", "b/z.json"]), ("modificationTime", ["b/z.json", "a.json", "b/a/x.json"]),
                          ("discovery", ["a.json", "b/z.json", "b/a/x.json"])]:
        place = f"{base}/{order}"
        os.makedirs(place)
        os.symlink(base + "/in", place + "/in")
        load(stream(spark, place, maxFilesPerTrigger=1, fileOrder=order), place, f"ordered_{order}")
        assert batches(spark, place) == wanted, (order, batches(spark, place))
        assert sorted(int(row.id) for row in spark.table(f"ordered_{order}").collect()) == [1, 2, 3]
        plan = spark.sql(f"SELECT batch, path, state FROM cloud_files_plan('{base}/in', format => 'json', maxFilesPerTrigger => 1, fileOrder => '{order}') "
                         "ORDER BY batch").collect()
        assert [os.path.relpath(row.path.removeprefix("file://"), base + "/in") for row in plan] == wanted, (order, plan)
        # What comes later is loaded once, in any order.
        write(f"{base}/in/{order}.json", {"id": 4})
        load(stream(spark, place, maxFilesPerTrigger=1, fileOrder=order), place, f"ordered_{order}")
        assert spark.table(f"ordered_{order}").count() == 4
        os.remove(f"{base}/in/{order}.json")
    message = raises(Exception, lambda: stream(spark, base, fileOrder="newest").schema, "MILLSTREAM_INVALID_OPTION_VALUE")
    assert "modificationTime" in str(message), message


def test_a_listing_starts_behind_a_path(spark):
    base = tempfile.mkdtemp()
    for day in (1, 2, 3):
        for part in (1, 2):
            write(f"{base}/in/day={day}/part-{part}.json", {"id": day * 10 + part})
    ids = lambda frame: sorted(int(row.id) for row in frame.collect())
    assert ids(spark.sql(f"SELECT id FROM read_files('{base}/in', startAfter => 'day=2/part-1.json')")) == [22, 31, 32]
    assert ids(spark.read.option("startAfter", f"{base}/in/day=2").json(base + "/in").select("id")) == [21, 22, 31, 32]
    assert spark.sql(f"SELECT count(*) AS n FROM cloud_files_plan('{base}/in', format => 'json', startAfter => 'day=3/part-1.json')").first().n == 1
    load(stream(spark, base, startAfter="day=2/part-2.json"), base, "started")
    assert ids(spark.table("started")) == [31, 32]
    # VERIFY FILES does not miss what was not to be listed.
    verified = spark.sql(f"VERIFY FILES IN STREAM '{base}/cp'").collect()
    assert [row.finding for row in verified] == ["VERIFIED"], verified
    spark.sql(f"CREATE TABLE copied (id BIGINT, day INT) USING delta")
    copy = f"COPY INTO copied FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('startAfter' = '%s')"
    spark.sql(copy % "day=2/part-2.json")
    assert ids(spark.table("copied")) == [31, 32]
    spark.sql(copy % "day=1/part-1.json")
    assert ids(spark.table("copied")) == [12, 21, 22, 31, 32]
    for wrong in ("../elsewhere", base + "/other", ""):
        raises(Exception, lambda: spark.sql(f"SELECT * FROM read_files('{base}/in', startAfter => '{wrong}')").collect(), "MILLSTREAM_INVALID_OPTION_VALUE")
        raises(Exception, lambda: spark.sql(copy % wrong), "MILLSTREAM_INVALID_OPTION_VALUE")
    raises(Exception, lambda: spark.sql(f"COPY INTO copied FROM '{base}/in' FILEFORMAT = JSON FILES = ('day=1/part-1.json') "
                                        "FORMAT_OPTIONS ('startAfter' = 'day=1')"), "startAfter")


def test_a_batch_takes_what_it_can_load_in_time(spark):
    base = tempfile.mkdtemp()
    for number in range(6):
        write(f"{base}/in/{number}.json", {"id": number, "filler": "x" * 1_000_000})
    # At first 4 MiB a second: two files of a megabyte in half a second, and no fewer batches than that allows.
    plan = f"SELECT batch, state FROM cloud_files_plan('{base}/in', format => 'json', maxBatchDuration => '500 milliseconds'%s) ORDER BY batch"
    assert [row.batch for row in spark.sql(plan % "").collect()] == [0, 0, 1, 1, 2, 2]
    load(stream(spark, base, maxBatchDuration="500 milliseconds"), base, "timed")
    assert sorted(int(row.id) for row in spark.table("timed").select("id").collect()) == list(range(6))
    first = spark.sql(f"SELECT count(*) AS n FROM cloud_files_state('{base}/cp') WHERE batch_id = 0").first().n
    assert first == 2, first
    # The plan goes by the pace of what was loaded: a millisecond is time for one file in any case.
    for number in (6, 7):
        write(f"{base}/in/{number}.json", {"id": number, "filler": "x" * 1_000_000})
    ahead = spark.sql(plan.replace("500 milliseconds", "1 millisecond") % f", checkpoint => '{base}/cp'").collect()
    assert len({row.batch for row in ahead}) == 2 and all(row.state == "NEW" for row in ahead), ahead
    raises(Exception, lambda: stream(spark, base, maxBatchDuration="soon").schema, "MILLSTREAM_INVALID_OPTION_VALUE")
    raises(Exception, lambda: stream(spark, base, maxBatchDuration="0 seconds").schema, "MILLSTREAM_INVALID_OPTION_VALUE")


if __name__ == "__main__":
    main(globals())
