"""transformWithState and transformWithStateInPandas, case by case. Processors are made inside functions: their worker does not have this module."""
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from cases_groups import NO_EMPTY, PLAIN, row, rows
from suite import Case  # by the path that cases_groups has set

SAID = "k STRING, said STRING"
COUNT = "k STRING, n LONG"
HOUR = 3_600_000


def scripted(init, on_rows=None, on_timer=None, on_initial=None, close=None, pandas=False):
    """A processor that says in words what it sees: each of the functions gives lines, which come out as rows (k, said)."""
    from pyspark.sql import Row
    from pyspark.sql.streaming import StatefulProcessor

    def out(key, lines):
        if pandas:
            import pandas as pd
            for line in lines:
                yield pd.DataFrame({"k": [str(key[0])], "said": [str(line)]})
        else:
            for line in lines:
                yield Row(k=str(key[0]), said=str(line))

    class Scripted(StatefulProcessor):
        def init(self, handle):
            self.handle = handle
            init(self, handle)

        def handleInputRows(self, key, rows, timerValues):
            if pandas:
                rows = [line for frame in rows for line in frame.itertuples(index=False)]
            else:
                rows = list(rows)
            yield from out(key, (on_rows or (lambda *_: []))(self, key, rows, timerValues))

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo):
            yield from out(key, (on_timer or (lambda *_: []))(self, key, timerValues, expiredTimerInfo))

        def handleInitialState(self, key, initialState, timerValues):
            if on_initial:
                on_initial(self, key, initialState, timerValues)

        def close(self):
            if close:
                close(self)

    return Scripted()


def transform(processor, output=SAID, mode="update", time="None", by=("k",), watermark=None, prepare=None, then=None, initial=None, event="", pandas=False):
    def build(sources):
        frame = sources.stream()
        if watermark:
            frame = frame.withWatermark("ts", watermark)
        if prepare:
            frame = prepare(frame)
        more = {}
        if initial:
            more["initialState"] = initial(sources)
        if event:
            more["eventTimeColumnName"] = event
        groups = frame.groupBy(*by)
        method = groups.transformWithStateInPandas if pandas else groups.transformWithState
        frame = method(statefulProcessor=processor, outputStructType=output, outputMode=mode, timeMode=time, **more)
        return then(frame) if then else frame
    return build


SPREAD = [rows(("a", 1, 0), ("b", 2, 1), ("a", 3, 2)), rows(("c", 4, 30), ("a", 5, 31)), rows(("a", 0, 3), ("d", 0, 22)), "restart", rows(("e", 6, 60), ("a", 7, 61)), rows(("f", 8, 100))]
AGAIN = [rows(("a", 1, 0)), rows(("a", 1, 0))]
BASE_MS = 1704067200000


def forms():
    return [("", False), (" in pandas", True)]


def counts(pandas=False):
    def init(self, handle):
        self.count = handle.getValueState("count", "n LONG")

    def on_rows(self, key, rows, timers):
        before = self.count.get()
        n = (before[0] if self.count.exists() else 0) + len(rows)
        self.count.update((n,))
        return [f"{before} then {self.count.get()} {n}"]
    return scripted(init, on_rows, pandas=pandas)


def value_cases(add):
    for suffix, pandas in forms():
        add(f"value, counted{suffix}", transform(counts(pandas), pandas=pandas))
        add(f"value, counted{suffix}, live", transform(counts(pandas), pandas=pandas), live=True)
    add("value, in append mode", transform(counts(), mode="append"), mode="append")

    def init(self, handle):
        self.v = handle.getValueState("v", "x STRING, y INT")

    def several(self, key, rows, timers):
        said = [f"{self.v.exists()} {self.v.get()}"]
        self.v.clear()
        said.append(f"{self.v.exists()} {self.v.get()}")
        self.v.update(("one", 1))
        self.v.update(("two", len(rows)))
        said.append(f"{self.v.exists()} {self.v.get()}")
        if rows[0].v == 3 or rows[0].v == 6:
            self.v.clear()
            said.append(f"{self.v.exists()} {self.v.get()}")
        return said
    add("value, changed several times", transform(scripted(init, several)))

    def two(self, handle):
        self.a, self.b = handle.getValueState("a", "n INT"), handle.getValueState("b", "s STRING")

    def swapping(self, key, rows, timers):
        said = f"{self.a.get()} {self.b.get()}"
        if rows[0].v % 2:
            self.a.update((rows[0].v,))
        else:
            self.b.update((str(rows[0].v),))
        return [said]
    add("value, two of them", transform(scripted(two, swapping)))

    def kept(value_of, columns):
        def start(self, handle):
            self.v = handle.getValueState("v", columns)

        def keep(self, key, rows, timers):
            def words(value):
                return str([(type(one).__name__, str(one)) for one in value]) if value is not None else "nothing"
            said = words(self.v.get())
            self.v.update(value_of())
            return [said, words(self.v.get())]
        return transform(scripted(start, keep))

    for name, value_of, columns in [
        ("numbers", lambda: (1, 2, 3, 4, 1.5, 2.5, True), "a BYTE, b SHORT, c INT, d LONG, e FLOAT, f DOUBLE, g BOOLEAN"),
        ("numbers of other types", lambda: (300, 70000, 1 << 40, 1, 1, 2, 1), "a BYTE, b SHORT, c INT, d LONG, e FLOAT, f DOUBLE, g BOOLEAN"),
        ("floats for ints", lambda: (1.5, True, "x", 2.0), "a INT, b INT, c INT, d LONG"),
        ("of numpy", lambda: (__import__("numpy").int64(7), __import__("numpy").float64(1.5), __import__("pandas").Timestamp("2024-01-02 03:04:05")), "a INT, b DOUBLE, c TIMESTAMP"),
        ("text", lambda: ("x", None, 7, True, 1.5), "a STRING, b STRING, c STRING, d STRING, e STRING"),
        ("times", lambda: (__import__("datetime").datetime(2024, 1, 2, 3, 4, 5, 6), __import__("datetime").date(2024, 1, 2), __import__("datetime").datetime(2024, 1, 2, 3)),
         "a TIMESTAMP, b DATE, c TIMESTAMP_NTZ"),
        ("bytes and decimals", lambda: (b"xy", bytearray(b"z"), __import__("decimal").Decimal("1.25"), __import__("decimal").Decimal("1.255")),
         "a BINARY, b BINARY, c DECIMAL(10,2), d DECIMAL(10,2)"),
        ("nested", lambda: ([1, None, 2], {"a": 1, "b": None}, (1, "x"), [[1], []], [(1, "y")]),
         "a ARRAY<INT>, b MAP<STRING, INT>, c STRUCT<x: INT, y: STRING>, d ARRAY<ARRAY<INT>>, e ARRAY<STRUCT<x: INT, y: STRING>>"),
        ("nulls", lambda: (None, None, None, None), "a INT, b STRING, c ARRAY<INT>, d STRUCT<x: INT>"),
        ("too few", lambda: (1,), "a INT, b INT"),
        ("too many", lambda: (1, 2, 3), "a INT, b INT"),
        ("none", lambda: None, "a INT"),
        ("not a tuple", lambda: 7, "a INT"),
        ("a list", lambda: [7], "a INT"),
    ]:
        add(f"value of {name}", kept(value_of, columns), steps=AGAIN)


