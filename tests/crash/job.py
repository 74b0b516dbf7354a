"""The job under test, and the checker: what the landing directory holds must be in the table exactly once.

The checker reads with delta-rs, not with our own reader, and is kept apart from the scenarios that break things.
"""
import json
import os
import random
import signal
import subprocess
from collections import Counter

from deltalake import DeltaTable


class Job:
    """One table, its checkpoint, its landing directory. `root` holds all of the engine's own files."""

    def __init__(self, program, root, landing, max_files, rng, file_format="json"):
        self.program, self.root, self.landing, self.max_files, self.rng = program, root, landing, max_files, rng
        self.format = file_format
        self.table = os.path.join(root, "table")
        self.expected = []
        self.next_id = 0
        os.makedirs(root, exist_ok=True)
        os.makedirs(landing, exist_ok=True)

    def add_files(self, count):
        """New files, some in nested directories, each row with an id of its own."""
        for _ in range(count):
            rows = [self.next_id + i for i in range(self.rng.randint(1, 5))]
            self.next_id += len(rows)
            folder = os.path.join(self.landing, *(f"d{self.rng.randint(0, 3)}" for _ in range(self.rng.randint(0, 2))))
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"f{rows[0]:08d}.{self.format}")
            with open(path + ".tmp", "w", encoding="utf-8") as file:
                if self.format == "csv":
                    file.write("id,event\n")
                for row in rows:
                    file.write(f"{row},click\n" if self.format == "csv" else json.dumps({"id": row, "event": "click"}) + "\n")
            os.rename(path + ".tmp", path)
            self.expected += rows

    def start(self, failpoints=""):
        env = {**os.environ, "MILLSTREAM_FAILPOINTS": failpoints}
        return subprocess.Popen(
            [self.program, "--warehouse", os.path.join(self.root, "warehouse"), "--landing", self.landing, "--table", self.table,
             "--checkpoint", os.path.join(self.root, "checkpoint"), "--schema", os.path.join(self.root, "schema"),
             "--format", self.format, "--max-files", str(self.max_files)],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, failpoints="", kill_after=None):
        """Runs to the end or to its death. Returns (was killed, rows acknowledged)."""
        process = self.start(failpoints)
        try:
            out, err = process.communicate(timeout=kill_after or 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            if kill_after is None:
                raise AssertionError("the job did not end within 60 s") from None
        acknowledged = sum(int(line.split()[3]) for line in out.splitlines() if line.startswith("batch"))
        if process.returncode == -signal.SIGKILL:
            return True, acknowledged
        if process.returncode != 0:
            raise AssertionError(f"the job failed instead of recovering: {err}")
        return False, acknowledged

    def ids_in_table(self):
        if not os.path.exists(os.path.join(self.table, "_delta_log", "00000000000000000000.json")):
            return []
        return [int(value) for value in DeltaTable(self.table).to_pyarrow_table(columns=["id"])["id"].to_pylist()]

    def check(self):
        """Lost and doubled rows, as lists of ids."""
        found, expected = Counter(self.ids_in_table()), Counter(self.expected)
        return list((expected - found).elements()), list((found - expected).elements())


def verdict(job, what):
    lost, doubled = job.check()
    if not lost and not doubled:
        return None
    return f"{what}: {len(lost)} rows lost {lost[:5]}, {len(doubled)} doubled {doubled[:5]} in {job.root}"


def seeded(seed):
    return random.Random(seed)
