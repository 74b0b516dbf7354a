#!/usr/bin/env python3
"""SIGKILL at every failpoint and at random moments; afterwards each row is in the table exactly once, with no repair by hand.

Goal: jobs that load files (JSON, CSV, Parquet, with new columns, partitions, catalog tables; by Auto Loader, by Spark's file stream or by COPY INTO) or the rate source into
Delta tables or files are killed --kills times. Method: every failpoint in turn (first, second and third passage), nested kills during recovery, kills after a random time, errors of the disk
in place of kills, and the same through `millstream serve` with a PySpark client. After each kill the table must be readable, hold all
rows that were acknowledged and none twice; after one clean start it must hold every row. The checker is delta-rs.
A failpoint that never fires fails the test: it would be a durable step that nobody tests.

    kill_test.py --millstream build/release/millstream --kills 500 [--seed 1] [--server-kills 40]
"""
import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job import Job, Shape, crash_job_beside, seeded  # noqa: E402

ROUNDS_PER_TABLE = 30
VIOLATIONS_MAX = 10
ERRNOS = [5, 28]  # EIO, ENOSPC
# Passed in a job's first start only.
FIRST_START = ("files.schema.", "files.known.", "delta.stream_start.", "stream.metadata.", "session.catalog.", "rate.")
# Passed once in ten commits.
SELDOM = ("delta.checkpoint.",)
TRIES_PER_FAILPOINT = 20
# Where what is asked of a stream's files passes, and forgetting them.
REQUESTS = ("files.request.", "files.forget.")
# Where COPY INTO passes.
COPIES = ("files.copy_state.", "files.bad_records.", "quarantine.", "delta.data.", "delta.register.", "delta.commit.", "delta.crc.")


