"""transformWithState and transformWithStateInPandas: initial state, forms of rows, the life of a processor, plans around it."""
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from cases_groups import NO_EMPTY, PLAIN, row, rows
from transform_parts import AGAIN, BASE_MS, COUNT, SAID, SPREAD, counts, forms, scripted, transform


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
