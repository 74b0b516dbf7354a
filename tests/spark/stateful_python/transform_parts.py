"""What the cases of transformWithState are made of. Processors are made inside functions: their worker does not have this module."""
from cases_groups import rows

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
