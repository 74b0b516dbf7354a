#!/usr/bin/env python3
"""A power cut in the middle of the job: whatever was acknowledged before it is there after it, and the job goes on by itself.

Goal: no acknowledged row is lost and none is doubled when the disk keeps only what was synced. Method: the engine's files lie on an ext4
image; at a random moment EXT4_IOC_SHUTDOWN with NOLOGFLUSH drops everything that is not durable yet, as pulling the plug does; the image
is unmounted and mounted again (which replays the journal); first the checker looks for the acknowledged rows, then the job runs to its end and the
checker compares everything. Needs root (mount); where mounting is not possible the test says so and counts nothing.

    power_cut_test.py --millstream build/release/millstream --cuts 100 [--seed 1]
"""
import argparse
import array
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job import Job, seeded, verdict  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2
CUTS_PER_IMAGE = 25


class Disk:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, base):
        self.image, self.mount_point = os.path.join(base, "disk.img"), os.path.join(base, "disk")
        os.makedirs(self.mount_point, exist_ok=True)

    def format(self):
        with open(self.image, "wb") as image:
            image.truncate(400 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], check=True, capture_output=True)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.mount_point], capture_output=True).returncode == 0:
                return
            time.sleep(0.02)
        raise RuntimeError("the image cannot be unmounted")

    def cut_power(self):
        handle = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, array.array("I", [NOLOGFLUSH]))
        finally:
            os.close(handle)


def run_until_cut(job, disk, after_s):
    """Starts the job, cuts the power, kills it. Returns the rows that it acknowledged before the cut."""
    process = job.start()
    lines, done = [], threading.Event()

    def read():
        for line in process.stdout:
            if not done.is_set():
                lines.append(line)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(after_s)
    done.set()
    disk.cut_power()
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    process.stderr.close()
    return sum(int(line.split()[3]) for line in lines if line.startswith("batch"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--stop-at-first", action="store_true")
    args = parser.parse_args()
    build = os.path.dirname(os.path.abspath(args.millstream))
    program = next(path for path in (os.path.join(build, "tests", "crash_job"), os.path.join(build, "crash_job")) if os.path.exists(path))
    rng = seeded(args.seed)
    base = tempfile.mkdtemp(prefix="millstream-cut-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    disk = Disk(base)
    disk.format()
    try:
        disk.mount()
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"power_cut_test: an image cannot be mounted here ({getattr(error, 'stderr', b'').decode().strip() or error}); skipped")
        print("cuts: 0 passed, 0 failed")
        shutil.rmtree(base)
        return 0
    print(f"power_cut_test: seed {args.seed}, in {base}", flush=True)
    cuts, violations, job = 0, [], None
    began = time.monotonic()
    try:
        while cuts < args.cuts and not (violations and args.stop_at_first):
            if cuts % CUTS_PER_IMAGE == 0:
                disk.unmount()
                disk.format()
                disk.mount()
                landing = os.path.join(base, f"landing{cuts}")
                job = Job(program, os.path.join(disk.mount_point, "engine"), landing, 2, rng)
                subprocess.run(["sync", "-f", disk.mount_point], check=True)
                job.acknowledged = 0
            job.add_files(rng.randint(4, 12))
            acknowledged = run_until_cut(job, disk, rng.uniform(0.02, 0.25))
            cuts += 1
            disk.unmount()
            disk.mount()
            try:
                present = job.ids_in_table()
            except Exception as error:  # the table itself is broken: the worst outcome, and still to be counted
                violations.append(f"cut {cuts}: the table cannot be read after the cut: {error}")
                cuts += -cuts % CUTS_PER_IMAGE
                continue
            if len(present) < job.acknowledged + acknowledged:
                violations.append(f"cut {cuts}: {job.acknowledged + acknowledged} rows were acknowledged, {len(present)} are left")
            try:
                job.run()
                wrong = verdict(job, f"cut {cuts}")
            except AssertionError as error:
                wrong = f"cut {cuts}: {error}"
            if wrong:
                violations.append(wrong)
                cuts += -cuts % CUTS_PER_IMAGE
            job.acknowledged = len(job.expected)
    finally:
        disk.unmount()
        shutil.rmtree(base, ignore_errors=True)
    for line in violations:
        print(f"VIOLATION {line}")
    print(f"power_cut_test: {cuts} cuts, seed {args.seed}, {time.monotonic() - began:.0f} s")
    print(f"cuts: {cuts - len(violations)} passed, {len(violations)} failed")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
