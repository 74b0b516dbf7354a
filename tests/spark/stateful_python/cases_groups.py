"""applyInPandasWithState, case by case. Functions are made inside functions: their worker does not have this module."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))
from suite import Case  # noqa: E402

from pyspark.sql import functions as F  # noqa: E402


def row(k, v, second):
    return {"k": k, "v": v, "ts": None if second is None else f"2024-01-01T00:{second // 60:02}:{second % 60:02}Z"}


def rows(*triples):
    return ("events", [row(*triple) for triple in triples])


def counting():
    def count(key, frames, state):
        import pandas
        n = state.getOption[0] if state.exists else 0
        for frame in frames:
            n += len(frame)
        state.update((n,))
        yield pandas.DataFrame({"k": [key[0]], "n": [n]})
    return count


def seen():
    """What a function is given, in words. Columns of text are objects before pandas 3."""
    def see(key, frames, state):
        import pandas
        words = [f"{type(key).__name__}({', '.join(f'{type(one).__name__} {one}' for one in key)})", f"timed out {state.hasTimedOut}",
                 f"exists {state.exists}", f"state {state.getOption}", type(frames).__name__ in ("generator", "list")]
        for frame in frames:
            words.append(f"{type(frame.index).__name__} {list(frame.index)} {[(name, str(kind).replace('str', 'object')) for name, kind in frame.dtypes.items()]} "
                         f"{[[type(value).__name__ + ' ' + str(value) for value in line] for line in frame.astype(object).values.tolist()]}")
        state.update((str(key[0]),))
        yield pandas.DataFrame({"said": [str(words)]})
    return see


def timing(timeout_of, timed_out="remove", say_watermark=False):
    """`timeout_of`: (seconds of the last row, state) → called to set a timeout."""
    def time(key, frames, state):
        import pandas
        if state.hasTimedOut:
            sizes = [(type(frames).__name__, len(frame), list(frame.columns)) for frame in frames]
            said = f"timed out with {state.getOption} {sizes}"
            if timed_out == "remove":
                state.remove()
            elif timed_out == "again":
                state.update((state.get[0] + 100,))
                timeout_of(state, state.get[0])
        else:
            n = state.getOption[0] if state.exists else 0
            last = 0
            for frame in frames:
                n += len(frame)
                last = max(last, int(frame.ts.max().timestamp()))
            state.update((n,))
            timeout_of(state, last)
            said = f"{n} rows"
        if say_watermark:
            said += f" at {state.getCurrentWatermarkMs()}"
        yield pandas.DataFrame({"k": [key[0]], "said": [said]})
    return time


def after(milliseconds):
    def set_timeout(state, last):
        state.setTimeoutDuration(milliseconds)
    return set_timeout


def at(seconds):
    def set_timeout(state, last):
        state.setTimeoutTimestamp((last + seconds) * 1000)
    return set_timeout


def at_or_later(seconds):
    """Not before the watermark, which Spark refuses."""
    def set_timeout(state, last):
        state.setTimeoutTimestamp(max((last + seconds) * 1000, state.getCurrentWatermarkMs()))
    return set_timeout


def groups(function, output, state="n INT", mode="update", timeout="NoTimeout", by=("k",), watermark=None, prepare=None, then=None):
    def build(sources):
        frame = sources.stream()
        if watermark:
            frame = frame.withWatermark("ts", watermark)
        if prepare:
            frame = prepare(frame)
        frame = frame.groupBy(*by).applyInPandasWithState(function, output, state, mode, timeout)
        return then(frame) if then else frame
    return build


PLAIN = [rows(("a", 1, 0), ("b", 2, 1), ("a", 3, 2)), rows(("a", 4, 3), (None, 5, 4)), "restart", rows(("b", 6, 5), (None, 7, 6), ("c", 8, 7))]
NO_EMPTY = {"spark.sql.streaming.noDataMicroBatches.enabled": "false"}
COUNT = "k STRING, n INT"
SAID = "k STRING, said STRING"


def cases():
    made = []

    def add(name, build, mode="update", steps=None, **more):
        made.append(Case(name=f"groups/{name}", build=build, mode=mode, steps=PLAIN if steps is None else steps, **more))

    add("count", groups(counting(), COUNT))
    add("count, live", groups(counting(), COUNT), live=True)
    add("count in append mode", groups(counting(), COUNT, mode="append"), mode="append")
    add("given strings", groups(seen(), "said STRING", "k STRING"))
    add("given nulls", groups(seen(), "said STRING", "k STRING"), steps=[rows(("a", 1, 0), ("a", None, None), ("b", None, 3)), rows(("b", 1, None), ("a", 3, 2))])
    add("given by a number", groups(seen(), "said STRING", "k STRING", by=("v",)), steps=[rows(("a", 1, 0), ("b", None, 1), ("c", 1, 2)), rows(("d", None, 0))])
    kinds = ["k", "v", "ts", "cast(v AS double) d", "cast(v AS decimal(10,2)) m", "v > 1 AS b", "date(ts) AS day", "array(v, 1) AS l", "struct(v, k) AS s",
             "map(k, v) AS h", "binary(k) AS x", "cast(v AS byte) y", "cast(ts AS timestamp_ntz) z"]
    for key in ("d", "m", "b", "day", "s", "x", "y", "z", "l", "ts"):
        add(f"given by {key}", groups(seen(), "said STRING", "k STRING", by=(key,), prepare=lambda frame: frame.selectExpr(*kinds)),
            steps=[rows(("a", 1, 0), ("b", 2, 1), ("a", 1, 0)), rows(("b", None, 1), ("c", 3, None))])
    add("given by two", groups(seen(), "said STRING", "k STRING", by=("k", F.expr("v % 2"))))
    add("given by an expression", groups(seen(), "said STRING", "k STRING", by=(F.expr("v % 2").alias("odd"), F.lit(7))))

    def removing():
        def remove(key, frames, state):
            import pandas
            total = (state.get[0] if state.exists else 0) + sum(int(frame.v.sum()) for frame in frames)
            if total > 4:
                state.remove()
            else:
                state.update((total,))
            yield pandas.DataFrame({"k": [key[0]], "n": [total]})
        return remove

    add("removed", groups(removing(), COUNT))

    def removed_always():
        def remove(key, frames, state):
            state.remove()
            return []
        return remove

    add("removed before it is there", groups(removed_always(), COUNT))

    def silent():
        return lambda key, frames, state: iter([])
    add("nothing done", groups(silent(), COUNT))

    def many():
        def make(key, frames, state):
            import pandas
            for frame in frames:
                yield pandas.DataFrame({"k": [], "n": []})
                yield pandas.DataFrame()
                for n in range(3):
                    yield pandas.DataFrame({"n": [n, n + 1], "k": [key[0], "x"]})
            state.update((1,))
        return make

    add("many frames", groups(many(), COUNT))

    def by_position():
        def make(key, frames, state):
            import pandas
            return [pandas.DataFrame([[key[0], sum(len(frame) for frame in frames)]])]
        return make

    add("columns without names", groups(by_position(), COUNT))

    def returned(value_of, columns):
        def make(key, frames, state):
            import pandas
            return [pandas.DataFrame(value_of(), columns=columns)]
        return make

    add("more columns", groups(returned(lambda: [[1, 2, 3]], ["k", "n", "m"]), COUNT))
    add("fewer columns", groups(returned(lambda: [[1]], ["k"]), COUNT))
    add("other columns", groups(returned(lambda: [["a", 1]], ["k", "m"]), COUNT))
    add("floats for ints", groups(returned(lambda: [["a", 1.0], ["b", 2.0], ["c", None]], ["k", "n"]), COUNT))
    add("fractions for ints", groups(returned(lambda: [["a", 1.5]], ["k", "n"]), COUNT))
    add("text for ints", groups(returned(lambda: [["a", "x"]], ["k", "n"]), COUNT))
    add("digits for ints", groups(returned(lambda: [["a", "7"]], ["k", "n"]), COUNT))
    add("ints for text", groups(returned(lambda: [[1, 1]], ["k", "n"]), COUNT))
    add("not an iterator", groups(lambda key, frames, state: 7, COUNT))
    add("a frame", groups((lambda: lambda key, frames, state: __import__("pandas").DataFrame({"k": ["a"], "n": [1]}))(), COUNT))
    add("not frames", groups(lambda key, frames, state: [7], COUNT))
    add("an exception", groups(lambda key, frames, state: 1 // 0, COUNT))
    add("state that is not there", groups(lambda key, frames, state: state.get, COUNT))
    add("a timeout without one", groups(lambda key, frames, state: state.setTimeoutDuration(1), COUNT))
    add("a moment without one", groups(lambda key, frames, state: state.setTimeoutTimestamp(1), COUNT))
    add("a watermark without one", groups(lambda key, frames, state: state.getCurrentWatermarkMs(), COUNT))
    add("no state given", groups(lambda key, frames, state: state.update(None), COUNT))
    add("a state of two for one", groups(lambda key, frames, state: state.update((1, 2)) or [], COUNT))

    def kept(value_of, columns):
        """Keeps a value, and says what comes back with the next batch."""
        def keep(key, frames, state):
            import pandas
            said = str([(type(one).__name__, str(one)) for one in state.get]) if state.exists else "nothing"
            state.update(value_of())
            yield pandas.DataFrame({"k": [key[0]], "said": [said]})
        return groups(keep, SAID, columns)

    again = [rows(("a", 1, 0)), rows(("a", 1, 0))]
    for name, value_of, columns in [
        ("numbers", lambda: (1, 2, 3, 4, 1.5, 2.5, True), "a BYTE, b SHORT, c INT, d LONG, e FLOAT, f DOUBLE, g BOOLEAN"),
        ("numbers of other types", lambda: (300, 70000, 1 << 40, 1 << 70, 1, 2, 1), "a BYTE, b SHORT, c INT, d LONG, e FLOAT, f DOUBLE, g BOOLEAN"),
        ("floats for ints", lambda: (1.5, True, "x", 2.0), "a INT, b INT, c INT, d LONG"),
        ("of numpy", lambda: (__import__("numpy").int64(7), __import__("numpy").float64(1.5), __import__("pandas").Timestamp("2024-01-02 03:04:05")), "a INT, b DOUBLE, c TIMESTAMP"),
        ("text", lambda: ("x", None, 7, True, 1.5), "a STRING, b STRING, c STRING, d STRING, e STRING"),
        ("times", lambda: (__import__("datetime").datetime(2024, 1, 2, 3, 4, 5, 6), __import__("datetime").date(2024, 1, 2), __import__("datetime").datetime(2024, 1, 2, 3)),
         "a TIMESTAMP, b DATE, c TIMESTAMP_NTZ"),
        ("bytes and decimals", lambda: (b"xy", bytearray(b"z"), __import__("decimal").Decimal("1.25"), __import__("decimal").Decimal("1.255"), 3),
         "a BINARY, b BINARY, c DECIMAL(10,2), d DECIMAL(10,2), e DECIMAL(10,2)"),
        ("nested", lambda: ([1, None, 2], {"a": 1, "b": None}, (1, "x"), [[1], []], [(1, "y")]),
         "a ARRAY<INT>, b MAP<STRING, INT>, c STRUCT<x: INT, y: STRING>, d ARRAY<ARRAY<INT>>, e ARRAY<STRUCT<x: INT, y: STRING>>"),
        ("nulls", lambda: (None, None, None, None), "a INT, b STRING, c ARRAY<INT>, d STRUCT<x: INT>"),
    ]:
        add(f"state of {name}", kept(value_of, columns), steps=again)

    large = [("events", [row(f"k{n % 3}", n, 0) for n in range(25_000)]), ("events", [row(f"k{n % 3}", n, 0) for n in range(7)])]

    def sizes():
        def size(key, frames, state):
            import pandas
            n, total, largest = 0, 0, 0
            for frame in frames:
                n += len(frame)
                total += int(frame.v.sum())
                largest = max(largest, len(frame))
            state.update((n + (state.get[0] if state.exists else 0),))
            yield pandas.DataFrame({"k": [key[0]] * n, "n": [total if largest <= 10_000 else -1] * n})
        return size

    add("large groups", groups(sizes(), "k STRING, n LONG", then=lambda frame: frame.where("n % 2 = 0")), steps=large)

    def first_only():
        def first(key, frames, state):
            import pandas
            for frame in frames:
                state.update((len(frame) > 0,))
                return iter([pandas.DataFrame({"k": [key[0]], "n": [1]})])
        return first

    add("large groups, not read", groups(first_only(), COUNT, "seen BOOLEAN"), steps=large)

    spread = [rows(("a", 1, 0), ("b", 2, 1), ("a", 3, 2)), rows(("c", 4, 30), ("a", 5, 31)), rows(("a", 0, 3), ("d", 0, 22)), "restart", rows(("e", 6, 60), ("a", 7, 61)), rows(("f", 8, 100))]
    for name, timed_out in (("removed", "remove"), ("set again", "again"), ("left alone", "nothing")):
        add(f"event time, {name}", groups(timing(at_or_later(5), timed_out, say_watermark=True), SAID, timeout="EventTimeTimeout", watermark="10 seconds"), steps=spread)
        add(f"event time, {name}, live", groups(timing(at_or_later(5), timed_out, say_watermark=True), SAID, timeout="EventTimeTimeout", watermark="10 seconds"), steps=spread,
            live=True)
        add(f"processing time, {name}", groups(timing(after(1), timed_out), SAID, timeout="ProcessingTimeTimeout"), steps=spread, conf=NO_EMPTY)
    add("event time, append", groups(timing(at(5)), SAID, timeout="EventTimeTimeout", watermark="10 seconds", mode="append"), mode="append", steps=spread, live=True)
    add("event time, only while there is data", groups(timing(at_or_later(5)), SAID, timeout="EventTimeTimeout", watermark="10 seconds"), steps=spread, conf=NO_EMPTY)
    add("event time, in the past", groups(timing(at(-3600)), SAID, timeout="EventTimeTimeout", watermark="10 seconds"), steps=spread)
    add("event time without a watermark", groups(timing(at(5)), SAID, timeout="EventTimeTimeout"), steps=spread)
    add("watermark, no timeout", groups(timing(lambda state, last: None, say_watermark=True), SAID, watermark="10 seconds"), steps=spread)
    add("watermark, processing time", groups(timing(after(3_600_000), say_watermark=True), SAID, timeout="ProcessingTimeTimeout", watermark="10 seconds"), steps=spread, conf=NO_EMPTY)

    def timeout_alone():
        def set_timeout(key, frames, state):
            import pandas
            if not state.hasTimedOut:
                state.setTimeoutTimestamp(max(20_000 + 1704067200000, state.getCurrentWatermarkMs()))
            yield pandas.DataFrame({"k": [key[0]], "said": [f"{state.hasTimedOut} {state.exists}"]})
        return set_timeout

    add("event time, a timeout without a state", groups(timeout_alone(), SAID, timeout="EventTimeTimeout", watermark="10 seconds"), steps=spread)

    add("update in an append query", groups(counting(), COUNT), mode="append")
    add("append in an update query", groups(counting(), COUNT, mode="append"))
    add("in a complete query", groups(counting(), COUNT), mode="complete")
    add("of mode complete", groups(counting(), COUNT, mode="complete"))
    add("of mode UPDATE", groups(counting(), COUNT, mode="UPDATE"))
    add("of no mode", groups(counting(), COUNT, mode="some"))
    add("of no timeout", groups(counting(), COUNT, timeout="some"))
    add("no schema", groups(counting(), "k STRING,"))
    add("no state schema", groups(counting(), COUNT, "n WHAT"))
    add("by nothing", groups(seen(), "said STRING", "k STRING", by=()))
    add("then counted", groups(counting(), COUNT, mode="append", then=lambda frame: frame.groupBy("k").count()), mode="complete")
    add("then counted, update", groups(counting(), COUNT, mode="append", then=lambda frame: frame.groupBy("k").count()))
    add("updating, then counted", groups(counting(), COUNT, then=lambda frame: frame.groupBy("k").count()), mode="complete")
    add("counted before", groups(counting(), COUNT, mode="append", prepare=lambda frame: frame.groupBy("k").count()), mode="complete")
    add("windows before, append", groups(counting(), COUNT, mode="append", watermark="10 seconds", prepare=lambda frame: frame.groupBy(F.window("ts", "5 seconds"), "k").count()), mode="append",
        steps=spread)
    add("without duplicates, then", groups(counting(), COUNT, prepare=lambda frame: frame.dropDuplicates(["k", "v"])))
    add("then without duplicates", groups(counting(), COUNT, mode="append", then=lambda frame: frame.dropDuplicates(["k", "n"])), mode="append")
    add("event time, then without duplicates", groups(timing(at(5)), SAID, timeout="EventTimeTimeout", watermark="10 seconds", mode="append",
                                                      then=lambda frame: frame.dropDuplicates(["k"])), mode="append", steps=spread)
    add("twice", groups(counting(), COUNT, mode="append", then=lambda frame: frame.groupBy("k").applyInPandasWithState(counting(), COUNT, "n INT", "append", "NoTimeout")), mode="append")
    add("then limited", groups(counting(), COUNT, mode="append", then=lambda frame: frame.limit(2)), mode="append")
    add("then selected", groups(counting(), COUNT, then=lambda frame: frame.where("n > 1").selectExpr("upper(k) AS u", "n * 2 AS m")))
    add("of a table", lambda sources: sources.static([("a", 1)], "k STRING, v INT").groupBy("k").applyInPandasWithState(counting(), COUNT, "n INT", "update", "NoTimeout"))
    made.append(Case(name="groups/another function after a restart", build=groups(counting(), COUNT), rebuild=groups(removing(), COUNT), mode="update", steps=PLAIN))
    made.append(Case(name="groups/another state after a restart", build=groups(counting(), COUNT), rebuild=groups(counting(), COUNT, "n LONG, m INT"), mode="update", steps=PLAIN))
    made.append(Case(name="groups/another key after a restart", build=groups(counting(), COUNT), rebuild=groups(counting(), COUNT, by=("v",)), mode="update", steps=PLAIN))
    return {case.name: case for case in made}