def list_cases(add):
    def init(self, handle):
        self.l = handle.getListState("l", "x INT, s STRING")

    def listing(self, key, rows, timers):
        said = [f"{self.l.exists()} {list(self.l.get())}"]
        for one in rows:
            self.l.appendValue((one.v, str(one.v)))
        said.append(f"{self.l.exists()} {list(self.l.get())}")
        self.l.appendList([(0, None), (None, "n")])
        if rows[0].v in (4, 6):
            self.l.put([(9, "put"), (10, "put")])
        if rows[0].v == 7:
            self.l.clear()
        return said + [f"{self.l.exists()} {list(self.l.get())}"]

    for suffix, pandas in forms():
        add(f"list, changed{suffix}", transform(scripted(init, listing, pandas=pandas), pandas=pandas), steps=PLAIN if not pandas else [rows(("a", 1, 0), ("b", 6, 1)), rows(("a", 4, 2)), "restart", rows(("a", 7, 2), ("b", 1, 1))])

    def one_sided(self, key, rows, timers):
        first = self.l.get()
        got = next(first)if self.l.exists() else None
        second = list(self.l.get())
        self.l.appendValue((len(second), "x"))
        rest = list(first) if got else []
        return [f"{got} {second} {rest}"]
    add("list, two walks at once", transform(scripted(init, one_sided)), steps=[rows(("a", 1, 0)), rows(("a", 1, 0)), rows(("a", 1, 0)), rows(("a", 1, 0))])

    def put_none(value):
        def put(self, key, rows, timers):
            self.l.put(value)
            return []
        return put
    add("list, nothing put", transform(scripted(init, put_none([]))), steps=AGAIN)
    add("list, null put", transform(scripted(init, put_none(None))), steps=AGAIN)
    add("list, a value for a list", transform(scripted(init, put_none((1, "x")))), steps=AGAIN)

    def long(self, key, rows, timers):
        before = list(self.l.get())
        self.l.appendList([(len(before) + n, "x" * 20) for n in range(700)])
        self.l.appendValue((-1, "end"))
        return [f"{len(before)} {sum(one[0] for one in before)} {len(list(self.l.get()))}"]
    add("list, long", transform(scripted(init, long)), steps=[rows(("a", 1, 0), ("b", 1, 0)), rows(("a", 1, 0)), "restart", rows(("a", 1, 0), ("b", 1, 0))])


