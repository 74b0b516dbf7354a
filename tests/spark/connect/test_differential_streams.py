"""The streaming queries of tests/spark/differential, batch by batch as Apache Spark 4.2 ran them (tests/spark/data/streams.json).

Each case must give the recorded rows, watermark, state counts and error class, unless tests/spark/differential/known_differences.json says why it
does not. A case in that list which gives what Spark gives is named: it is to be taken out.

    test_differential_streams.py [a prefix of names …]      prints what differs; with prefixes the list of known differences is not asked
    test_differential_streams.py --write-known-differences  makes the list anew, for a person to read; reasons that are there are kept
"""
import json
import os
import shutil
import sys
import tempfile
import threading

os.environ["TZ"] = "UTC"  # times are collected in the zone of the process, the server's workers included
here = os.path.dirname(os.path.abspath(__file__))
differential = os.path.join(os.path.dirname(here), "differential")
sys.path.insert(0, differential)

import harness  # noqa: E402

RECORDED = os.path.join(os.path.dirname(here), "data", "streams.json")
KNOWN = os.path.join(differential, "known_differences.json")
CASE_SECONDS = 60
# A client may take this long in all; the suite is one script of many.
THREADS = 2


def same_error(expected, actual):
    """Where Spark has no class, any error at the same place is as good."""
    if expected is None or actual is None:
        return expected is actual
    if expected["at"] != actual["at"]:
        return False
    for key in ("class", "cause"):
        name = expected.get(key)
        if name is not None and name != actual.get(key):
            return False
    return True


def difference(expected, actual):
    """None, or what differs first, in a line."""
    if not same_error(expected.get("error"), actual.get("error")):
        return f"error: {expected.get('error')} in Spark, {actual.get('error')} here"
    if len(expected["batches"]) != len(actual["batches"]) and not expected.get("error"):
        return f"{len(expected['batches'])} batches in Spark, {len(actual['batches'])} here: {rows_of(expected)} and {rows_of(actual)}"
    for one, other in zip(expected["batches"], actual["batches"]):
        # Not "input": Spark counts the rows that are left after what it pushes into the reading of JSON.
        for key in ("batch", "rows", "watermark", "state"):
            if key == "rows" and (one["rows"] is None or other["rows"] is None) and expected.get("error"):
                continue
            if one.get(key) != other.get(key):
                return f"batch {one['batch']}: {key} {json.dumps(one.get(key))} in Spark, {json.dumps(other.get(key))} here"
    return None


def rows_of(result):
    return [len(batch["rows"] or []) for batch in result["batches"]]


def run_all(cases, recorded):
    """name → difference, or None."""
    from suite import run_case
    server = harness.Server()
    found, lock, waiting = {}, threading.Lock(), list(reversed(cases.items()))
    work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)

    def worker():
        spark = server.session(**{"spark.sql.shuffle.partitions": "1"})
        while True:
            with lock:
                if not waiting or not server.alive():
                    return
                name, case = waiting.pop()
            result = {}
            root = os.path.join(work, name.replace("/", "-").replace(" ", ""))
            runner = threading.Thread(target=lambda: result.update(guarded(run_case, spark, case, root)), daemon=True)  # noqa: B023
            runner.start()
            runner.join(CASE_SECONDS)
            if runner.is_alive():
                found[name] = "does not end"
                spark = server.session(**{"spark.sql.shuffle.partitions": "1"})
                continue
            found[name] = result["harness"] if "harness" in result else difference(recorded[name], result)
            for query in spark.streams.active:
                query.stop()
            shutil.rmtree(root, ignore_errors=True)

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in cases:
        found.setdefault(name, "the server has died")
    server.close()
    shutil.rmtree(work, ignore_errors=True)
    return found


def guarded(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001: the other cases go on
        return {"harness": f"{type(error).__name__}: {str(error)[:200]}"}


def write_known(found, known):
    # What a person has written does not begin like this.
    reasons = {name: reason for name, reason in known.items() if not reason.startswith("differs: ")}
    lines = [f"{json.dumps(name)}: {json.dumps(reasons.get(name) or 'differs: ' + difference[:160])}" for name, difference in found.items() if difference]
    with open(KNOWN, "w") as out:
        out.write("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    import pyspark
    if pyspark.__version__ < "4.2":
        print("recorded with 4.2, and asked by its client alone\ntests: 0 passed, 0 failed")
        return
    with open(RECORDED) as data:
        recorded = json.load(data)
    with open(KNOWN) as data:
        known = json.load(data)
    arguments = sys.argv[1:]
    prefixes = tuple(argument for argument in arguments if not argument.startswith("--"))
    from all_cases import all_cases
    cases = {name: case for name, case in all_cases().items() if name in recorded and (not prefixes or name.startswith(prefixes))}
    found = run_all(cases, recorded)
    if "--write-known-differences" in arguments:
        write_known(found, known)
    wrong = []
    for name, differs in found.items():
        if prefixes:
            print("differs" if differs else "ok", name, differs or "", flush=True)
            wrong += [name] if differs else []
        elif differs and name not in known:
            print("FAIL", name, differs)
            wrong.append(name)
        elif not differs and name in known:
            print("note:", name, "is as in Spark now: take it out of known_differences.json")
    same = sum(1 for differs in found.values() if not differs)
    print(f"{same} of {len(cases)} streaming queries are as in Spark, {len(known)} known differences")
    print(f"tests: {len(cases) - len(wrong)} passed, {len(wrong)} failed", flush=True)
    sys.stderr.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
