"""examples/medallion/: the tables are those that a plain computation gives, however the pipeline is run, stopped and run again."""
import os
import signal
import sys
import time

import harness

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
os.environ["PYTHONPATH"] = os.path.join(TOP, "examples", "medallion")  # the module of the functions that the server is to run
sys.path += [os.environ["PYTHONPATH"], os.path.join(TOP, "tests", "spark")]

import make_raw  # noqa: E402
import medallion_expected  # noqa: E402
import pipeline  # noqa: E402


def check(spark, directory, history=False):
    assert not medallion_expected.differences(medallion_expected.expected(directory, history), medallion_expected.found(spark)), \
        medallion_expected.differences(medallion_expected.expected(directory, history), medallion_expected.found(spark))


def versions(spark):
    return {table: [row.version for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()][0] for table in pipeline.TABLES}


def wait_until(done, what, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"after {seconds} s: {what}"
        time.sleep(0.05)


def example(server, spark, name, **options):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    directory = os.path.join(server.directory, name)
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {name}")
    spark.sql(f"USE {name}")
    make_raw.make(directory, orders=120)
    return directory, pipeline.Pipeline(spark, directory, **options)


def test_one_run_loads_everything_and_the_next_changes_nothing(server, spark):
    directory, job = example(server, spark, "once")
    rows = job.once()
    check(spark, directory)
    assert rows["bronze"] == rows["silver"] == medallion_expected.expected(directory)["bronze"], rows
    before = versions(spark)
    assert job.once() == {"bronze": 0, "silver": 0, "gold": 0}
    assert versions(spark) == before
    make_raw.make(directory, orders=30, first=1000)
    job.once()
    check(spark, directory)


def test_backfill_and_stream_meet_in_the_same_table_and_rebuild_gives_the_same(server, spark):
    directory, job = example(server, spark, "backfilled")
    job.once()
    job.backfill()
    job.once()
    check(spark, directory, history=True)
    job.rebuild()
    check(spark, directory, history=True)


def test_the_same_script_without_cloud_files(server, spark):
    directory, job = example(server, spark, "plain", cloud_files=False)
    job.once()
    check(spark, directory)


def test_continuous_with_a_second_client_and_the_server_killed_in_the_middle(server, spark):
    own = harness.Server()
    try:
        first = own.session()
        directory, job = example(own, first, "going_on")
        job.continuous(every="20 milliseconds")
        second = own.session()
        second.conf.set("spark.sql.session.timeZone", "UTC")
        second.sql("USE going_on")
        wait_until(lambda: second.catalog.tableExists("gold_sales") and second.table("gold_sales").count() > 0, "no gold")
        for kill in range(3):
            make_raw.make(directory, orders=60, first=1000 * (kill + 1))
            time.sleep(0.1 * kill)
            own.process.send_signal(signal.SIGKILL)
            own.process.wait()
            own.start()
            spark = own.session()
            spark.conf.set("spark.sql.session.timeZone", "UTC")
            spark.sql("USE going_on")
            job = pipeline.Pipeline(spark, directory)
            queries = job.continuous(every="20 milliseconds")
        for query in queries + queries[1:] + queries[2:]:
            query.processAllAvailable()
        wait_until(lambda: not medallion_expected.differences(medallion_expected.expected(directory), medallion_expected.found(spark)),
                   medallion_expected.differences(medallion_expected.expected(directory), medallion_expected.found(spark)), 20)
        for query in queries:
            query.stop()
    finally:
        own.close()


if __name__ == "__main__":
    harness.main(globals())