def map_cases(add):
    def init(self, handle):
        self.m = handle.getMapState("m", "k STRING, i INT", "v LONG")

    def mapping(self, key, rows, timers):
        def all_of():
            return sorted((k, v) for k, v in self.m.iterator())
        said = [f"{self.m.exists()} {all_of()}"]
        for one in rows:
            name = (f"n{one.v}", one.v)
            said.append(f"{self.m.containsKey(name)} {self.m.getValue(name)}")
            self.m.updateValue(name, (one.v * 10,))
            self.m.updateValue(("all", 0), ((self.m.getValue(("all", 0)) or (0,))[0] + 1,))
            said.append(f"{self.m.containsKey(name)} {self.m.getValue(name)}")
        said.append(f"{sorted(self.m.keys())} {sorted(self.m.values())}")
        if rows[0].v == 4:
            self.m.removeKey(("n1", 1))
            self.m.removeKey(("not there", 1))
            said.append(f"{self.m.containsKey(('n1', 1))} {all_of()}")
        if rows[0].v == 6:
            self.m.clear()
            said.append(f"{self.m.exists()} {all_of()}")
        return said

    for suffix, pandas in forms():
        add(f"map, changed{suffix}", transform(scripted(init, mapping, pandas=pandas), pandas=pandas),
            steps=[rows(("a", 1, 0), ("b", 2, 1), ("a", 3, 2)), rows(("a", 4, 3)), "restart", rows(("b", 6, 5), ("c", 8, 7)), rows(("a", 1, 1), ("b", 1, 1))])

    def types(self, handle):
        self.m = handle.getMapState("m", "a LONG, d DATE, f DOUBLE, g BINARY", "t TIMESTAMP, l ARRAY<STRING>, x DECIMAL(5,1)")

    def typed(self, key, rows, timers):
        import datetime
        import decimal
        user = (rows[0].v, datetime.date(2024, 1, 1 + rows[0].v), None, b"x")
        got = sorted(str((tuple(k), tuple(v))) for k, v in self.m.iterator())
        self.m.updateValue(user, (datetime.datetime(2024, 1, 1, 2), ["a", None], decimal.Decimal("1.5")))
        return [got, f"{self.m.containsKey(user)} {self.m.getValue(user)}"]
    add("map, of types", transform(scripted(types, typed)), steps=[rows(("a", 1, 0)), rows(("a", 2, 0)), rows(("a", 1, 0))])

    def large(self, key, rows, timers):
        n = sum(1 for _ in self.m.keys())
        for one in range(rows[0].v):
            self.m.updateValue((f"n{n + one}", one), (one,))
        return [f"{n} {self.m.getValue(('n500', 500))} {sum(v[0] for v in self.m.values())}"]
    add("map, large", transform(scripted(init, large)), steps=[rows(("a", 700, 0), ("b", 10, 0)), rows(("a", 2000, 0)), "restart", rows(("a", 1, 0), ("b", 1, 0))])

    def walked(self, key, rows, timers):
        for one in rows:
            self.m.updateValue((f"n{one.v}", one.v), (one.v,))
        seen = []
        for user, value in self.m.iterator():
            seen.append(user[1])
            self.m.updateValue(user, (value[0] + 1,))
            if user[1] % 2:
                self.m.removeKey(user)
        return [f"{sorted(seen)} {sorted((k, v) for k, v in self.m.iterator())}"]
    add("map, changed while it is walked", transform(scripted(init, walked)), steps=[rows(("a", 1, 0), ("a", 2, 0), ("a", 3, 0), ("a", 4, 0)), rows(("a", 5, 0), ("a", 6, 0))])

    def null_key(self, key, rows, timers):
        self.m.updateValue((None, None), (None,))
        return [f"{self.m.getValue((None, None))} {self.m.containsKey((None, 1))}"]
    add("map, of nulls", transform(scripted(init, null_key)), steps=AGAIN)


def ttl_cases(add):
    def declare(ttl):
        def init(self, handle):
            self.v = handle.getValueState("v", "n INT", ttl)
            self.l = handle.getListState("l", "n INT", ttl)
            self.m = handle.getMapState("m", "k INT", "n INT", ttl)
            self.kept = handle.getValueState("kept", "n INT")
        return init

    def see(self, key, rows, timers):
        said = f"{self.v.exists()} {self.v.get()} {self.l.exists()} {list(self.l.get())} {self.m.exists()} {sorted(self.m.iterator())} {self.kept.get()}"
        for one in rows:
            self.v.update((one.v,))
            self.l.appendValue((one.v,))
            self.m.updateValue((one.v,), (one.v,))
            self.kept.update((one.v,))
        return [said, f"{self.v.get()} {list(self.l.get())} {self.m.getValue((rows[0].v,))} {self.m.containsKey((rows[0].v,))} {sorted(self.m.keys())}"]

    for suffix, pandas in forms():
        add(f"ttl, over with the batch{suffix}", transform(scripted(declare(1), see, pandas=pandas), time="ProcessingTime", pandas=pandas), conf=NO_EMPTY)
    add("ttl, of an hour", transform(scripted(declare(HOUR), see), time="ProcessingTime"), conf=NO_EMPTY)

    def cleared(self, key, rows, timers):
        said = see(self, key, rows, timers)
        if rows[0].v in (3, 4):
            self.v.clear()
            self.l.clear()
            self.m.clear()
        if rows[0].v == 6:
            self.l.put([(1,), (2,), (3,)])
            self.m.removeKey((6,))
        return said + [f"{self.v.get()} {list(self.l.get())} {sorted(self.m.keys())}"]
    add("ttl, of an hour and cleared", transform(scripted(declare(HOUR), cleared), time="ProcessingTime"), conf=NO_EMPTY)
    add("ttl, over and cleared", transform(scripted(declare(1), cleared), time="ProcessingTime"), conf=NO_EMPTY)

    def longer(self, handle):
        self.l = handle.getListState("l", "n INT", 1 if self.short else HOUR)

    def lists(self, key, rows, timers):
        before = list(self.l.get())
        self.l.appendValue((len(before),))
        return [str(before)]

    def of_length(short):
        def init(self, handle):
            self.short = short
            longer(self, handle)
        return transform(scripted(init, lists), time="ProcessingTime")
    add("ttl, shorter after a restart", of_length(False), rebuild=of_length(True), steps=[rows(("a", 1, 0)), rows(("a", 1, 0)), "restart", rows(("a", 1, 0)), rows(("a", 1, 0))], conf=NO_EMPTY)
    add("ttl, without a time mode", transform(scripted(declare(1), see)))
    add("ttl, in event time", transform(scripted(declare(1), see), time="EventTime", watermark="10 seconds"))
    add("ttl, negative", transform(scripted(declare(-1), see), time="ProcessingTime"))
    add("ttl, of nothing", transform(scripted(declare(0), see), time="ProcessingTime"), conf=NO_EMPTY)


