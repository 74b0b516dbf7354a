"""The DELETE, UPDATE and MERGE statements of tests/spark/changes, as Apache Spark with Delta ran them (tests/spark/data/changes.json), with and without
deletion vectors. tests/spark/changes/known_differences.json says what differs, and why.

    test_changes.py [a prefix of names …]
"""
import json
import os
import sys

os.environ["TZ"] = "UTC"
here = os.path.dirname(os.path.abspath(__file__))
changes = os.path.join(os.path.dirname(here), "changes")
sys.path.insert(0, changes)

import harness  # noqa: E402
from cases import CASES, run_case  # noqa: E402


def difference(expected, actual):
    for one, other in zip(expected["results"], actual["results"]):
        # What PySpark without Connect makes of an error that it cannot translate.
        if one.get("error") == "Py4JJavaError" and "error" in other:
            one["error"] = other["error"]
    for number, (one, other) in enumerate(zip(expected["results"], actual["results"])):
        if one.get("error") != other.get("error") or one.get("rows") != other.get("rows"):
            return f"statement {number}: {json.dumps(one)} in Spark, {json.dumps(other)} here"
    for part in ("table", "feed"):
        if expected[part].get("rows") != actual[part].get("rows") or expected[part].get("error") != actual[part].get("error"):
            return f"{part}: {json.dumps(expected[part])} in Spark, {json.dumps(actual[part])} here"
    if expected["commits"] != actual["commits"]:
        return f"{expected['commits']} commits in Spark, {actual['commits']} here"
    return None


def main():
    with open(os.path.join(os.path.dirname(here), "data", "changes.json")) as data:
        recorded = json.load(data)
    with open(os.path.join(changes, "known_differences.json")) as data:
        known = json.load(data)
    prefixes = tuple(sys.argv[1:])
    server = harness.Server()
    spark = server.session()
    same, wrong = 0, []
    for name in CASES:
        if name not in recorded or (prefixes and not name.startswith(prefixes)):
            continue
        for vectors in ("true", "false"):
            differs = difference(recorded[name], run_case(spark, name, vectors))
            same += not differs
            if differs and (prefixes or name not in known):
                print("FAIL", name, "vectors" if vectors == "true" else "rewriting", differs)
                wrong.append(name)
    server.close()
    print(f"{same} statements' cases are as in Spark, {len(known)} known differences")
    print(f"tests: {same} passed, {len(wrong)} failed", flush=True)
    sys.stderr.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
