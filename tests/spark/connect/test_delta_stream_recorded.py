#!/usr/bin/env python3
"""What options of a Delta stream do, against what Spark 4.2 with delta-spark 4.4 has answered (tests/spark/record_stream_io.py): rows, offsets of every batch,
error classes and messages. The tables are made here by the same statements."""
import json
import os
import re
import tempfile

from harness import main

ANSWERS = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/stream_io/answers.json")))

DML = {
    "snapshot": {}, "startingVersion 0": {"startingVersion": 0}, "startingVersion 1": {"startingVersion": 1}, "startingVersion 3": {"startingVersion": 3},
    "startingVersion 5": {"startingVersion": 5}, "startingVersion 6": {"startingVersion": 6}, "startingVersion latest": {"startingVersion": "latest"},
    "startingVersion x": {"startingVersion": "x"}, "startingVersion -1": {"startingVersion": -1},
    "both": {"startingVersion": 1, "startingTimestamp": "2020-01-01"}, "timestamp past": {"startingTimestamp": "2020-01-01"},
    "timestamp future": {"startingTimestamp": "2090-01-01"}, "timestamp bad": {"startingTimestamp": "soon"},
    "ignoreDeletes": {"startingVersion": 0, "ignoreDeletes": True}, "ignoreChanges": {"startingVersion": 0, "ignoreChanges": True},
    "ignoreDeletes 4": {"startingVersion": 4, "ignoreDeletes": True}, "starting 4": {"startingVersion": 4},
    "skipChangeCommits": {"startingVersion": 0, "skipChangeCommits": True}, "excludeRegex": {"excludeRegex": "part-0"},
    "excludeRegex bad": {"excludeRegex": "("}, "maxFiles 1": {"maxFilesPerTrigger": 1}, "maxFiles 0": {"maxFilesPerTrigger": 0},
    "maxFiles x": {"maxFilesPerTrigger": "x"}, "maxBytes 1": {"maxBytesPerTrigger": "1b"}, "maxBytes 0": {"maxBytesPerTrigger": 0},
    "both max": {"maxBytesPerTrigger": "1b", "maxFilesPerTrigger": 5}, "cdf off": {"readChangeFeed": True}, "versionAsOf": {"versionAsOf": 1},
    "unknown option": {"nonsense": 1}, "maxFiles from 0": {"startingVersion": 0, "skipChangeCommits": True, "maxFilesPerTrigger": 1},
}
CDF = {"snapshot": {}, "from 0": {"startingVersion": 0}, "from 1": {"startingVersion": 1}, "latest": {"startingVersion": "latest"},
       "max 1": {"maxFilesPerTrigger": 1}, "max 1 from 0": {"startingVersion": 0, "maxFilesPerTrigger": 1}}


def text_of(error):
    text = str(error).split("\n\nJVM stacktrace")[0]
    return re.sub(r"\s+", " ", text)


def message_of(recorded):
    """The cause's condition and the words of its message that do not name files, ids or times."""
    text = re.sub(r"\s+", " ", recorded["message"]).split("terminated with exception: ")[-1]
    condition = re.match(r"\[([A-Z_.0-9]+)\]", text)
    return condition.group(1) if condition else "", text


def answer(spark, path, options):
    checkpoint = tempfile.mkdtemp()
    name = "q" + os.path.basename(checkpoint)
    try:
        frame = spark.readStream.format("delta").options(**options).load(path)
        query = frame.writeStream.format("memory").queryName(name).option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
        query.awaitTermination(60)
    except Exception as error:
        return {"message": text_of(error)}
    offsets = []
    for batch in sorted(int(n) for n in os.listdir(checkpoint + "/offsets") if n.isdigit()):
        offsets.append(json.loads(open(f"{checkpoint}/offsets/{batch}").read().split("\n")[2]))
    return {"rows": sorted(json.dumps(row.asDict(), default=str) for row in spark.table(name).collect()), "offsets": offsets}


def without_ids(offset):
    return {key: value for key, value in offset.items() if key != "reservoirId"}


def without_times(row):
    return {key: value for key, value in json.loads(row).items() if key != "_commit_timestamp"}


def compare(name, ours):
    recorded = ANSWERS[name]
    if "result" not in recorded:
        condition, message = message_of(recorded)
        if "message" not in ours:
            return f"{name}: {ours} instead of {condition}: {message}"
        if condition not in ours["message"]:
            return f"{name}: {ours['message'][:300]} instead of {condition}: {message[:300]}"
        return None
    if "message" in ours:
        return f"{name}: {ours['message'][:400]} instead of {recorded}"
    rows, expected = [sorted(json.dumps(without_times(row), sort_keys=True) for row in answer["rows"]) for answer in (ours, recorded["result"])]
    if rows != expected:
        return f"{name}: rows {rows} instead of {expected}"
    offsets = [without_ids(offset) for offset in ours["offsets"]]
    expected = [without_ids(json.loads(offset)) for offset in recorded["result"]["offsets"]]
    if offsets != expected:
        return f"{name}: offsets {offsets} instead of {expected}"
    return None


def check(spark, path, kind, cases, **always):
    wrong = [difference for name, options in cases.items() if (difference := compare(f"{kind}: {name}", answer(spark, path, {**always, **options})))]
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)


def test_options_of_a_stream(spark):
    path = tempfile.mkdtemp() + "/dml"
    spark.range(0, 5, 1, 1).write.format("delta").save(path)
    spark.range(5, 10, 1, 1).write.format("delta").mode("append").save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 7")
    spark.range(10, 12, 1, 1).write.format("delta").mode("append").save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id < 5")
    check(spark, path, "dml", DML)


def test_the_change_feed_as_a_stream(spark):
    path = tempfile.mkdtemp() + "/cdf"
    spark.range(0, 5, 1, 1).write.format("delta").option("delta.enableChangeDataFeed", True).save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 3")
    spark.sql(f"UPDATE delta.`{path}` SET id = 40 WHERE id = 4")
    spark.range(10, 12, 1, 1).write.format("delta").mode("append").save(path)
    check(spark, path, "cdf", CDF, readChangeFeed=True)


if __name__ == "__main__":
    main(globals())
