#!/usr/bin/env python3
"""SIGKILL at every failpoint and at random moments; afterwards each row is in the table exactly once, with no repair by hand.

Goal: a job that loads files into a Delta table is killed --kills times. Method: every failpoint in turn (first, second and third
passage), nested kills during recovery, and kills after a random time; after each, one clean run, then the checker (delta-rs).
A failpoint that never fires fails the test: it would be a durable step that nobody tests.

    kill_test.py --millstream build/release/millstream --kills 500 [--seed 1]
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job import Job, seeded, verdict  # noqa: E402

ROUNDS_PER_TABLE = 40


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True, help="the program; crash_job is looked for beside it")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="leave the directories of a failure behind")
    parser.add_argument("--stop-at-first", action="store_true", help="end at the first violation (for the seeded bugs)")
    args = parser.parse_args()
    build = os.path.dirname(os.path.abspath(args.millstream))
    program = next(path for path in (os.path.join(build, "tests", "crash_job"), os.path.join(build, "crash_job")) if os.path.exists(path))
    failpoints = subprocess.run([program, "--list-failpoints"], check=True, capture_output=True, text=True).stdout.split()
    failpoints = [name for name in failpoints if not name.startswith("test.")]
    rng = seeded(args.seed)
    base = tempfile.mkdtemp(prefix="millstream-kill-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    print(f"kill_test: seed {args.seed}, {len(failpoints)} failpoints, in {base}", flush=True)

    kills, rounds, tables, fired, violations = 0, 0, 0, {}, []
    job = None
    began = time.monotonic()
    plan = [(name, nth) for nth in (1, 2, 3) for name in failpoints]
    while kills < args.kills or plan:
        if job is None or rounds % ROUNDS_PER_TABLE == 0:
            if job is not None and not violations:
                shutil.rmtree(os.path.dirname(job.root))
            tables += 1
            root = os.path.join(base, f"t{tables}")
            job = Job(program, os.path.join(root, "engine"), os.path.join(root, "landing"), rng.choice([2, 3, 1000]), rng, rng.choice(["json", "csv"]))
        rounds += 1
        job.add_files(rng.randint(1, 8))
        what = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            if plan and rng.random() < 0.8:
                name, nth = plan.pop(0)
                killed, _ = job.run(f"{name}=kill@{nth}")
                fired[name] = fired.get(name, 0) + killed
                what.append(f"{name}@{nth}")
            elif rng.random() < 0.5:
                name = rng.choice(failpoints)
                killed, _ = job.run(f"{name}=kill@{rng.randint(1, 3)}")
                fired[name] = fired.get(name, 0) + killed
                what.append(name)
            else:
                after = rng.uniform(0.005, 0.12)
                killed, _ = job.run(kill_after=after)
                what.append(f"random {after * 1000:.0f} ms")
            kills += killed
        try:
            job.run()
        except AssertionError as error:
            violations.append(f"round {rounds} ({', '.join(what)}): {error}")
            job = None
        else:
            wrong = verdict(job, f"round {rounds} ({', '.join(what)})")
            if wrong:
                violations.append(wrong)
                job = None
        if rounds % 50 == 0:
            print(f"kill_test: {kills} kills in {rounds} rounds, {tables} tables, {len(violations)} violations, {time.monotonic() - began:.0f} s", flush=True)
        if violations and (args.stop_at_first or len(violations) >= 10):
            break

    silent = [] if violations else [name for name in failpoints if not fired.get(name)]
    for line in violations:
        print(f"VIOLATION {line}")
    for name in silent:
        print(f"NEVER FIRED {name}: no job passes this failpoint")
    if not violations or not args.keep:
        shutil.rmtree(base, ignore_errors=True)
    print(f"kill_test: {kills} kills, {rounds} rounds, {tables} tables, seed {args.seed}, {time.monotonic() - began:.0f} s")
    print(f"kills: {kills - len(violations)} passed, {len(violations) + len(silent)} failed")
    return 1 if violations or silent else 0


if __name__ == "__main__":
    sys.exit(main())
