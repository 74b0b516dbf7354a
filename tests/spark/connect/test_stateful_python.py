"""applyInPandasWithState and transformWithState, batch by batch as Apache Spark 4.2 ran them (tests/spark/stateful_python/record.py).

    test_stateful_python.py [a prefix of names …]      only those
"""
import json
import os
import shutil
import sys
import tempfile
import threading

os.environ["TZ"] = "UTC"  # times are given in the zone of the process, the server's workers included
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(here), "stateful_python"))

import pandas  # noqa: E402
import pyspark  # noqa: E402

import harness  # noqa: E402
from test_differential_streams import difference  # noqa: E402

from stateful_cases import all_cases  # noqa: E402
from suite import run_case  # noqa: E402

RECORDED = os.path.join(os.path.dirname(here), "data", "stateful_python.json")
THREADS = 2
# Spark's faults, which this does not have.
BETTER = {
    "groups/given by an expression": "classic PySpark cannot name an expression among the keys",
    "groups/given by two": "classic PySpark cannot name an expression among the keys",
    "groups/state of nested": "KeyError: 'elementType' in Spark's worker",
    "groups/state of nulls": "KeyError: 'elementType' in Spark's worker",
    "groups/then without duplicates": "ClassCastException: ColumnarBatchRow cannot be cast to UnsafeRow",
    "groups/then limited": "ClassCastException: ColumnarBatchRow cannot be cast to UnsafeRow",
}
OTHER = {"groups/no schema": "DDL that ends too early is another error here",
         "transform/no schema": "DDL with a type that is not there is another error here",
         "transform/initial state by another type": "refused here; Spark keeps it under keys that no row has"}

# What a function sees of nulls and of text depends on these.
AS_RECORDED = pyspark.__version__.startswith("4.2") and pandas.__version__.startswith("2.")


def run_all(spark_of, cases):
    """name → what came."""
    found, lock, waiting = {}, threading.Lock(), list(reversed(cases.items()))
    work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)

    def worker():
        spark = spark_of()
        while True:
            with lock:
                if not waiting:
                    return
                name, case = waiting.pop()
            result = run_case(spark, case, os.path.join(work, name.replace("/", "-").replace(" ", "")))
            with lock:
                found[name] = result

    threads = [threading.Thread(target=worker) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shutil.rmtree(work, ignore_errors=True)
    return found


def main():
    with open(RECORDED, encoding="utf-8") as data:
        recorded = json.load(data)
    prefixes = tuple(sys.argv[1:])
    cases = {name: case for name, case in all_cases().items() if name.startswith(prefixes or ("",))}
    unrecorded = [name for name in cases if name not in recorded]
    server = harness.Server()
    found = run_all(lambda: server.session(**{"spark.sql.shuffle.partitions": "1"}), {name: case for name, case in cases.items() if name in recorded})
    failed = unrecorded + [] if server.alive() else ["the server has died"]
    for name in unrecorded:
        print(f"FAIL {name}: not recorded")
    for name, result in found.items():
        if name in BETTER and recorded[name].get("error"):
            differs = f"error {result['error']}" if "error" in result else None
        else:
            differs = difference(recorded[name], result)
        if differs and name not in OTHER and (AS_RECORDED or not name.startswith("groups/given")):
            failed.append(name)
            print(f"FAIL {name}: {differs}")
    server.close()
    print(f"tests: {len(cases) - len(failed)} passed, {len(failed)} failed", flush=True)
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main()