def timer_cases(add):
    def init(self, handle):
        self.n = handle.getValueState("n", "n LONG")

    def on_rows(ahead):
        def see(self, key, rows, timers):
            n = (self.n.get() or (0,))[0] + len(rows)
            self.n.update((n,))
            last = int(max(one.ts for one in rows).timestamp())
            self.handle.registerTimer((last + ahead) * 1000)
            return [f"{n} at {timers.getCurrentWatermarkInMs()} {sorted(self.handle.listTimers())}"]
        return see

    def on_timer(self, key, timers, info):
        said = f"timer {info.getExpiryTimeInMs()} at {timers.getCurrentWatermarkInMs()} {type(key).__name__} {self.n.get()} {sorted(self.handle.listTimers())}"
        if self.n.get() and self.n.get()[0] > 2:
            self.n.clear()
        return [said]

    def again(self, key, timers, info):
        n = (self.n.get() or (0,))[0] + 100
        self.n.update((n,))
        if n < 300:
            self.handle.registerTimer(info.getExpiryTimeInMs() + 5000)
        return [f"timer {info.getExpiryTimeInMs()} {n} {sorted(self.handle.listTimers())}"]

    for suffix, pandas in forms():
        add(f"event time{suffix}", transform(scripted(init, on_rows(5), on_timer, pandas=pandas), time="EventTime", watermark="10 seconds", pandas=pandas), steps=SPREAD)
        add(f"event time{suffix}, live", transform(scripted(init, on_rows(5), on_timer, pandas=pandas), time="EventTime", watermark="10 seconds", pandas=pandas), steps=SPREAD, live=True)
    add("event time, set again", transform(scripted(init, on_rows(5), again), time="EventTime", watermark="10 seconds"), steps=SPREAD, live=True)
    add("event time, in the past", transform(scripted(init, on_rows(-3600), on_timer), time="EventTime", watermark="10 seconds"), steps=SPREAD)
    add("event time, only while there is data", transform(scripted(init, on_rows(5), on_timer), time="EventTime", watermark="10 seconds"), steps=SPREAD, conf=NO_EMPTY)
    add("event time, append", transform(scripted(init, on_rows(5), on_timer), time="EventTime", watermark="10 seconds", mode="append"), mode="append", steps=SPREAD, live=True)
    add("event time without a watermark", transform(scripted(init, on_rows(5), on_timer), time="EventTime"), steps=SPREAD)
    add("event time of another case", transform(scripted(init, on_rows(5), on_timer), time="eventtime", watermark="10 seconds"), steps=SPREAD)
    add("no time, with a watermark", transform(scripted(init, lambda self, key, rows, timers: [f"{timers.getCurrentProcessingTimeInMs()} {timers.getCurrentWatermarkInMs()}"]), watermark="10 seconds"),
        steps=SPREAD)

    def deleting(self, key, rows, timers):
        at = [BASE_MS + seconds * 1000 for seconds in (40, 50, 55)]
        before = sorted(self.handle.listTimers())
        for one in at:
            self.handle.registerTimer(one)
        self.handle.registerTimer(at[0])
        self.handle.deleteTimer(at[1])
        self.handle.deleteTimer(123)
        self.n.update((1,))
        return [f"{before} {sorted(self.handle.listTimers())}"]
    add("event time, deleted", transform(scripted(init, deleting, on_timer), time="EventTime", watermark="10 seconds"), steps=SPREAD)

    def soon(self, key, rows, timers):
        n = (self.n.get() or (0,))[0] + len(rows)
        self.n.update((n,))
        self.handle.registerTimer(timers.getCurrentProcessingTimeInMs() + 1)
        return [f"{n} {timers.getCurrentWatermarkInMs()} {len(list(self.handle.listTimers()))}"]

    def fired(self, key, timers, info):
        return [f"timer {info.getExpiryTimeInMs() <= timers.getCurrentProcessingTimeInMs()} {self.n.get()} {len(list(self.handle.listTimers()))}"]

    for suffix, pandas in forms():
        add(f"processing time{suffix}", transform(scripted(init, soon, fired, pandas=pandas), time="ProcessingTime", pandas=pandas), steps=SPREAD, conf=NO_EMPTY)
    add("processing time, a watermark", transform(scripted(init, soon, fired), time="ProcessingTime", watermark="10 seconds"), steps=SPREAD, conf=NO_EMPTY)

    def removing(self, key, rows, timers):
        self.handle.registerTimer(timers.getCurrentProcessingTimeInMs())
        self.handle.registerTimer(timers.getCurrentProcessingTimeInMs() + HOUR)
        return [len(list(self.handle.listTimers()))]
    add("processing time, now", transform(scripted(init, removing, fired), time="ProcessingTime"), steps=SPREAD, conf=NO_EMPTY)

    add("no time, a timer", transform(scripted(init, on_rows(5), on_timer)), steps=SPREAD)
    add("no time, a timer deleted", transform(scripted(init, lambda self, key, rows, timers: self.handle.deleteTimer(1))), steps=SPREAD)
    add("no time, timers listed", transform(scripted(init, lambda self, key, rows, timers: list(self.handle.listTimers()))), steps=SPREAD)

    def early(self, handle):
        init(self, handle)
        handle.registerTimer(1)
    add("a timer before there is a key", transform(scripted(early, on_rows(5)), time="ProcessingTime"), steps=SPREAD)

    def failing(self, key, timers, info):
        raise ValueError("in the timer")
    add("event time, an error in the timer", transform(scripted(init, on_rows(5), failing), time="EventTime", watermark="10 seconds"), steps=SPREAD)


