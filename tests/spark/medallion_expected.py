"""What examples/medallion/ must leave behind, computed from its raw files with plain Python."""
import csv
import datetime
import glob
import io
import json
import os
from collections import Counter
from decimal import Decimal, InvalidOperation

STATUSES = ("new", "paid", "shipped", "cancelled")
FIELDS = ["order_id", "product_id", "quantity", "price", "status", "updated_at"]


def text(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def json_rows(path):
    for line in text(path).splitlines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = {}
        if row == []:
            continue  # an array is its elements
        yield row if isinstance(row, dict) else {}


def csv_rows(path):
    lines = [line for line in text(path).split("\n") if line]
    for fields in csv.reader(io.StringIO("\n".join(lines[1:]))):
        yield dict(zip(FIELDS, (field or None for field in fields)))


def number(value, kind):
    try:
        return None if value is None or isinstance(value, bool) else kind(str(value))
    except (ValueError, InvalidOperation):
        return None


def time_of(value):
    return None if value is None else datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.000Z")


def problem_of(order, categories):
    if not order["order_id"]:
        return "no order_id"
    if order["updated_at"] is None:
        return "no time"
    if order["quantity"] is None or order["quantity"] <= 0:
        return "no quantity"
    if order["price"] is None or order["price"] < 0:
        return "no price"
    if order["status"] not in STATUSES:
        return "unknown status"
    return None if order["product_id"] in categories else "unknown product"


def typed(row):
    return {"order_id": row.get("order_id") and row["order_id"].strip(), "product_id": row.get("product_id") and row["product_id"].strip().upper(),
            "quantity": number(row.get("quantity"), int), "price": number(row.get("price"), Decimal),
            "status": row.get("status") and row["status"].strip().lower(), "updated_at": time_of(row.get("updated_at"))}


def expected(directory, history=False):
    """{"bronze": count, "quarantine": {problem: count}, "silver": rows, "gold": rows}, rows as sorted tuples of text."""
    raw = os.path.join(directory, "raw")
    with open(os.path.join(raw, "products.csv")) as file:
        categories = {row["product_id"]: row["category"] for row in csv.DictReader(file)}
    arrived = [row for path in glob.glob(f"{glob.escape(raw)}/web/**/[!_.]*.json", recursive=True) for row in json_rows(path)]
    arrived += [row for path in glob.glob(f"{glob.escape(raw)}/shops/**/[!_.]*.csv", recursive=True) for row in csv_rows(path)]
    bronze = len(arrived)
    if history:
        arrived += [row for path in glob.glob(f"{glob.escape(raw)}/history/*.csv") for row in csv_rows(path)]
    quarantine, newest = Counter(), {}
    for order in map(typed, arrived):
        problem = problem_of(order, categories)
        if problem:
            quarantine[problem] += 1
        elif order["order_id"] not in newest or order["updated_at"] > newest[order["order_id"]]["updated_at"]:
            newest[order["order_id"]] = order
    sales = {}
    for order in newest.values():
        order["category"], order["amount"] = categories[order["product_id"]], (order["quantity"] * order["price"]).quantize(Decimal("0.01"))
        if order["status"] != "cancelled":
            day = sales.setdefault((order["category"], str(order["updated_at"].date())), [0, Decimal(0)])
            day[0] += 1
            day[1] += order["amount"]
    silver = [tuple(str(order[name]) for name in ("order_id", "product_id", "category", "quantity", "amount", "status", "updated_at"))
              for order in newest.values()]
    return {"bronze": bronze, "quarantine": dict(quarantine), "silver": sorted(silver),
            "gold": sorted((*key, str(orders), str(revenue)) for key, (orders, revenue) in sales.items())}


def found(spark):
    """The same of the tables that the session sees; its time zone is to be UTC."""
    def rows(table):
        return sorted(tuple(str(value) for value in row) for row in spark.table(table).collect())

    return {"bronze": spark.table("bronze_orders").count(), "silver": rows("silver_orders"), "gold": rows("gold_sales"),
            "quarantine": {row.problem: row["count"] for row in spark.table("quarantine").groupBy("problem").count().collect()}}


def differences(wanted, got):
    return [f"{name}: {len(got[name]) if isinstance(got[name], list) else got[name]} instead of "
            f"{len(wanted[name]) if isinstance(wanted[name], list) else wanted[name]}"
            + (f", not wanted: {sorted(set(got[name]) - set(wanted[name]))[:3]}, missing: {sorted(set(wanted[name]) - set(got[name]))[:3]}"
               if isinstance(got[name], list) else "")
            for name in wanted if wanted[name] != got[name]]
