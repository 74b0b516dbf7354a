"""Joins of a stream with a table, and of two streams: each type × conditions × output modes, with late rows and state that goes."""
from pyspark.sql import functions as F

from cases_windows import STEPS, at
from suite import EVENTS, Case

SHOWN = "id INT, shown TIMESTAMP, page STRING"
CLICKED = "ad INT, clicked TIMESTAMP, who STRING"
SCHEMAS = {"shown": SHOWN, "clicked": CLICKED}
TYPES = ("inner", "left_outer", "right_outer", "full_outer", "left_semi", "left_anti", "cross")


def shown(number, minute, page="p", hour=10):
    return {"id": number, "shown": at(minute, 0, hour), "page": page}


def clicked(number, minute, who="w", hour=10):
    return {"ad": number, "clicked": at(minute, 0, hour), "who": who}


PAIRS = [
    ("shown", [shown(1, 0), shown(2, 1), shown(3, 2), {"id": None, "shown": at(2), "page": "null"}]),
    ("clicked", [clicked(1, 3), clicked(1, 4, "twice"), clicked(9, 4), {"ad": None, "clicked": at(3), "who": "null"}]),
    ("shown", [shown(4, 15), shown(9, 3, "after"), shown(5, 16)]),
    ("clicked", [clicked(4, 17), clicked(2, 18, "too long after"), clicked(3, 16)]),
    ("shown", [shown(6, 40), shown(1, 1, "late")]),
    ("clicked", [clicked(6, 41), clicked(5, 2, "late"), clicked(7, 39)]),
    ("shown", [shown(7, 0, "p", 12)]),
    ("clicked", [clicked(7, 1, "w", 12), clicked(8, 2, "w", 12)]),
]

CONDITIONS = {
    "key": lambda: "id = ad",
    "range": lambda: "id = ad AND clicked >= shown AND clicked <= shown + INTERVAL 10 MINUTES",
    "open_range": lambda: "id = ad AND clicked >= shown",
    "strict_range": lambda: "id = ad AND clicked > shown - INTERVAL 5 MINUTES AND clicked < shown + INTERVAL 5 MINUTES",
    "key_and_more": lambda: "id = ad AND page <> who",
    "time": lambda: "id = ad AND shown = clicked",
}


def two_streams(kind, condition, watermarks=("shown", "clicked")):
    def build(s):
        left, right = s.stream("shown"), s.stream("clicked")
        if "shown" in watermarks:
            left = left.withWatermark("shown", "2 minutes")
        if "clicked" in watermarks:
            right = right.withWatermark("clicked", "4 minutes")
        return left.join(right, F.expr(CONDITIONS[condition]()), kind)
    return build