def initial_cases(add):
    def init(self, handle):
        self.n = handle.getValueState("n", "n LONG")
        self.said = handle.getListState("said", "s STRING")

    def on_rows(self, key, rows, timers):
        n = (self.n.get() or (0,))[0] + len(rows)
        self.n.update((n,))
        return [f"{n} {[one[0] for one in self.said.get()]}"]

    def on_initial(pandas):
        def start(self, key, state, timers):
            if pandas:
                self.n.update((int(state.first.sum()),))
                self.said.appendValue((f"{key} {list(state.columns)} {state.values.tolist()}",))
            else:
                self.n.update((state.first,))
                self.said.appendValue((f"{key} {state}",))
        return start

    def states(values, schema="k STRING, first LONG", by="k"):
        return lambda sources: sources.static(values, schema).groupBy(by)

    given = [("a", 10), ("z", 20), (None, 30)]
    for suffix, pandas in forms():
        add(f"initial state{suffix}", transform(scripted(init, on_rows, on_initial=on_initial(pandas), pandas=pandas), initial=states(given), pandas=pandas),
            steps=PLAIN + [rows(("z", 1, 0))])
        add(f"initial state of several{suffix}", transform(scripted(init, on_rows, on_initial=on_initial(pandas), pandas=pandas), initial=states([("a", 1), ("a", 2), ("b", 5)]), pandas=pandas))
    add("initial state, nothing made of it", transform(scripted(init, on_rows), initial=states(given)))
    add("initial state without rows", transform(scripted(init, on_rows, on_initial=on_initial(False)), initial=states([])))
    add("initial state by another type", transform(scripted(init, on_rows, on_initial=on_initial(False)), initial=states([(1, 2)], "k INT, first LONG")))
    add("initial state by another name", transform(scripted(init, on_rows, on_initial=on_initial(False)), initial=states([("a", 2)], "q STRING, first LONG", "q")))

    def timing(self, key, state, timers):
        self.n.update((state.first,))
        self.handle.registerTimer(BASE_MS + 5000)
    add("initial state, with timers", transform(scripted(init, on_rows, lambda self, key, timers, info: [f"timer {self.n.get()}"], timing), time="EventTime", watermark="10 seconds", initial=states(given[:2])),
        steps=SPREAD, live=True)
    add("initial state, an error", transform(scripted(init, on_rows, on_initial=lambda self, key, state, timers: 1 // 0), initial=states(given)))


def form_cases(add):
    """What a processor is given, and what may come of it."""
    kinds = ["k", "v", "ts", "cast(v AS double) d", "cast(v AS decimal(10,2)) m", "v > 1 AS b", "date(ts) AS day", "array(v, 1) AS l", "struct(v, k) AS s",
             "map(k, v) AS h", "binary(k) AS x", "cast(v AS byte) y", "cast(ts AS timestamp_ntz) z"]

    def nothing(self, handle):
        pass

    def seen(self, key, rows, timers):
        return [f"{type(key).__name__} {[type(one).__name__ + ' ' + str(one) for one in key]}"] + [
            f"{type(one).__name__} {[(name, type(value).__name__, str(value)) for name, value in zip(one._fields if hasattr(one, '_fields') else one.__fields__, one)]}" for one in rows]

    steps = [rows(("a", 1, 0), ("b", 2, 1), ("a", 1, 0)), rows(("b", 3, 1), ("c", 3, 4))]
    for suffix, pandas in forms():
        for key in ("k", "v", "d", "m", "b", "day", "s", "x", "y", "z", "ts"):
            # Of pandas, Spark's worker cannot take dictionaries for keys.
            if pandas and key in ("s",):
                continue
            add(f"given by {key}{suffix}", transform(scripted(nothing, seen, pandas=pandas), by=(key,), prepare=lambda frame: frame.selectExpr(*kinds), pandas=pandas), steps=steps)
        add(f"given by two{suffix}", transform(scripted(nothing, seen, pandas=pandas), by=("k", "v"), pandas=pandas), steps=steps)
        add(f"given nulls{suffix}", transform(scripted(nothing, seen, pandas=pandas), pandas=pandas), steps=[rows(("a", 1, 0), ("a", None, None), (None, None, 3)), rows(("b", 1, None), ("a", 3, 2))])
        add(f"given by nothing{suffix}", transform(scripted(nothing, lambda self, key, rows, timers: [len(key)], pandas=pandas), "k STRING, said STRING", by=(), pandas=pandas), steps=steps)
    add("given odd names", transform(scripted(nothing, seen), prepare=lambda frame: frame.selectExpr("k", "v AS `a b`", "ts AS `class`")), steps=steps)

    def raw(give, pandas=False):
        from pyspark.sql.streaming import StatefulProcessor

        class Raw(StatefulProcessor):
            def init(self, handle):
                pass

            def handleInputRows(self, key, rows, timerValues):
                return give(key, rows)

            def close(self):
                pass
        return Raw()

    def row_of(*values, **named):
        def give(key, rows):
            from pyspark.sql import Row
            yield Row(*values, **named)
        return give

    add("row, in another order", transform(raw(row_of(n=1, k="a")), COUNT), steps=AGAIN)
    add("row, of more", transform(raw(row_of(k="a", n=1, m=2)), COUNT), steps=AGAIN)
    add("row, of fewer", transform(raw(row_of(k="a")), COUNT), steps=AGAIN)
    add("row, without names", transform(raw(row_of("a", 1)), COUNT), steps=AGAIN)
    add("row, of another type", transform(raw(row_of(k=1, n=1)), COUNT), steps=AGAIN)
    add("row, text for a number", transform(raw(row_of(k="a", n="x")), COUNT), steps=AGAIN)
    add("row, a fraction for a number", transform(raw(row_of(k="a", n=1.5)), COUNT), steps=AGAIN)
    add("row, a float for a number", transform(raw(row_of(k="a", n=2.0)), COUNT), steps=AGAIN)
    add("row, a tuple", transform(raw(lambda key, rows: iter([("a", 1)])), COUNT), steps=AGAIN)
    add("row, none", transform(raw(lambda key, rows: None), COUNT), steps=AGAIN)
    add("row, a list", transform(raw(lambda key, rows: [__import__("pyspark").sql.Row(k="a", n=1)]), COUNT), steps=AGAIN)

    def nested(key, rows):
        import datetime
        import decimal

        from pyspark.sql import Row
        yield Row(s=Row(x=1, y="a"), l=[1, None], m={"a": 1}, t=datetime.datetime(2024, 1, 2, 3), d=datetime.date(2024, 1, 2), e=decimal.Decimal("1.50"), b=b"x")
    add("row, nested", transform(raw(nested), "s STRUCT<x: INT, y: STRING>, l ARRAY<INT>, m MAP<STRING, INT>, t TIMESTAMP, d DATE, e DECIMAL(10,2), b BINARY"), steps=AGAIN)

    def frame_of(value_of, columns):
        def give(key, rows):
            import pandas
            return iter([pandas.DataFrame(value_of(), columns=columns)])
        return give

    def pandas_of(give, output=COUNT):
        return transform(raw(give), output, pandas=True)
    add("frame, in another order", pandas_of(frame_of(lambda: [[1, "a"]], ["n", "k"])), steps=AGAIN)
    add("frame, of more", pandas_of(frame_of(lambda: [["a", 1, 2]], ["k", "n", "m"])), steps=AGAIN)
    add("frame, of fewer", pandas_of(frame_of(lambda: [["a"]], ["k"])), steps=AGAIN)
    add("frame, other columns", pandas_of(frame_of(lambda: [["a", 1]], ["k", "m"])), steps=AGAIN)
    add("frame, without names", pandas_of(frame_of(lambda: [["a", 1]], None)), steps=AGAIN)
    add("frame, floats for ints", pandas_of(frame_of(lambda: [["a", 1.0], ["b", 2.0], ["c", None]], ["k", "n"])), steps=AGAIN)
    add("frame, fractions for ints", pandas_of(frame_of(lambda: [["a", 1.5]], ["k", "n"])), steps=AGAIN)
    add("frame, text for ints", pandas_of(frame_of(lambda: [["a", "x"]], ["k", "n"])), steps=AGAIN)
    add("frame, ints for text", pandas_of(frame_of(lambda: [[1, 1]], ["k", "n"])), steps=AGAIN)
    add("frame, empty", pandas_of(frame_of(lambda: [], ["k", "n"])), steps=AGAIN)
    add("frame, a row instead", pandas_of(lambda key, rows: iter([__import__("pyspark").sql.Row(k="a", n=1)])), steps=AGAIN)
    add("frame, none", pandas_of(lambda key, rows: None), steps=AGAIN)

    large = [("events", [row(f"k{n % 3}", n, 0) for n in range(25_000)]), ("events", [row(f"k{n % 3}", n, 0) for n in range(7)])]

    def sizes(key, rows):
        import pandas
        n, total, largest = 0, 0, 0
        for frame in rows:
            n += len(frame)
            total += int(frame.v.sum())
            largest = max(largest, len(frame))
        yield pandas.DataFrame({"k": [key[0]] * n, "n": [total if largest <= 10_000 else -1] * n})
    add("large groups in pandas", transform(raw(sizes), COUNT, pandas=True, then=lambda frame: frame.where("n % 2 = 1 AND n < 100")), steps=large)

    def each(key, rows):
        from pyspark.sql import Row
        n, total = 0, 0
        for one in rows:
            n, total = n + 1, total + one.v
        for one in range(n):
            if one % 1000 == 0:
                yield Row(k=key[0], n=total + one)
    add("large groups", transform(raw(each), COUNT), steps=large)

    def unread(key, rows):
        from pyspark.sql import Row
        return iter([Row(k=key[0], n=next(rows).v)])
    add("large groups, not read", transform(raw(unread), COUNT), steps=[("events", [row(f"k{n % 3}", n // 3 * 0 + 1, 0) for n in range(25_000)]), large[1]])


def life_cases(add):
    """Handles out of place, variables declared in odd ways, errors."""
    def declare(*calls):
        def init(self, handle):
            for name, *more in calls:
                getattr(handle, name)(*more)
        return init

    def silent(self, key, rows, timers):
        return ["here"]

    value = ("getValueState", "v", "n INT")
    number = StructType([StructField("n", IntegerType())])
    add("no variables", transform(scripted(declare(), silent)))
    add("declared twice", transform(scripted(declare(value, value), silent)), steps=AGAIN)
    add("declared twice, as others", transform(scripted(declare(value, ("getListState", "v", "n INT")), silent)), steps=AGAIN)
    add("declared by type", transform(scripted(declare(("getValueState", "v", number)), silent)), steps=AGAIN)
    add("declared with bad DDL", transform(scripted(declare(("getValueState", "v", "n WHAT")), silent)), steps=AGAIN)
    add("declared without a name", transform(scripted(declare(("getValueState", "", "n INT")), silent)), steps=AGAIN)
    add("declared as $v", transform(scripted(declare(("getValueState", "$v", "n INT")), silent)), steps=AGAIN)
    add("declared as default", transform(scripted(declare(("getValueState", "default", "n INT")), silent)), steps=AGAIN)

    def late(self, key, rows, timers):
        self.handle.getValueState("late", "n INT")
        return []
    add("declared with the rows", transform(scripted(declare(), late)), steps=AGAIN)

    def early(self, handle):
        handle.getValueState("v", "n INT").update((1,))
    add("written before there is a key", transform(scripted(early, silent)), steps=AGAIN)

    def deleting(self, key, rows, timers):
        self.handle.deleteIfExists("v")
        return []
    add("deleted with the rows", transform(scripted(declare(value), deleting)), steps=AGAIN)

    def kept(self, handle):
        self.v = handle.getValueState("v", "n INT")
        self.w = handle.getValueState("w", "n INT")

    def keeping(self, key, rows, timers):
        said = f"{self.v.get()} {self.w.get()}"
        self.v.update((len(rows),))
        self.w.update((len(rows),))
        return [said]

    def only_w(self, handle):
        handle.deleteIfExists("v")
        handle.deleteIfExists("not there")
        self.w = handle.getValueState("w", "n INT")

    def keeping_w(self, key, rows, timers):
        said = f"{self.w.get()}"
        self.w.update((len(rows),))
        return [said]
    add("deleted after a restart", transform(scripted(kept, keeping)), rebuild=transform(scripted(only_w, keeping_w)), steps=PLAIN + ["restart", rows(("a", 1, 0))])

    add("an error in init", transform(scripted(lambda self, handle: 1 // 0, silent)), steps=AGAIN)
    add("an error with the rows", transform(scripted(declare(value), lambda self, key, rows, timers: 1 // 0)), steps=AGAIN)
    add("an error in close", transform(scripted(declare(value), silent, close=lambda self: 1 // 0)), steps=AGAIN)

    def own(self, handle):
        self.mine = getattr(self, "mine", 0) + 1
        self.v = handle.getValueState("v", "n INT")

    def own_rows(self, key, rows, timers):
        self.mine += 1
        return [self.mine]
    add("what an object keeps of itself", transform(scripted(own, own_rows)), steps=[rows(("a", 1, 0)), rows(("b", 1, 0)), rows(("c", 1, 0))])

    # A variable that changes with a restart.
    def variable(kind, *more, later=None):
        def init(self, handle):
            self.v = getattr(handle, "get" + kind)("v", *more)

        def use(self, key, rows, timers):
            if kind == "MapState":
                said = sorted(str(pair) for pair in self.v.iterator())
                self.v.updateValue((len(rows),), (len(rows),))
            elif kind == "ListState":
                said = list(self.v.get())
                self.v.appendValue((len(rows),))
            else:
                said = self.v.get()
                self.v.update(tuple([len(rows)] + [None] * (len(said or (0,)) - 1 if later is None else later)))
            return [said]
        return transform(scripted(init, use))

    first = variable("ValueState", "n INT")
    for name, before, after in [
        ("the same", first, first),
        ("another type", first, variable("ValueState", "n STRING")),
        ("a wider type", first, variable("ValueState", "n LONG")),
        ("another name of a column", first, variable("ValueState", "m INT")),
        ("a column more", first, variable("ValueState", "n INT, m STRING", later=1)),
        ("a column less", variable("ValueState", "n INT, m STRING", later=1), first),
        ("a list", first, variable("ListState", "n INT")),
        ("a map", first, variable("MapState", "n INT", "n INT")),
        ("another key of a map", variable("MapState", "n INT", "n INT"), variable("MapState", "n LONG", "n INT")),
        ("another value of a map", variable("MapState", "n INT", "n INT"), variable("MapState", "n INT", "n LONG")),
        ("another element of a list", variable("ListState", "n INT"), variable("ListState", "n STRING")),
    ]:
        add(f"restarted with {name}", before, rebuild=after)

    def count_of(name, more=None):
        def init(self, handle):
            self.v = handle.getValueState(name, "n INT")
            if more:
                handle.getListState(more, "n INT")
        return transform(scripted(init, lambda self, key, rows, timers: [str(self.v.get())] + [self.v.update((len(rows),))][:0]))
    add("restarted with another variable", count_of("v"), rebuild=count_of("w"))
    add("restarted with a variable more", count_of("v"), rebuild=count_of("v", "l"))
    add("restarted with a variable less", count_of("v", "l"), rebuild=count_of("v"))

    def with_time(time, mode="update", by=("k",), pandas=False):
        def init(self, handle):
            self.v = handle.getValueState("v", "n INT")

        def use(self, key, rows, timers):
            said = self.v.get()
            self.v.update((len(rows),))
            return [said]
        return transform(scripted(init, use, pandas=pandas), time=time, mode=mode, by=by, pandas=pandas)
    add("restarted with another time mode", with_time("None"), rebuild=with_time("ProcessingTime"), conf=NO_EMPTY)
    add("restarted with other keys", with_time("None"), rebuild=with_time("None", by=("v",)))
    add("restarted in pandas", with_time("None"), rebuild=with_time("None", pandas=True))
    add("restarted as an aggregation", with_time("None"), rebuild=lambda sources: sources.stream().groupBy("k").count())


def plan_cases(add):
    """Output modes, and operators around it."""
    add("update in an append query", transform(counts()), mode="append")
    add("append in an update query", transform(counts(), mode="append"))
    add("in a complete query", transform(counts()), mode="complete")
    add("complete in a complete query", transform(counts(), mode="complete"), mode="complete")
    add("of mode UPDATE", transform(counts(), mode="UPDATE"))
    add("of no mode", transform(counts(), mode="some"))
    add("of no time mode", transform(counts(), time="some"))
    add("no schema", transform(counts(), "k WHAT"))
    add("an event time column without a watermark", transform(counts(), event="k"))
    add("an event time column that is not there", transform(counts(), event="nope", watermark="10 seconds"))

    def passing(self, handle):
        self.n = handle.getValueState("n", "n LONG")

    def out_of(shift):
        from pyspark.sql import Row
        from pyspark.sql.streaming import StatefulProcessor

        class Passing(StatefulProcessor):
            def init(self, handle):
                self.n = handle.getValueState("n", "n LONG")

            def handleInputRows(self, key, rows, timerValues):
                import datetime
                n = (self.n.get() or (0,))[0]
                for one in rows:
                    n += 1
                    yield Row(k=key[0], n=n, at=one.ts + datetime.timedelta(seconds=shift))
                self.n.update((n,))

            def close(self):
                pass
        return Passing()

    timed = "k STRING, n LONG, at TIMESTAMP"

    def chained(shift=0, time="EventTime", event="at", mode="append", then=None):
        return transform(out_of(shift), timed, mode=mode, time=time, event=event, watermark="10 seconds", then=then)

    def windows(frame):
        return frame.groupBy(F.window("at", "10 seconds"), "k").count().select("k", F.col("window.start").alias("start"), "count")

    add("chained, then nothing", chained(), mode="append", steps=SPREAD)
    add("chained, then counted in windows", chained(then=windows), mode="append", steps=SPREAD, live=True)
    add("chained, then counted in windows, update", chained(mode="append", then=windows), mode="update", steps=SPREAD, live=True)
    add("chained, rows of the past", chained(shift=-3600, then=windows), mode="append", steps=SPREAD)
    add("chained, then counted without an event time", chained(event="", then=windows), mode="append", steps=SPREAD)
    add("chained, then counted by key, complete", chained(then=lambda frame: frame.groupBy("k").count()), mode="complete", steps=SPREAD)
    add("chained, then distinct", chained(then=lambda frame: frame.dropDuplicatesWithinWatermark(["k"])), mode="append", steps=SPREAD, live=True)
    add("chained, then by itself", chained(then=lambda frame: frame.withColumnRenamed("at", "ts").groupBy("k").transformWithState(out_of(0), timed, "append", "EventTime", eventTimeColumnName="at")),
        mode="append", steps=SPREAD, live=True)
    add("chained, in processing time", chained(time="ProcessingTime", then=windows), mode="append", steps=SPREAD, conf=NO_EMPTY)
    add("chained, no time", chained(time="None", then=windows), mode="append", steps=SPREAD, live=True)
    add("after an aggregation", lambda sources: sources.stream().withWatermark("ts", "10 seconds").groupBy(F.window("ts", "10 seconds"), "k").count()
        .selectExpr("k", "count AS v", "window.end AS ts").groupBy("k").transformWithState(counts(), SAID, "append", "None"), mode="append", steps=SPREAD, live=True)
    add("filtered before and after", transform(counts(), prepare=lambda frame: frame.where("v > 1"), then=lambda frame: frame.where("k <> 'b'").selectExpr("upper(k) k", "said")))


def cases():
    made = []

    def add(name, build, mode="update", steps=None, **more):
        made.append(Case(name=f"transform/{name}", build=build, mode=mode, steps=PLAIN if steps is None else steps, **more))

    for part in (value_cases, list_cases, map_cases, ttl_cases, timer_cases, initial_cases, form_cases, life_cases, plan_cases):
        part(add)
    names = [case.name for case in made]
    assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
    return {case.name: case for case in made}
