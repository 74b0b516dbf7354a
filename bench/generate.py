"""Inputs of the benchmarks: the 8-field events of performance.md, deterministic, made once per directory."""
import os
import random

FIELDS = ["id", "event", "user", "amount", "ts", "country", "page", "session"]
SCHEMA = "id BIGINT, event STRING, user STRING, amount DOUBLE, ts STRING, country STRING, page STRING, session STRING"
EVENTS = ["view", "click", "purchase", "signup", "logout"]
COUNTRIES = ["DE", "US", "FR", "IN", "BR", "JP"]


def rows(rng, first_id, count):
    for i in range(first_id, first_id + count):
        yield (i, rng.choice(EVENTS), f"user_{rng.randrange(100000):06d}", round(rng.uniform(0, 500), 2),
               f"2026-01-{i % 28 + 1:02d}T{i % 24:02d}:{i % 60:02d}:{i * 7 % 60:02d}.000Z", rng.choice(COUNTRIES), f"/page/{rng.randrange(1000)}",
               f"{rng.getrandbits(64):016x}")


def json_line(row):
    return ('{"id":%d,"event":"%s","user":"%s","amount":%s,"ts":"%s","country":"%s","page":"%s","session":"%s"}\n' % row)


def csv_line(row):
    return "%d,%s,%s,%s,%s,%s,%s,%s\n" % row


def small_files(directory, count, first=0):
    """`count` files of about 1 KiB (six rows), in hourly directories of a thousand files."""
    rng = random.Random(first)
    for i in range(first, first + count):
        folder = os.path.join(directory, f"date=2026-01-{i // 24000 % 28 + 1:02d}", f"hour={i // 1000 % 24:02d}")
        if i % 1000 == 0 or i == first:
            os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"events-{i:08d}.json"), "w", encoding="utf-8") as file:
            file.writelines(json_line(row) for row in rows(rng, i * 6, 6))


def large_files(directory, total_bytes, kind, file_bytes=128 << 20):
    """`total_bytes` of NDJSON or CSV (with a header) in files of 128 MiB. Blocks of rows are repeated with new ids, or making them would take longer than reading them."""
    os.makedirs(directory, exist_ok=True)
    rng = random.Random(7)
    line = json_line if kind == "json" else csv_line
    block = list(rows(rng, 0, 20000))
    made, next_id, part = 0, 0, 0
    while made < total_bytes:
        with open(os.path.join(directory, f"part-{part:05d}.{kind}"), "w", encoding="utf-8") as file:
            if kind == "csv":
                file.write(",".join(FIELDS) + "\n")
            size = 0
            while size < file_bytes and made + size < total_bytes:
                text = "".join(line((next_id + k, *row[1:])) for k, row in enumerate(block))
                next_id += len(block)
                file.write(text)
                size += len(text)
        made += size
        part += 1
    return made, next_id


def parquet_files(directory, total_bytes, file_bytes=128 << 20):
    """`total_bytes` of Parquet (Snappy, as Spark writes it) in files of about 128 MiB, of the same rows as large_files, with every session anew."""
    import numpy
    import pyarrow
    import pyarrow.parquet

    os.makedirs(directory, exist_ok=True)
    rng, draw = random.Random(7), numpy.random.default_rng(7)
    block = [numpy.tile(numpy.array(column), 25) for column in zip(*rows(rng, 0, 20000))]  # half a million rows are a row group
    made, next_id, part = 0, 0, 0
    types = [pyarrow.int64(), pyarrow.string(), pyarrow.string(), pyarrow.float64()] + [pyarrow.string()] * 4
    schema = pyarrow.schema(list(zip(FIELDS, types)))
    while made < total_bytes:
        path = os.path.join(directory, f"part-{part:05d}.parquet")
        with pyarrow.parquet.ParquetWriter(path, schema, compression="snappy") as writer:
            while True:
                count = len(block[0])
                columns = [numpy.arange(next_id, next_id + count), *block[1:3], draw.random(count).round(6) * 500, *block[4:7],
                           [f"{bits:016x}" for bits in draw.integers(0, 1 << 63, count)]]
                writer.write_batch(pyarrow.record_batch([pyarrow.array(column, kind) for column, kind in zip(columns, types)], schema=schema))
                next_id += count
                if os.path.getsize(path) >= min(file_bytes, total_bytes - made):
                    break
        made += os.path.getsize(path)
        part += 1
    return made, next_id
