"""transformWithState and transformWithStateInPandas: TTL and timers."""
from cases_groups import NO_EMPTY, rows
from transform_parts import BASE_MS, HOUR, SPREAD, forms, scripted, transform


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
