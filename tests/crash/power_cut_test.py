#!/usr/bin/env python3
"""A power cut in the middle of the job: whatever was acknowledged before it is there after it, and the job goes on by itself.

Goal: no acknowledged row is lost and none is doubled when the disk keeps only what was synced. Method: the engine's files lie on an ext4
image; at each failpoint in turn and at random moments EXT4_IOC_SHUTDOWN with NOLOGFLUSH drops everything that is not durable yet, as pulling the plug
does; the image is unmounted and mounted again (which replays the journal); first the checker looks for the acknowledged rows, then the job runs to its
end and the checker compares everything. Needs root (mount); where that is not possible the test says why it is skipped, and counts nothing.

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
from job import Job, Shape, crash_job_beside, seeded  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2
CUTS_PER_IMAGE = 12
# Passed in a job's first start, or by a shape of its own.
NEED_A_NEW_JOB = ("files.schema.", "files.known.", "stream.metadata.", "stream.purge.", "session.catalog.", "rate.", "delta.checkpoint.")


class Disk:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, base):
        self.image, self.mount_point = os.path.join(base, "disk.img"), os.path.join(base, "disk")
        os.makedirs(self.mount_point, exist_ok=True)

    def cannot_be_cut(self):
        """Why not, or None. Tries all of it: containers may allow mkfs and not the mount, or the mount and not the cut."""
        try:
            self.format()
            self.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            return f"an ext4 image cannot be mounted here ({(getattr(error, 'stderr', None) or b'').decode().strip() or error})"
        try:
            self.cut_power()
        except OSError as error:
            return f"EXT4_IOC_SHUTDOWN does not work here ({error})"
        finally:
            self.unmount()
        self.mount()
        return None

    def format(self):
        with open(self.image, "wb") as image:
            image.truncate(400 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True)

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


def run_until_cut(job, disk, failpoint, after_s):
    """Starts the job, cuts the power, kills it. What it acknowledged before the cut is added to the job's account."""
    # Asleep at a failpoint, a job stands still exactly there when the power goes.
    process = job.start(f"{failpoint}=sleep:60000" if failpoint else "")
    lines, cut = [], threading.Event()

    def read():
        for line in process.stdout:
            if not cut.is_set():
                lines.append(line)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(after_s)
    cut.set()
    disk.cut_power()
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    process.stderr.close()
    job.acknowledged += sum(int(line.split()[3]) for line in lines if line.startswith("batch"))


def new_job(program, disk, base, name, rng, failpoint):
    """A formatted disk with nothing on it but the job's directories."""
    disk.unmount()
    disk.format()
    disk.mount()
    shape = Shape(source="rate") if failpoint.startswith("rate.") else Shape.any(rng, by_name=failpoint.startswith("session."),
                                                                              changes=failpoint.startswith("delta.vector."))
    if failpoint.startswith("files.known."):
        shape = Shape.knows(rng)
    if failpoint.startswith("state."):
        shape = Shape.stateful(rng)
        shape.deltas = 1
    if failpoint.startswith("files.schema_revert."):
        shape = Shape.rescuing(rng)
    if failpoint.startswith("files.bad_records."):
        shape = Shape.with_bad_path(rng)
    shape.max_files = min(shape.max_files, 2)
    if failpoint.startswith(("stream.purge", "state.purge")):
        shape.retain = 1
    if failpoint.startswith("delta.checkpoint"):
        shape.max_files = 1
    job = Job(program, os.path.join(disk.mount_point, "engine"), os.path.join(base, f"landing{name}"), rng, shape)
    subprocess.run(["sync", "-f", disk.mount_point], check=True)
    return job


def one_cut(job, disk, rng, failpoint):
    """Returns what is wrong."""
    job.add_files(rng.randint(12, 14) if failpoint.startswith("delta.checkpoint") else rng.randint(4, 12))
    run_until_cut(job, disk, failpoint, 0.2 if failpoint else rng.uniform(0.02, 0.25))
    disk.unmount()
    disk.mount()
    if wrong := job.violations(complete=False):
        return wrong
    try:
        job.finish()
    except AssertionError as error:
        return [str(error)]
    return job.violations(complete=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", required=True)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--stop-at-first", action="store_true")
    args = parser.parse_args()
    program = crash_job_beside(args.millstream)
    rng = seeded(args.seed)
    base = tempfile.mkdtemp(prefix="millstream-cut-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    disk = Disk(base)
    if reason := disk.cannot_be_cut():
        print(f"power_cut_test: SKIPPED, no power was cut: {reason}")
        print("tests: 0 passed, 0 failed")
        shutil.rmtree(base)
        return 0
    print(f"power_cut_test: seed {args.seed}, in {base}", flush=True)
    failpoints = [name for name in subprocess.run([program, "--list-failpoints"], check=True, capture_output=True, text=True).stdout.split()
                  if not name.startswith("test.")]
    # Every failpoint in turn, each with a random moment after it.
    plan = [moment for name in failpoints for moment in (name, "")]
    cuts, violations, job, in_job = 0, [], None, 0
    began = time.monotonic()
    try:
        while cuts < args.cuts and not (violations and args.stop_at_first):
            failpoint = plan[cuts % len(plan)]
            if job is None or in_job == CUTS_PER_IMAGE or failpoint.startswith(NEED_A_NEW_JOB) or job.shape.source == "rate":
                job, in_job = new_job(program, disk, base, cuts, rng, failpoint), 0
            cuts += 1
            in_job += 1
            if wrong := one_cut(job, disk, rng, failpoint):
                violations.append(f"cut {cuts} ({failpoint or 'random'}, {job.shape}): {'; '.join(wrong)}")
                job = None
    finally:
        disk.unmount()
        shutil.rmtree(base, ignore_errors=True)
    for line in violations:
        print(f"VIOLATION {line}")
    print(f"power_cut_test: {cuts} cuts, {len(violations)} violations, seed {args.seed}, {time.monotonic() - began:.0f} s")
    print(f"tests: {cuts - len(violations)} passed, {len(violations)} failed")
    return 1 if violations else 0


if __name__ == "__main__":
    status = main()
    # Arrow's threads sometimes abort the interpreter on its way out.
    sys.stdout.flush()
    os._exit(status)