class Scenarios:
    """Chooses what is broken next, and counts what came of it."""

    def __init__(self, program, base, rng, stop_at_first):
        self.program, self.base, self.rng = program, base, rng
        self.failpoints = [name for name in subprocess.run([program, "--list-failpoints"], check=True, capture_output=True, text=True).stdout.split()
                           if not name.startswith("test.")]
        self.violations_max = 1 if stop_at_first else VIOLATIONS_MAX
        self.fired = dict.fromkeys(self.failpoints, 0)
        self.violated = []  # (failpoint or "random", text)
        self.kills = self.random_kills = self.errors = self.checks = self.tables = self.rounds = 0
        self.job, self.job_rounds = None, 0

    def failed_enough(self):
        return len(self.violated) >= self.violations_max

    def new_job(self, shape):
        if shape.source in ("cloudFiles", "files", "copy") and not shape.continues and self.rng.random() < 0.25:
            shape = dataclasses.replace(shape, archives=True)
        if self.job is not None:
            shutil.rmtree(os.path.dirname(self.job.root), ignore_errors=True)
        self.tables += 1
        root = os.path.join(self.base, f"t{self.tables}")
        self.job, self.job_rounds = Job(self.program, os.path.join(root, "engine"), os.path.join(root, "landing"), self.rng, shape), 0

    def job_for(self, name):
        """A job that can pass the failpoint."""
        if self.job is not None and self.job.shape.state and not name.startswith(("state.", "stream.")) and name:
            self.new_job(Shape.any(self.rng))  # a job with state commits too seldom for these
        if self.job is not None and self.job.shape.source == "copy" and not name.startswith(COPIES):
            self.new_job(Shape.any(self.rng))
        if name.startswith("rate."):
            self.new_job(Shape(source="rate"))
        elif name.startswith("files.known."):
            self.new_job(Shape.knows(self.rng))
        elif name.startswith("files.source_log.") and (self.job is None or self.job.shape.source != "files"):
            self.new_job(Shape.files(self.rng, source="files"))
        elif name.startswith("delta.register."):
            if self.job is None or not self.job.shape.zero_copy or self.job_rounds >= ROUNDS_PER_TABLE or self.rng.random() < 0.3:
                self.new_job(Shape.registering(self.rng))
        elif name.startswith("files.bad_records."):
            if self.job is None or not self.job.shape.bad_path or self.job_rounds >= ROUNDS_PER_TABLE:
                self.new_job(Shape.with_bad_path(self.rng))
        elif name.startswith("quarantine."):
            if self.job is None or not self.job.shape.quarantine or self.job_rounds >= ROUNDS_PER_TABLE:
                self.new_job(Shape.with_quarantine(self.rng))
        elif name.startswith("files.schema_revert.") or (name.startswith(("files.schema.", "delta.data.", "delta.commit.")) and self.rng.random() < 0.2):
            if self.job is None or not self.job.shape.rescues or self.job_rounds >= ROUNDS_PER_TABLE or name.startswith("files.schema."):
                self.new_job(Shape.rescuing(self.rng))
        elif name.startswith("files.copy_state.") or (name.startswith(COPIES) and self.rng.random() < 0.2):
            if self.job is None or self.job.shape.source != "copy" or self.job_rounds >= ROUNDS_PER_TABLE:
                self.new_job(Shape.copy(self.rng) if self.rng.random() < 0.75 else Shape.mirrored(self.rng, "copy"))
        elif name.startswith("files.sink_") and (self.job is None or self.job.shape.sink == "delta"):
            self.new_job(Shape.files(self.rng, sink=self.rng.choice(["json", "csv", "parquet"])))
        elif name.startswith("delta.stream_start."):
            self.new_job(Shape(source="delta", max_files=self.rng.choice([1, 2, 1000]), retain=self.rng.choice([1, 100])))
        elif name.startswith("state.") and (self.job is None or not self.job.shape.state or self.job_rounds >= ROUNDS_PER_TABLE):
            self.new_job(Shape.stateful(self.rng))
        elif name.startswith("state."):
            pass
        elif name.startswith("delta.vector."):
            self.new_job(Shape.any(self.rng, changes=True) if self.rng.random() < 0.5 else Shape.copy(self.rng, undoes="vectors"))
        elif name.startswith("files.request.") and self.job is not None and self.job.shape.mirrors and self.job_rounds < ROUNDS_PER_TABLE:
            pass
        elif name.startswith(REQUESTS) and (self.job is None or not self.job.shape.requests or self.job_rounds >= ROUNDS_PER_TABLE):
            is_mirror = name.startswith("files.request.") and self.rng.random() < 0.5
            self.new_job(Shape.mirrored(self.rng, "cloudFiles") if is_mirror else Shape.asked(self.rng))
        elif name.startswith(REQUESTS):
            pass
        elif name.startswith("files.retry."):
            if self.job is None or not self.job.shape.retries or self.job_rounds >= ROUNDS_PER_TABLE:
                self.new_job(Shape.unreadable(self.rng))
        elif name.startswith("files.part."):
            if self.job is None or not self.job.shape.continues or self.job_rounds >= ROUNDS_PER_TABLE:
                self.new_job(Shape.growing(self.rng))
        elif name.startswith("files.clean.") and (self.job is None or not self.job.shape.clean):
            self.new_job(dataclasses.replace(Shape.any(self.rng, by_name=True), clean=True))
        elif name.startswith("files.clean."):
            pass
        elif name.startswith(("files.ledger.", "delta.")) and (self.job is None or self.job.shape.source != "cloudFiles" or self.job.shape.sink != "delta"):
            self.new_job(Shape.any(self.rng, by_name=True) if self.rng.random() < 0.8 else Shape.skips(self.rng, source="cloudFiles"))
        elif name.startswith(FIRST_START):
            self.new_job(Shape.any(self.rng, by_name=name.startswith("session.")))
        elif self.job is None or self.job_rounds >= ROUNDS_PER_TABLE or self.job.shape.source == "rate":
            stateful = name.startswith("stream.") or not name
            self.new_job(Shape.stateful(self.rng) if stateful and self.rng.random() < 0.4 else Shape.any(self.rng))
        if name in ("stream.purge.before", "state.purge.before"):
            self.job.shape.retain = 1
        if name.startswith(("state.run.", "state.snapshot.", "state.purge.")):
            self.job.shape.deltas = 1
        if name.startswith(SELDOM):
            self.job.shape.max_files = 1
        return self.job

    def round(self, faults):
        """New files, the faults one after another, one clean start. `faults`: (failpoint | None, action, nth)."""
        job = self.job_for(faults[0][0] or "")
        self.rounds += 1
        self.job_rounds += 1
        self.fired_now = set()
        what = []
        seldom = any((name or "").startswith(SELDOM) for name, _, _ in faults)
        job.add_files(self.rng.randint(10, 14) if seldom else self.rng.randint(1, 8))
        for name, action, nth in faults:
            if name is None:
                after_s = self.rng.uniform(0.01, 0.15)
                what.append(f"random {after_s * 1000:.0f} ms")
                ended, _ = job.life(kill_after=after_s)
                self.random_kills += ended == "killed"
            else:
                what.append(f"{name}={action}@{nth}")
                ended, err = job.life(f"{name}={action}@{nth}")
                if ended == "failed" and action == "kill" and "UNKNOWN_FIELD_EXCEPTION" not in err:
                    return self.violation(name, what, [f"the job failed instead of recovering: {err}"])
                if ended == "killed" or (ended == "failed" and "failpoint" in err):
                    self.fired_now.add(name)
                self.fired[name] += ended == "killed"
            self.kills += ended == "killed"
            self.errors += ended == "failed"
            if wrong := job.violations(complete=False):
                return self.violation(name, what, wrong)
            self.checks += 1
            # More has come when the job starts again: a batch that is planned anew is then another batch.
            job.add_files(self.rng.randint(0, 2))
        try:
            job.finish()
            wrong = job.violations(complete=True)
        except AssertionError as error:
            wrong = [str(error)]
        if wrong:
            return self.violation(faults[-1][0], what, wrong)
        self.checks += 1

    def violation(self, name, what, wrong):
        self.violated.append((name or "random", f"round {self.rounds} of table {self.tables} ({', '.join(what)}, {self.job.shape}): {'; '.join(wrong)}"))
        self.job = None  # its directory stays

    def each_failpoint(self):
        """Every failpoint must kill at least once."""
        for nth in (1, 2, 3):
            for name in self.failpoints:
                if self.failed_enough():
                    return
                self.round([(name, "kill", nth)] + self.nested())
        for name in self.failpoints:
            for _ in range(TRIES_PER_FAILPOINT):
                if self.fired[name] or self.failed_enough():
                    break
                self.round([(name, "kill", 1)])

    def nested(self):
        """Further faults during the recovery from the first."""
        faults = []
        while len(faults) < 3 and self.rng.random() < 0.35:
            faults.append(self.any_fault())
        return faults

    def any_fault(self):
        if self.rng.random() < 0.3:
            return (None, "", 0)
        often = [name for name in self.failpoints if not name.startswith(FIRST_START)]
        name, nth = self.rng.choice(often if self.rng.random() < 0.9 else self.failpoints), self.rng.choice([1, 1, 1, 2, 3, 5])
        if self.rng.random() < 0.15:
            return (name, f"error:{self.rng.choice(ERRNOS)}", nth)
        return (name, "kill", nth)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True, help="the program; crash_job is looked for beside it")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--server-kills", type=int, help="how many of them hit `millstream serve` (default: one in twelve)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="leave the directories of a failure behind")
    parser.add_argument("--stop-at-first", action="store_true", help="end at the first violation (for the seeded bugs)")
    args = parser.parse_args()
    server_kills = args.kills // 12 if args.server_kills is None else args.server_kills
    base = tempfile.mkdtemp(prefix="millstream-kill-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    run = Scenarios(crash_job_beside(args.millstream), base, seeded(args.seed), args.stop_at_first)
    print(f"kill_test: seed {args.seed}, {len(run.failpoints)} failpoints, in {base}", flush=True)
    began = time.monotonic()

    run.each_failpoint()
    print(f"kill_test: all failpoints passed in turn: {run.kills} kills, {time.monotonic() - began:.0f} s", flush=True)
    served = None
    if server_kills and not run.failed_enough():
        from server_job import ServerScenarios
        served = ServerScenarios(args.millstream, os.path.join(base, "server"), run.rng, run.failpoints)
        served.run(server_kills)
        run.violated += served.violated
        print(f"kill_test: {served.kills} kills of the server, {served.kills_with_state} of them while Python kept state, {time.monotonic() - began:.0f} s", flush=True)
    shown = 0
    while run.kills + (served.kills if served else 0) < args.kills and not run.failed_enough():
        run.round([run.any_fault()] + run.nested())
        if run.kills // 500 > shown:
            shown = run.kills // 500
            print(f"kill_test: {run.kills} kills in {run.rounds} rounds, {len(run.violated)} violations, {time.monotonic() - began:.0f} s", flush=True)

    silent = [] if run.failed_enough() else [name for name in run.failpoints if not run.fired[name]]
    for name, text in run.violated:
        print(f"VIOLATION at {name}: {text}")
    for name in silent:
        print(f"NEVER FIRED {name}: no job passes this failpoint")
    if not run.violated or not args.keep:
        shutil.rmtree(base, ignore_errors=True)
    for name in run.failpoints:
        print(f"  {name:32} {run.fired[name]:5} kills{' + %d of the server' % served.fired[name] if served and served.fired.get(name) else ''}")
    print(f"  {'at a random moment':32} {run.random_kills:5} kills{' + %d of the server' % served.random_kills if served else ''}")
    kills = run.kills + (served.kills if served else 0)
    print(f"kill_test: {kills} kills ({served.kills if served else 0} of the server), {run.errors} failed starts, {run.checks + (served.checks if served else 0)} "
          f"checks of {run.tables + (served.tables if served else 0)} tables, {len(run.violated)} violations, seed {args.seed}, {time.monotonic() - began:.0f} s")
    # One test for each failpoint, one for random moments, one for the server.
    wrong = set(silent) | {name for name, _ in run.violated}
    print(f"tests: {len(run.failpoints) + 1 + bool(served) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception:
        traceback.print_exc()
        status = 1
    # Arrow's threads sometimes abort the interpreter on its way out.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
