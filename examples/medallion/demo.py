"""Shows the pipeline at work: `make demo`. Starts a millstream of its own and kills it once, on purpose.

    demo.py --millstream PROGRAM --directory DIR         (DIR is emptied)
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings

warnings.filterwarnings("ignore")
os.environ["PYSPARK_PYTHON"] = sys.executable                                   # runs the foreachBatch function
os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))           # where it finds pipeline.py

import make_raw  # noqa: E402
import pipeline  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


class Server:
    def __init__(self, program, warehouse):
        self.command = [program, "serve", "--port", "0", "--ui-port", "0", "--warehouse", warehouse]

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.remote = self.process.stdout.readline().split()[3]

    def session(self):
        spark = SparkSession.builder.remote(self.remote).create()
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        return spark


def title(text):
    title.number = getattr(title, "number", 0) + 1
    print(f"\n\033[1m== {title.number}. {text}\033[0m" if sys.stdout.isatty() else f"\n== {title.number}. {text}", flush=True)


def count(spark, table):
    return spark.table(table).count()


def rows_of(spark, *tables):
    """What the tables hold, in any order: to see whether they are the same again."""
    return {table: sorted(map(str, spark.table(table).collect())) for table in tables}


def wait_for(done, seconds=30):
    begin = time.monotonic()
    while not done():
        if time.monotonic() - begin > seconds:
            raise TimeoutError("this takes too long: the demo has failed")
        time.sleep(0.005)
    return time.monotonic() - begin


def load_everything(spark, directory):
    title("one run (trigger availableNow): raw files -> bronze -> silver -> gold")
    begin = time.monotonic()
    rows = pipeline.Pipeline(spark, directory).once()
    print(f"   {rows['bronze']} raw records in bronze, {count(spark, 'silver_orders')} orders in silver, {count(spark, 'quarantine')} records in quarantine; "
          f"{time.monotonic() - begin:.1f} s")
    spark.table("gold_sales").orderBy("day", "category").show(6)
    print("   in quarantine, each with its reason and the file that it came from; the original text of what did not fit is in `rescued`:")
    spark.sql("SELECT problem, order_id, quantity, status, substring_index(source_file, '/', -1) AS file FROM quarantine ORDER BY problem, order_id").show(20, 40)
    title("the same run again: nothing is new, nothing changes")
    print("   rows read:", pipeline.Pipeline(spark, directory).once())


def run_on(spark, directory):
    title("the same three queries, running on; 30 orders arrive while a second client looks at gold")
    queries = pipeline.Pipeline(spark, directory).continuous(every="20 milliseconds")
    sold = lambda: spark.sql("SELECT sum(orders) AS orders FROM gold_sales").first().orders  # noqa: E731
    before = sold()
    make_raw.make(directory, orders=30, first=1000)
    seconds = wait_for(lambda: count(spark, "silver_orders") == 435
                       and sold() == spark.sql("SELECT count(*) AS c FROM silver_orders WHERE status <> 'cancelled'").first().c)
    print(f"   {seconds:.2f} s after the files: {before} orders in gold have become {sold()} (cancelled ones do not count)")
    return queries


def kill(server, directory):
    title("kill -9 while files arrive; a new server takes over from the checkpoints")
    make_raw.make(directory, orders=300, first=2000)
    time.sleep(0.02)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    spark = server.session()
    print(f"   killed with {count(spark, 'silver_orders')} orders in silver; now running on")
    queries = pipeline.Pipeline(spark, directory).continuous(every="20 milliseconds")
    wait_for(lambda: count(spark, "silver_orders") == 735)
    for query in queries:
        query.processAllAvailable()
        query.stop()
    lost = spark.sql("SELECT count(*) AS records, count(DISTINCT source_file) AS files FROM bronze_orders").first()
    print(f"   {lost.records} records of {lost.files} files in bronze, {count(spark, 'silver_orders')} orders in silver: none lost, none twice")
    return spark


def rebuild(spark, directory):
    title("a batch job upserts the orders of last year into the same silver table (pipeline.py backfill)")
    job = pipeline.Pipeline(spark, directory)
    before = count(spark, "silver_orders")
    job.backfill()
    job.once()
    print(f"   {before} orders in silver have become {count(spark, 'silver_orders')}: orders that were there already, and newer, are as they were")
    title("all tables again from the raw files (pipeline.py rebuild)")
    tables = ["bronze_orders", "silver_orders", "quarantine", "gold_sales"]
    kept, begin = rows_of(spark, *tables), time.monotonic()
    job.rebuild()
    same = rows_of(spark, *tables) == kept
    print(f"   {time.monotonic() - begin:.1f} s; bronze, silver, quarantine and gold are {'row for row what they were' if same else 'NOT what they were'}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True)
    parser.add_argument("--directory", required=True)
    arguments = parser.parse_args()
    directory = os.path.abspath(arguments.directory)
    shutil.rmtree(directory, ignore_errors=True)
    begin = time.monotonic()
    title(f"orders of a web shop (JSON) and of shops (CSV) have arrived in {directory}/raw, odd ones among them")
    make_raw.make(directory, orders=400)
    for name in ("web", "shops", "history"):
        files = [os.path.join(at, name) for at, _, names in os.walk(f"{directory}/raw/{name}") for name in names]
        print(f"   {name:8} {len(files):3} files, {sum(map(os.path.getsize, files)):7} bytes, such as: {os.path.relpath(min(files, key=len), directory)}")
    server = Server(os.path.abspath(arguments.millstream), f"{directory}/warehouse")
    server.start()
    try:
        spark = server.session()
        load_everything(spark, directory)
        run_on(spark, directory)
        spark = kill(server, directory)
        same = rebuild(spark, directory)
    except Exception:
        traceback.print_exc()
        same = False
    finally:
        server.process.terminate()
        server.process.wait(10)
    print(f"\n{time.monotonic() - begin:.0f} seconds in all")
    sys.stdout.flush()
    os._exit(0 if same else 1)  # the exit hooks of the sessions would look for the server


if __name__ == "__main__":
    main()