def streams():
    for kind in TYPES[:5]:
        for condition in ("key", "range"):
            yield Case(f"join/{kind}/{condition}/both/append", two_streams(kind, condition), "append", PAIRS, schemas=SCHEMAS, live=condition == "range")
        yield Case(f"join/{kind}/range/both/at_once", two_streams(kind, "range"), "append", PAIRS, schemas=SCHEMAS)
        yield Case(f"join/{kind}/key/none/append", two_streams(kind, "key", ()), "append", PAIRS[:4], schemas=SCHEMAS)
        yield Case(f"join/{kind}/time/both/append", two_streams(kind, "time"), "append", PAIRS, schemas=SCHEMAS)
    for kind in ("inner", "left_outer", "left_semi"):
        for side in ("shown", "clicked"):
            yield Case(f"join/{kind}/range/{side}/append", two_streams(kind, "range", (side,)), "append", PAIRS, schemas=SCHEMAS)
        yield Case(f"join/{kind}/strict_range/both/append", two_streams(kind, "strict_range"), "append", PAIRS, schemas=SCHEMAS)
        yield Case(f"join/{kind}/open_range/both/append", two_streams(kind, "open_range"), "append", PAIRS, schemas=SCHEMAS)
    for mode in ("update", "complete"):
        for kind in ("inner", "left_outer"):
            yield Case(f"join/{kind}/range/both/{mode}", two_streams(kind, "range"), mode, PAIRS[:4], schemas=SCHEMAS)
    yield Case("join/inner/key_and_more/none/append", two_streams("inner", "key_and_more", ()), "append", PAIRS[:4], schemas=SCHEMAS, live=True)
    yield Case("join/left_outer/key_and_more/both/append", two_streams("left_outer", "key_and_more"), "append", PAIRS, schemas=SCHEMAS)
    yield Case("join/left_anti/key/both/append", two_streams("left_anti", "range"), "append", PAIRS[:4], schemas=SCHEMAS)
    yield Case("join/inner/no_key/both/append", lambda s: s.stream("shown").join(s.stream("clicked"), F.expr("clicked > shown"), "inner"), "append", PAIRS[:4],
               schemas=SCHEMAS)
    yield Case("join/cross/both/append", lambda s: s.stream("shown").crossJoin(s.stream("clicked")), "append", PAIRS[:2], schemas=SCHEMAS)

    def by_window(kind):
        def build(s):
            left = s.stream("shown").withWatermark("shown", "2 minutes").select("id", F.window("shown", "5 minutes").alias("w"), "page")
            right = s.stream("clicked").withWatermark("clicked", "4 minutes").select("ad", F.window("clicked", "5 minutes").alias("u"), "who")
            return left.join(right, F.expr("id = ad AND w = u"), kind)
        return build
    for kind in ("inner", "left_outer"):
        yield Case(f"join/{kind}/window/both/append", by_window(kind), "append", PAIRS, schemas=SCHEMAS)

    def then(kind, after):
        return lambda s: after(two_streams(kind, "range")(s))
    counted = lambda frame: frame.groupBy(F.window("shown", "5 minutes")).count()  # noqa: E731
    for kind in ("inner", "left_outer"):
        yield Case(f"join/{kind}/then_window/append", then(kind, counted), "append", PAIRS, schemas=SCHEMAS)
    yield Case("join/inner/then_duplicates/append", then("inner", lambda frame: frame.dropDuplicates(["id", "shown"])), "append", PAIRS, schemas=SCHEMAS)
    yield Case("join/inner/then_window/update", then("inner", counted), "update", PAIRS, schemas=SCHEMAS)

    def of_windows(s):
        left = s.stream("shown").withWatermark("shown", "2 minutes").groupBy(F.window("shown", "5 minutes")).agg(F.count("*").alias("views"))
        right = s.stream("clicked").withWatermark("clicked", "4 minutes").groupBy(F.window("clicked", "5 minutes")).agg(F.count("*").alias("clicks"))
        return left.join(right, "window", "inner")
    yield Case("join/of_two_windows/append", of_windows, "append", PAIRS, schemas=SCHEMAS)
    restarted = [part for number, step in enumerate(PAIRS) for part in ((["restart"] if number in (1, 3, 6) else []) + [step])]
    for kind in ("inner", "left_outer", "full_outer", "left_semi"):
        yield Case(f"join/{kind}/range/restarts", two_streams(kind, "range"), "append", restarted, schemas=SCHEMAS, live=kind == "left_outer")
    using = lambda s: s.stream().join(s.stream("more").withColumnRenamed("v", "w"), ["k", "ts"])  # noqa: E731
    yield Case("join/using/append", using, "append", [STEPS[0], ("more", STEPS[0][1]), STEPS[1], ("more", STEPS[1][1])], schemas={"events": EVENTS, "more": EVENTS})
    yield Case("join/itself/append", lambda s: s.stream().alias("a").join(s.stream().alias("b"), F.expr("a.k = b.k AND a.ts = b.ts")), "append", STEPS[:3])
    yield Case("join/three_streams/append", lambda s: two_streams("inner", "range")(s).join(s.stream("events").withWatermark("ts", "1 minute"), F.expr("page = k AND ts >= shown")),
               "append", PAIRS[:4], schemas={**SCHEMAS, "events": EVENTS})


NAMES = [("a", "Anna"), ("b", "Bert"), ("b", "Beata"), ("z", "Zoe"), (None, "Nobody")]


def tables():
    for kind in TYPES[:6]:
        join = lambda s, kind=kind: s.stream().join(s.static(NAMES, "k STRING, name STRING"), "k", kind)  # noqa: E731
        yield Case(f"table/stream_{kind}/append", join, "append", STEPS[:4], live=kind == "inner")
        turned = lambda s, kind=kind: s.static(NAMES, "k STRING, name STRING").join(s.stream(), "k", kind)  # noqa: E731
        yield Case(f"table/{kind}_stream/append", turned, "append", STEPS[:4])
    named = lambda s, kind="inner": s.stream().join(s.static(NAMES, "k STRING, name STRING"), "k", kind)  # noqa: E731
    yield Case("table/cross/append", lambda s: s.stream().crossJoin(s.static([(1,), (2,)], "n INT")), "append", STEPS[:2])
    yield Case("table/condition/append", lambda s: s.stream().join(s.static([(1, 5), (6, 9)], "lo INT, hi INT"), F.expr("v BETWEEN lo AND hi"), "left_outer"), "append", STEPS[:3])
    yield Case("table/update", named, "update", STEPS[:2])
    yield Case("table/complete", named, "complete", STEPS[:2])
    yield Case("table/then_count/update", lambda s: named(s).groupBy("name").count(), "update", STEPS[:3])
    yield Case("table/then_window/append", lambda s: s.stream().withWatermark("ts", "3 minutes").join(s.static(NAMES, "k STRING, name STRING"), "k", "left_outer")
               .groupBy(F.window("ts", "5 minutes"), "name").count(), "append", STEPS)
    yield Case("table/after_window/append", lambda s: s.stream().withWatermark("ts", "3 minutes").groupBy(F.window("ts", "5 minutes"), "k").count()
               .join(s.static(NAMES, "k STRING, name STRING"), "k"), "append", STEPS)
    yield Case("table/broadcast/append", lambda s: s.stream().join(F.broadcast(s.static(NAMES, "k STRING, name STRING")), "k"), "append", STEPS[:2])
    yield Case("table/in_subquery/append", lambda s: s.stream().where(F.col("k").isin("a", "c")), "append", STEPS[:2])


def cases():
    yield from streams()
    yield from tables()
