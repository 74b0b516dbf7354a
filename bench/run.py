#!/usr/bin/env python3
"""The benchmarks: the same job on millstream, on PySpark local[2] + Delta and, where it can do the job, on Sail; interleaved, outputs compared.

    bench/run.py --millstream build/release/millstream --peers PYTHON [--only NAME,…] [--runs 3]

PYTHON has pyspark, delta-spark and pysail (tests/requirements/spark-4.2.lock). Inputs lie on tmpfs. Prints each run, then medians and ratios.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import generate  # noqa: E402
from engines import Engines, Server, cpu_seconds, fingerprint, memory_kib, report  # noqa: E402

GB = 1e9


def side_by_side(engines, peers, file_format, landing, scratch, runs, amount, unit):
    """Interleaved runs of the ingest job; refuses to compare different outputs."""
    results = {engine: [] for engine in peers}
    prints = {}
    for number in range(runs):
        for engine in peers:
            if engine == "spark" and number > 0 and results["spark"][0] > 60:
                continue  # a slow peer once is enough
            seconds, cpu, peak, table = engines.ingest(engine, file_format, landing, os.path.join(scratch, engine))
            results[engine].append(seconds[0])
            prints[engine] = fingerprint(table)
            report(f"  {engine:10} {seconds[0]:8.3f} s  {amount / seconds[0]:12,.2f} {unit}/s  {cpu:7.2f} CPU-s  {peak / 1024:7.0f} MiB")
    if len(set(prints.values())) != 1:
        raise SystemExit(f"outputs differ: {prints}")
    ours = statistics.median(results["millstream"])
    for engine, seconds in results.items():
        median = statistics.median(seconds)
        report(f"  {engine:10} median {median:.3f} s = {amount / median:,.2f} {unit}/s   ratio to millstream {median / ours:.1f}x")
    report(f"  outputs equal: {prints['millstream'][0]:,} rows")


def bench_files(engines, args, base):
    for count in (10_000, 100_000):
        landing = os.path.join(base, f"files{count}")
        generate.small_files(landing, count)
        peers = ["millstream", "sail", "duckdb", "polars"] + (["spark"] if count == 10_000 else [])
        report(f"files: {count:,} JSON files of 1 KiB -> Delta")
        side_by_side(engines, peers, "json", landing, os.path.join(base, "out"), args.runs, count, "files")
        shutil.rmtree(landing)


def bench_known(engines, args, base):
    landing = os.path.join(base, "known")
    generate.small_files(landing, 10_000)
    report("known: second run over 10,000 known files (whole job in the client: start, one look, end)")
    for engine in ("millstream", "spark"):
        seconds, *_ = engines.ingest(engine, "json", landing, os.path.join(base, "out", engine), repeat=6)
        report(f"  {engine:10} first {seconds[0]:.3f} s, again {statistics.median(seconds[1:]) * 1000:.1f} ms (median of {len(seconds) - 1})")
    inside = os.path.join(os.path.dirname(engines.millstream), "bench", "known_files")
    done = subprocess.run([inside, landing, os.path.join(base, "out", "inside"), "50"], capture_output=True, text=True, check=True)
    again = json.loads(done.stdout)["again_ms"]
    report(f"  millstream in the process (bench/known_files.cc, no client): again {statistics.median(again):.1f} ms (median of {len(again)})")
    shutil.rmtree(landing)


def bench_copy(engines, args, base):
    """Neither Spark nor Sail has COPY INTO. What comes nearest: Spark's file stream, which knows what it has loaded, and Sail's append, which does not."""
    landing = os.path.join(base, "copy")
    generate.small_files(landing, 10_000)
    report("copy: COPY INTO of 10,000 JSON files of 1 KiB, then again (in the client)")
    disk = os.path.join(base, "out", "copy")
    with Server("millstream", engines.millstream, disk) as server:
        done = subprocess.run([engines.client, os.path.join(HERE, "job_copy.py"), landing, os.path.join(disk, "table"), "11"], capture_output=True, text=True,
                              env={**os.environ, "SPARK_REMOTE": server.remote})
        memory = memory_kib(server.process.pid)
    figures = last_json(done, "millstream")
    if any(figures["counts"][1:]) or figures["counts"][0] != 60_000:
        raise SystemExit(f"rows were loaded twice, or not: {figures['counts']}")
    report(f"  millstream first {figures['seconds'][0]:.3f} s, again {statistics.median(figures['seconds'][1:]) * 1000:.1f} ms (median of 10), peak {memory / 1024:.0f} MiB")
    prints = {"millstream": fingerprint(os.path.join(disk, "table"))}
    for engine, repeat in (("sail", 1), ("spark", 3)):
        seconds, _, _, table = engines.ingest(engine, "json", landing, os.path.join(base, "out", engine), repeat=repeat)
        again = f", again {statistics.median(seconds[1:]) * 1000:.0f} ms" if repeat > 1 else ", again: would load everything twice"
        report(f"  {engine:10} first {seconds[0]:.3f} s{again}")
        prints[engine] = fingerprint(table)
    if len(set(prints.values())) != 1:
        raise SystemExit(f"outputs differ: {prints}")
    shutil.rmtree(landing)


def bench_large(engines, args, base, kind):
    landing = os.path.join(base, kind)
    made, rows = generate.parquet_files(landing, args.large_bytes) if kind == "parquet" else generate.large_files(landing, args.large_bytes, kind)
    report(f"{kind}: {made / GB:.2f} GB, {rows:,} rows -> Delta")
    ours = ["millstream", "zeroCopy"] if kind == "parquet" else ["millstream"]
    side_by_side(engines, [*ours, "sail", "duckdb", "polars", "spark"], kind, landing, os.path.join(base, "out"), args.runs, made / GB, "GB")
    shutil.rmtree(landing)


def bench_schema(engines, args, base):
    """The schema of 1,000 small JSON files, as the client sees it. Sail and polars look at some of the files only."""
    landing = os.path.join(base, "schema")
    generate.small_files(landing, 1_000)
    report("schema: schema inference of 1,000 JSON files of 1 KiB")
    for engine in ("millstream", "sail", "duckdb", "polars", "spark"):
        directory = os.path.join(base, "out", engine)
        os.makedirs(directory, exist_ok=True)
        command = [engines.client if engine == "millstream" else engines.peer, os.path.join(HERE, "job_schema.py"), engine, landing, directory]
        if engine in ("millstream", "sail"):
            with Server(engine, engines.millstream if engine == "millstream" else engines.peer, directory) as server:
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
        else:
            done = subprocess.run(command, capture_output=True, text=True, cwd=directory)
        figures = last_json(done, engine)
        report(f"  {engine:10} {statistics.median(figures['seconds']) * 1000:8.1f} ms (median of {len(figures['seconds'])}), {figures['columns']} columns")
    shutil.rmtree(landing)


def bench_batch(engines, args, base):
    """Files of one row, one a batch: what a durable batch costs. On a disk, since on tmpfs a sync is free."""
    disk = tempfile.mkdtemp(prefix="millstream-batch-")
    landing = os.path.join(base, "one-row")
    os.makedirs(landing)
    for i in range(120):
        with open(os.path.join(landing, f"{i:04d}.json"), "w", encoding="utf-8") as file:
            file.write('{"id":%d}\n' % i)
    with Server("millstream", engines.millstream, disk) as server:
        done = subprocess.run([engines.client, os.path.join(HERE, "job_batches.py"), landing, disk], capture_output=True, text=True,
                              env={**os.environ, "SPARK_REMOTE": server.remote})
    if done.returncode != 0:
        raise SystemExit(f"the batch job failed: {done.stderr[-2000:]}")
    durations = json.loads(done.stdout)
    report(f"batch: {len(durations)} durable micro-batches of one row into Delta")
    for phase in ("triggerExecution", "latestOffset", "walCommit", "getBatch", "queryPlanning", "addBatch", "commitOffsets"):
        values = sorted(entry.get(phase, 0) for entry in durations)
        report(f"  {phase:17} p50 {values[len(values) // 2]} ms  p99 {values[int(len(values) * 0.99)]} ms")
    shutil.rmtree(disk)
    shutil.rmtree(landing)


def bench_streams(engines, args, base, job):
    """Small batches back to back, on millstream and on PySpark local[2], on the same disk."""
    report({"hop": "hop: Delta -> Delta, one commit of one row a batch, durable", "rate": "rate: rate-micro-batch -> noop, batches as fast as they go"}[job])
    medians = {}
    for engine in ("millstream", "spark"):
        disk = tempfile.mkdtemp(prefix="millstream-streams-")
        command = [engines.client if engine == "millstream" else engines.peer, os.path.join(HERE, "job_streams.py"), engine, job, disk]
        if engine == "millstream":
            with Server(engine, engines.millstream, disk) as server:
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
        else:
            done = subprocess.run(command, capture_output=True, text=True, cwd=disk)
        figures = last_json(done, engine)
        medians[engine] = figures["seconds"] / max(figures["batches"], 1) * 1000
        values = sorted(entry.get("triggerExecution", 0) for entry in figures["durations"])
        report(f"  {engine:10} {medians[engine]:8.2f} ms a batch ({figures['batches']} batches in {figures['seconds']:.2f} s), triggerExecution p50 "
               f"{values[len(values) // 2]} ms, p99 {values[int(len(values) * 0.99)]} ms")
        shutil.rmtree(disk)
    report(f"  ratio {medians['spark'] / medians['millstream']:.0f}x")


def last_json(done, what):
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{what} failed: {done.stderr[-2000:]}")
    return json.loads(lines[-1])


STATE = {"yahoo": "the Yahoo streaming benchmark: JSON events, joined with campaigns, counted in windows of 10 seconds -> Delta",
         "windows": "counts of a million keys in windows of an hour -> Delta",
         "join": "stream-stream join, impressions with clicks within ten minutes -> Delta",
         "transform_rows": "transformWithState, a count and a sum of 20,000 keys, row by row -> Delta",
         "transform_frames": "transformWithStateInPandas, the same with data frames -> Delta"}


def bench_state(engines, args, base, kind):
    """Streams that remember, on a disk, batch by batch the same on both engines; both tables must hold the same rows."""
    name = "transform" if kind.startswith("transform") else "state"
    job = os.path.join(HERE, f"job_{name}.py")
    inputs = os.path.join(base, name)
    if not os.path.isdir(inputs):
        os.makedirs(inputs)
        with Server("millstream", engines.millstream, base) as server:
            subprocess.run([engines.client, job, "make", inputs], check=True, capture_output=True, env={**os.environ, "SPARK_REMOTE": server.remote})
    report(f"{kind}: {STATE[kind]}")
    rates, tables = {}, {}
    for engine in ("millstream", "spark"):
        disk = tempfile.mkdtemp(prefix="millstream-state-")
        command = [engines.client if engine == "millstream" else engines.peer, job, engine, kind, inputs, disk]
        cpu = memory = None
        if engine == "millstream":
            with Server(engine, engines.millstream, disk) as server:
                before = cpu_seconds(server.process.pid)
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
                cpu, memory = cpu_seconds(server.process.pid) - before, memory_kib(server.process.pid)
        else:
            done = subprocess.run(command, capture_output=True, text=True, cwd=disk, env={**os.environ, "PYSPARK_PYTHON": engines.peer})
        figures = last_json(done, engine)
        rates[engine], tables[engine] = figures["rows"] / figures["seconds"], figures["table"]
        of_server = "" if cpu is None else f", {figures['rows'] / cpu / 1e6:.2f} M rows/s a core, peak {memory / 1024:.0f} MiB"
        report(f"  {engine:10} {rates[engine] / 1e6:.2f} M rows/s ({figures['rows']:,} rows in {figures['seconds']:.2f} s, {figures['table'][0]:,} rows out){of_server}")
        shutil.rmtree(disk)
    if tables["millstream"] != tables["spark"]:
        raise SystemExit(f"the tables differ: {tables}")
    report(f"  the same rows; ratio {rates['millstream'] / rates['spark']:.1f}x")


def bench_idle(engines, args, base):
    disk = tempfile.mkdtemp(prefix="millstream-idle-")
    seconds = 20
    with Server("millstream", engines.millstream, disk) as server:
        job = subprocess.Popen([engines.client, os.path.join(HERE, "job_idle.py"), "millstream", "idle", disk], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
        queries = json.loads(job.stdout.readline())["queries"]
        time.sleep(3)
        before = cpu_seconds(server.process.pid)
        time.sleep(seconds)
        cpu = (cpu_seconds(server.process.pid) - before) / seconds
        report(f"idle: {queries} queries Delta -> Delta with nothing to do: {cpu * 100:.2f} % of a core, {memory_kib(server.process.pid, 'VmRSS') / 1024:.0f} MiB")
        job.communicate()
    shutil.rmtree(disk)


def bench_restart(engines, args, base):
    report("restart: from start() to the first new batch, with many past batches in the checkpoint")
    for engine in ("millstream", "spark"):
        disk = tempfile.mkdtemp(prefix="millstream-restart-")
        command = [engines.client if engine == "millstream" else engines.peer, os.path.join(HERE, "job_idle.py"), engine, "restart", disk]
        if engine == "millstream":
            with Server(engine, engines.millstream, disk) as server:
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
        else:
            done = subprocess.run(command, capture_output=True, text=True, cwd=disk)
        figures = last_json(done, engine)
        report(f"  {engine:10} {figures['seconds'] * 1000:.0f} ms after {figures['batches']:,} batches ({figures['kept']} offsets kept)")
        shutil.rmtree(disk)


def bench_commit(engines, args, base):
    report("commit: state of a million keys, what a commit costs by the number of keys that a batch has changed")
    for engine in ("millstream", "spark"):
        disk = tempfile.mkdtemp(prefix="millstream-commit-")
        command = [engines.client if engine == "millstream" else engines.peer, os.path.join(HERE, "job_commit.py"), engine, disk]
        if engine == "millstream":
            with Server(engine, engines.millstream, disk) as server:
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
        else:
            done = subprocess.run(command, capture_output=True, text=True, cwd=disk)
        for changed, cost in last_json(done, engine).items():
            report(f"  {engine:10} {int(changed):8,} keys changed: {cost['ms']:5d} ms, {cost['bytes']:12,} bytes")
        shutil.rmtree(disk)


def bench_query(engines, args, base):
    report("query: small queries over Connect, seen by the client; start of the server to its first row; memory")
    for engine in ("millstream", "sail"):
        program = engines.millstream if engine == "millstream" else engines.peer
        python = engines.client if engine == "millstream" else engines.peer
        directory = os.path.join(base, "query", engine)
        began = time.perf_counter()
        with Server(engine, program, directory) as server:
            ready = time.perf_counter() - began
            time.sleep(0.5)
            idle = memory_kib(server.process.pid, "VmRSS")
            done = subprocess.run([python, os.path.join(HERE, "job_queries.py")], capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
            if done.returncode != 0:
                report(f"  {engine:10} failed: {done.stderr[-500:]}")
                continue
            figures = json.loads(done.stdout)
            report(f"  {engine:10} accepts connections after {ready * 1000:.0f} ms, first row {figures['first'] * 1000:.0f} ms later (client's own start excluded), "
                   f"SELECT 1 {figures['sql_ms']:.2f} ms, DataFrame {figures['dataframe_ms']:.2f} ms, idle {idle / 1024:.0f} MiB, "
                   f"after queries {memory_kib(server.process.pid, 'VmRSS') / 1024:.0f} MiB")


def bench_start(engines, args, base):
    times = []
    for number in range(11):
        began = time.perf_counter()
        subprocess.run([engines.millstream, "sql", "--warehouse", os.path.join(base, "start"), "-c", "SELECT id * 2 AS twice FROM range(3)"], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    report(f"start: from nothing to the printed rows of a query, millstream sql -c: {statistics.median(times) * 1000:.0f} ms (median of {len(times)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--only", default="files,known,copy,ndjson,csv,parquet,schema,batch,hop,rate,yahoo,windows,join,commit,idle,restart,query,start")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large-bytes", type=int, default=1_000_000_000)
    args = parser.parse_args()
    engines = Engines(os.path.abspath(args.millstream), sys.executable, os.path.abspath(args.peers))
    base = tempfile.mkdtemp(prefix="millstream-bench-", dir="/dev/shm")
    benches = {"files": bench_files, "known": bench_known, "copy": bench_copy, "ndjson": lambda *a: bench_large(*a, "json"), "csv": lambda *a: bench_large(*a, "csv"),
               "parquet": lambda *a: bench_large(*a, "parquet"), "schema": bench_schema,
               "batch": bench_batch, "hop": lambda *a: bench_streams(*a, "hop"), "rate": lambda *a: bench_streams(*a, "rate"), "idle": bench_idle,
               "restart": bench_restart, "commit": bench_commit, "query": bench_query, "start": bench_start}
    benches |= {kind: lambda *a, kind=kind: bench_state(*a, kind) for kind in STATE}
    try:
        for name in args.only.split(","):
            if name not in benches:
                parser.error(f"there is no benchmark '{name}'; there are {', '.join(benches)}")
            benches[name](engines, args, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
