"""Makes the raw files of this example: orders of a web shop (JSON) and of shops (CSV), products, orders of last year. Odd ones are among them.

    make_raw.py DIRECTORY [--orders 400] [--first 0]       the same arguments make the same files; --first adds later ones
"""
import argparse
import csv
import datetime
import io
import json
import os
import random

PRODUCTS = [("P-1", "mill", "kitchen"), ("P-2", "kettle", "kitchen"), ("P-3", "rope", "garden"), ("P-4", "spade", "garden"),
            ("P-5", "lamp", "light"), ("P-6", "candle", "light")]
FIELDS = ["order_id", "product_id", "quantity", "price", "status", "updated_at"]
START = datetime.datetime(2026, 3, 1, 6)


def write(path, text):
    """Files appear whole: loaders may look at the directory at any time."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    hidden = os.path.join(os.path.dirname(path), "_" + os.path.basename(path) + ".tmp")
    with open(hidden, "w", encoding="utf-8", newline="") as out:
        out.write(text)
    os.rename(hidden, path)


def order(rng, number, step, start=START):
    """The order as it is after `step` changes: all changes of an order name different times."""
    when = start + datetime.timedelta(minutes=7 * number, seconds=3600 * step)
    return {"order_id": f"A{number:05d}", "product_id": f"P-{number % 6 + 1}", "quantity": number % 4 + 1 + step, "price": f"{number % 90 + 0.5:.2f}",
            "status": ["new", "paid", rng.choice(["shipped", "shipped", "cancelled"])][step], "updated_at": when.strftime("%Y-%m-%dT%H:%M:%S.000Z")}


def as_json(rows):
    return "".join((row if isinstance(row, str) else json.dumps({**row, "price": float(row["price"])}, ensure_ascii=False)) + "\n" for row in rows)


def as_csv(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def odd_files(raw):
    """What arrives in the real world: nothing of it is lost, and nothing of it stops the pipeline."""
    good = {"order_id": "B1", "product_id": "P-1", "quantity": 2, "price": "3.00", "status": "paid", "updated_at": "2026-03-02T10:00:00.000Z"}
    write(f"{raw}/web/empty.json", "")
    write(f"{raw}/web/only blank lines.json", "\n\n  \n")
    write(f"{raw}/web/Aufträge 100% (kopie).json", as_json([{**good, "order_id": "B2", "product_id": " p-2 ", "status": " PAID"}]))
    write(f"{raw}/web/2026-03-02/a=b&c.json", as_json([{**good, "order_id": "B3", "voucher": "SPRING"}]))   # a field nobody has announced: rescued, and fine
    write(f"{raw}/web/broken.json", as_json([
        '{"order_id": "B4", "product_id": "P-1", "quan',                                          # cut off
        {**good, "order_id": "B5", "quantity": "two"},                                            # a word for a number
        {**good, "order_id": "B6", "quantity": 0}, {**good, "order_id": None}, {**good, "order_id": "B7", "updated_at": None},
        {**good, "order_id": "B8", "product_id": "P-99"}, {**good, "order_id": "B9", "status": "lost"}, {**good, "order_id": "B10"}, "[]", "7"]))
    write(f"{raw}/shops/only header.csv", ",".join(FIELDS) + "\n")
    write(f"{raw}/shops/empty.csv", "")
    write(f"{raw}/shops/été #1?.csv", as_csv([{**good, "order_id": "C1"}, {**good, "order_id": "C2", "quantity": "many"},
                                              {**good, "order_id": "C3", "product_id": '"P-3"'.strip('"')}]))
    write(f"{raw}/shops/quoted.csv", ",".join(FIELDS) + '\n"C4","P-4","1","2.50","pa""id",2026-03-02T11:00:00.000Z\nC5,P-5,1,2.50,paid\n')


def make(directory, orders=400, first=0, odd=None):
    raw = os.path.join(directory, "raw")
    rng = random.Random(first)
    if first == 0:
        write(f"{raw}/products.csv", "product_id,name,category\n" + "".join(",".join(product) + "\n" for product in PRODUCTS))
        write(f"{raw}/history/2025.csv", as_csv([order(rng, n, 0, START - datetime.timedelta(days=60)) for n in range(90000, 90000 + orders // 4)]
                                                + [order(rng, n, 0, START - datetime.timedelta(days=1)) for n in range(10)]))
    if odd if odd is not None else first == 0:
        odd_files(raw)
    events = [order(rng, number, step) for number in range(first, first + orders) for step in range(3)]
    events += rng.sample(events, orders // 10)                                                    # delivered twice
    rng.shuffle(events)                                                                           # in any order
    web = [event for event in events if int(event["order_id"][1:]) % 4]
    shops = [event for event in events if int(event["order_id"][1:]) % 4 == 0]
    for name, rows, text, per_file in (("web", web, as_json, 60), ("shops", shops, as_csv, 100)):
        for at in range(0, len(rows), per_file):
            day = f"2026-03-{1 + (at // per_file) % 3:02d}/" if name == "web" else ""
            write(f"{raw}/{name}/{day}orders {first}-{at:05d}.{'json' if name == 'web' else 'csv'}", text(rows[at:at + per_file]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    make(arguments.directory, arguments.orders, arguments.first)
