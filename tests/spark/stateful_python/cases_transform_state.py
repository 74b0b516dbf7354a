"""transformWithState and transformWithStateInPandas: values, lists and maps."""
from cases_groups import PLAIN, rows
from transform_parts import AGAIN, counts, forms, scripted, transform


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
