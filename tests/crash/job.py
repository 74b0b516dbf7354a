"""The job under test, and the checker: what the landing directory holds must be in the table exactly once, each value as it was written.

The checker reads with delta-rs (or by the log of a file sink, line by line), not with our own reader, and is kept apart from the scenarios that break things.
"""
import csv
import dataclasses
import json
import os
import random
import signal
import subprocess
import tarfile
import time
import urllib.parse
import zipfile
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake, QueryBuilder

PADDED_BYTES = 1500000
ARCHIVES = (".zip", ".tar", ".tar.gz")
csv.field_size_limit(PADDED_BYTES)  # of the reader that checks file sinks
RUN_TIMEOUT_S = 60
# A new column ends the stream once for each time that it is met, as in Auto Loader; the next start goes on with it.
STARTS_FOR_NEW_COLUMNS = 6


@dataclasses.dataclass
class Shape:
    """What kind of job: the same for all lives of one table."""

    source: str = "cloudFiles"
    sink: str = "delta"
    format: str = "json"
    max_files: int = 1000
    retain: int = 100
    partition_by: str = ""
    by_name: bool = False
    grows_columns: bool = False
    goes_on: bool = False  # the stream does not stop for them
    clean: bool = False  # loaded files are moved away
    order: str = ""  # in which files go into batches; "any": in another one after each death
    requests: bool = False  # files are overwritten and take the place of their rows; some are undone, some loaded again
    mirrors: bool = False  # files are overwritten and deleted, and the table is to hold what the directory holds
    continues: bool = False  # files grow, also by half a line
    retries: bool = False  # some files cannot be read, until they are mended
    changes: bool = False  # rows are changed in place too: MERGE and DELETE on another table
    state: str = ""  # "deduplicate", "aggregate", "session" or "join": the rows go through a query that remembers
    deltas: int = 10
    undoes: str = ""  # "vectors" or "rewrites": rows of COPY INTO leave the table with their files, and come back
    rescues: bool = False  # each start takes new columns back (REVERT SCHEMA … FREEZE), so that they are rescued; each end promotes them (PROMOTE RESCUED)
    bad_path: bool = False  # some records are bad, and are kept as files (badRecordsPath)
    leaves_out: bool = False  # files with bad records are left out whole (onError = SKIP_FILE)
    known: bool = False  # some files are known from elsewhere (knownFrom) when the stream starts for the first time
    zero_copy: str = ""  # "copy" or "link": Parquet files become the table's as they are
    archives: bool = False  # many of the files are archives, whose members have the rows
    quarantine: bool = False  # some records are bad, and are kept in a table of their own; some of these are mended and retried

    @staticmethod
    def any(rng, by_name=False, changes=False):
        file_format = rng.choice(["json", "json", "csv", "parquet"])
        grows = file_format == "json" and rng.random() < 0.4
        if not by_name and not changes and rng.random() < 0.3:
            return Shape.files(rng)
        return Shape(format=file_format, max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "", "event"]),
                     by_name=by_name or rng.random() < 0.3, grows_columns=grows, goes_on=grows and rng.random() < 0.5,
                     order=rng.choice(["", "", "path", "modificationTime", "any"]), clean=rng.random() < 0.3, changes=changes or rng.random() < 0.2)


    @staticmethod
    def asked(rng):
        return Shape(format=rng.choice(["json", "csv", "parquet"]), max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]),
                     partition_by=rng.choice(["", "event"]), requests=True)

    @staticmethod
    def rescuing(rng):
        return Shape(format="json", max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]),
                     by_name=rng.random() < 0.3, grows_columns=True, rescues=True)

    @staticmethod
    def with_bad_path(rng):
        source = rng.choice(["cloudFiles", "files", "copy", "copy"])
        return Shape(source=source, format=rng.choice(["json", "json", "csv"]) if source == "copy" else "json", max_files=rng.choice([1, 2, 3, 1000]),
                     retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]), bad_path=True,
                     undoes=rng.choice(["", "vectors", "rewrites"]) if source == "copy" else "")

    @staticmethod
    def mirrored(rng, source=""):
        source = source or rng.choice(["cloudFiles", "cloudFiles", "copy"])
        return Shape(source=source, format=rng.choice(["json", "csv", "parquet"]), max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]),
                     partition_by=rng.choice(["", "event"]), mirrors=True)

    @staticmethod
    def growing(rng):
        return Shape(format=rng.choice(["json", "csv"]), max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]),
                     partition_by=rng.choice(["", "event"]), continues=True)

    @staticmethod
    def unreadable(rng):
        return Shape(format="parquet", max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]), retries=True)

    @staticmethod
    def copy(rng, undoes=""):
        """COPY INTO, by two loaders in a process, and sometimes by another process at the same time."""
        return Shape(source="copy", format=rng.choice(["json", "csv", "parquet"]), partition_by=rng.choice(["", "", "event"]),
                     undoes=undoes or rng.choice(["", "", "vectors", "rewrites"])) if undoes or rng.random() < 0.7 else Shape.skips(rng, source="copy")

    @staticmethod
    def skips(rng, source):
        # To a stream, which rescues, a CSV record of another length is not bad.
        return Shape(source=source, format="json" if source != "copy" else rng.choice(["json", "csv"]), max_files=rng.choice([1, 2, 3, 1000]),
                     retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]), leaves_out=True)

    @staticmethod
    def registering(rng):
        """Parquet files as they are, by COPY INTO or a stream; some are undone, replaced, removed or moved away later."""
        shape = rng.choice([Shape.copy, lambda rng: Shape.copy(rng, undoes=rng.choice(["vectors", "rewrites"])), Shape.asked, Shape.mirrored, Shape.any])(rng)
        if shape.source == "files" or shape.sink != "delta" or shape.leaves_out:
            shape = Shape(max_files=rng.choice([1, 2, 1000]))
        return dataclasses.replace(shape, format="parquet", partition_by="", grows_columns=False, goes_on=False, zero_copy=rng.choice(["copy", "link"]))

    @staticmethod
    def knows(rng):
        return Shape(format=rng.choice(["json", "csv", "parquet"]), max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]), known=True)

    @staticmethod
    def with_quarantine(rng):
        if rng.random() < 0.5:
            file_format = rng.choice(["json", "csv"])
            # Of JSON some are mended and retried: what a replay would bring again.
            return Shape(source="copy", format=file_format, partition_by=rng.choice(["", "event"]), quarantine=True,
                         undoes=rng.choice(["", "vectors", "rewrites"]) if file_format == "csv" else "")
        return Shape(format="json", max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]), quarantine=True)

    @staticmethod
    def stateful(rng):
        return Shape(source=rng.choice(["files", "files", "cloudFiles"]), sink=rng.choice(["delta", "delta", "json", "parquet"]),
                     format=rng.choice(["json", "csv", "parquet"]), max_files=rng.choice([1, 2, 3, 1000]), retain=rng.choice([1, 1, 2, 100]),
                     state=rng.choice(["deduplicate", "aggregate", "session", "join"]), deltas=rng.choice([1, 1, 2, 10]))

    @staticmethod
    def files(rng, source="", sink=""):
        """Spark's file stream source, the file sink, or both."""
        source = source or rng.choice(["files", "files", "cloudFiles"])
        sink = sink or rng.choice(["json", "csv", "parquet", "delta"])
        return Shape(source=source, sink=sink, format=rng.choice(["json", "csv", "parquet"]), max_files=rng.choice([1, 2, 3, 1000]),
                     retain=rng.choice([1, 2, 100]), partition_by=rng.choice(["", "event"]))


class FileTable:
    """Reads what the log of a file sink names, as Spark does."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind

    def files(self):
        log = os.path.join(self.path, "_spark_metadata")
        names = os.listdir(log) if os.path.isdir(log) else []
        compacted = max((int(name.split(".")[0]) for name in names if name.endswith(".compact")), default=-1)
        entries = [f"{compacted}.compact"] * (compacted >= 0)
        later = sorted(int(name) for name in names if name.isdigit() and int(name) > compacted)
        assert later == list(range(compacted + 1, compacted + 1 + len(later))), f"the sink's log has a gap: {sorted(names)}"
        for name in entries + [str(number) for number in later]:
            with open(os.path.join(log, name), encoding="utf-8") as file:
                lines = file.read().split("\n")
            assert lines[0] == "v1", f"{name} begins with {lines[0]}"
            yield from (json.loads(line) for line in lines[1:])

    def rows(self):
        found = []
        for file in self.files():
            path = urllib.parse.unquote(file["path"][len("file://"):])
            assert os.path.getsize(path) == file["size"], f"{path} has not the size of the log"
            parts = dict(part.split("=", 1) for part in os.path.relpath(path, self.path).split("/")[:-1])
            found += [row_key({**row, **parts}) for row in self.read(path)]
        return found

    def read(self, path):
        if self.kind == "parquet":
            return pq.ParquetFile(path).read().to_pylist()
        with open(path, encoding="utf-8", newline="") as file:
            if self.kind == "json":
                return [json.loads(line) for line in file]
            return [{name: value for name, value in row.items() if value != ""} for row in csv.DictReader(file)]


class Table:
    """Reads with delta-rs what a Delta directory holds."""

    def __init__(self, path):
        self.path = path

    def rows(self):
        """Rows as tuples of (column, text) without nulls."""
        log = os.path.join(self.path, "_delta_log")
        if not os.path.isdir(log) or not any(name.endswith(".json") for name in os.listdir(log)):
            return []
        # The other reader of delta-rs does not know deletion vectors.
        table = pa.table(QueryBuilder().register("t", DeltaTable(self.path)).execute("SELECT * FROM t").read_all())
        return [row_key(with_rescued(row)) for row in table.to_pylist()]


def with_rescued(row):
    """A field is the same in a column and among the rescued data; in both it would be there twice."""
    rescued = json.loads(row.get("_rescued_data") or "{}")
    rescued.pop("_file_path", None)
    return {**row, **{name: f"{value} and {row[name]}" if row.get(name) is not None else value for name, value in rescued.items()}}


def row_key(row):
    return tuple(sorted((name, str(value)) for name, value in row.items() if value is not None and name not in ("_rescued_data", "timestamp", "pad")))


class Job:
    """One table, its checkpoint, its landing directory. `root` holds all of the engine's own files."""

    def __init__(self, program, root, landing, rng, shape):
        self.program, self.root, self.landing, self.rng, self.shape = program, root, landing, rng, shape
        self.table = os.path.join(root, "warehouse", "crash.db", "bronze") if shape.by_name else os.path.join(root, "table")
        self.archive = landing + "-archive"
        self.quarantine = os.path.join(root, "quarantine")
        self.bad = {}  # text of each bad record -> the row that it is once mended; None: it stays bad
        self.files_written = 0
        self.versions = {}  # path: the rows of each of its versions
        self.undone = set()
        self.broken = {}  # path: its rows, once it is mended
        self.halves = {}  # path: what is not written yet of its last line
        self.old = set()  # paths of files that the stream forgets, once it has loaded them: they are left alone
        self.aged = False
        self.expected = []
        self.acknowledged = 0
        self.next_id = 0
        self.extra_columns = 0
        self.lives = 0
        os.makedirs(root, exist_ok=True)
        os.makedirs(landing, exist_ok=True)

    def add_files(self, count):
        """New files, some in nested directories, each row with an id of its own."""
        if self.shape.source == "rate":
            return
        if self.shape.grows_columns and self.rng.random() < 0.3:
            self.extra_columns += 1
        for _ in range(count):
            rows = [self.new_row() for _ in range(self.rng.randint(1, 5))]
            bad = []
            if self.shape.quarantine or self.shape.bad_path or self.shape.leaves_out:
                bad = [self.new_row() for _ in range(self.rng.randint(0, 2))]
            is_broken = self.shape.retries and self.has_schema() and self.rng.random() < 0.4
            if not is_broken and not (bad and self.shape.leaves_out):
                self.expected += [row_key(row) for row in rows]
            if self.shape.source == "delta":
                write_deltalake(self.landing, pa.Table.from_pylist(rows), mode="append")
                continue
            folder = os.path.join(self.landing, *(f"d{self.rng.randint(0, 3)}" for _ in range(self.rng.randint(0, 2))))
            os.makedirs(folder, exist_ok=True)
            ending = self.rng.choice(ARCHIVES) if self.shape.archives and self.rng.random() < 0.7 else f".{self.shape.format}"
            path = os.path.join(folder, f"f{rows[0]['id']:08d}{ending}")
            self.write(path + ".tmp", rows, bad)
            if is_broken:
                self.broken[path] = rows
                os.truncate(path + ".tmp", os.path.getsize(path + ".tmp") // 2)
            if self.shape.requests and self.lives == 0 and self.rng.random() < 0.5:
                os.utime(path + ".tmp", (1700000000, 1700000000))
                self.old.add(path)
            os.rename(path + ".tmp", path)
            self.files_written += 1
            self.versions[path] = [[row_key(row) for row in rows]]
        if self.shape.requests:
            self.disturb()
        for path in [path for path in self.broken if self.rng.random() < 0.3]:
            self.mend(path)
        if self.shape.continues:
            self.grow()
        if self.shape.mirrors and self.lives > 0:
            self.delete_and_overwrite()

    def disturb(self):
        """Files are overwritten; some are to be undone, for good. Statements say it before each start, so that a kill takes none of it back."""
        for path in self.versions:
            if path in self.old:
                continue
            if self.rng.random() < 0.15:
                rows = [self.new_row() for _ in range(self.rng.randint(1, 5))]
                self.write(path + ".tmp", rows)
                os.rename(path + ".tmp", path)
                self.versions[path].append([row_key(row) for row in rows])
            if self.rng.random() < 0.05:
                self.undone.add(path)

    def has_schema(self):
        log = os.path.join(self.root, "schema", "_schemas")
        return os.path.isdir(log) and len(os.listdir(log)) > 0

    def mend(self, path):
        rows = self.broken.pop(path)
        self.write(path + ".tmp", rows)
        os.rename(path + ".tmp", path)
        self.expected += [row_key(row) for row in rows]

    def grow(self):
        """Lines come to files that are there; the last one may stay a half until the next time."""
        for path in self.versions:
            if self.rng.random() < 0.3:
                rows = [self.new_row() for _ in range(self.rng.randint(1, 5))]
                text = self.halves.pop(path, "")
                text += "".join(",".join(map(str, row.values())) + "\n" if self.shape.format == "csv" else json.dumps(row) + "\n" for row in rows)
                cut = len(text) - self.rng.choice([0, 0, 1, 4, 9])
                self.halves[path] = text[cut:]
                self.expected += [row_key(row) for row in rows]
                with open(path, "a", encoding="utf-8") as file:
                    file.write(text[:cut])

    def end_lines(self):
        for path, rest in self.halves.items():
            with open(path, "a", encoding="utf-8") as file:
                file.write(rest)
        self.halves = {}

    def delete_and_overwrite(self):
        """Files go, change and come back under their names; one at least stays, so that the directory is not empty."""
        for path in self.versions:
            is_there = path not in self.undone
            if is_there and self.rng.random() < 0.2 and len(self.versions) - len(self.undone) > 1:
                os.remove(path)
                self.undone.add(path)
            elif self.rng.random() < 0.15:
                rows = [self.new_row() for _ in range(self.rng.randint(1, 5))]
                self.write(path + ".tmp", rows)
                os.rename(path + ".tmp", path)
                self.versions[path].append([row_key(row) for row in rows])
                self.undone.discard(path)

    def statements(self):
        checkpoint = os.path.join(self.root, "checkpoint")
        chosen = {"REPLAY": [path for path in self.versions if path not in self.undone | self.old and self.rng.random() < 0.1], "UNDO": sorted(self.undone)}
        for verb, paths in chosen.items():
            if paths:
                names = ", ".join(f"'file://{path}'" for path in paths)
                yield from ("--request", f"{verb} FILES IN STREAM '{checkpoint}' WHERE path IN ({names})")

    def new_row(self):
        number = self.next_id
        self.next_id += 1
        row = {"id": number, "event": f"e{number % 3}", "amount": number * 7 % 1000}
        if self.extra_columns:
            row[f"extra{self.rng.randint(1, self.extra_columns)}"] = number * 3
        return row

    def pack(self, path, rows, bad):
        """Rows in up to three members, and something beside them that is none of them."""
        cuts = sorted(self.rng.randint(1, len(rows)) for _ in range(2))
        parts = [part for part in (rows[:cuts[0]], rows[cuts[0]:cuts[1]], rows[cuts[1]:]) if part]
        ending = next(ending for ending in ARCHIVES if path.endswith(ending + ".tmp"))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) if ending == ".zip" else tarfile.open(path, "w:gz" if ending == ".tar.gz" else "w") as archive:
            for number, part in enumerate(parts):
                self.write(path + ".member", part, bad if number == 0 else ())
                add = archive.write if ending == ".zip" else archive.add
                add(path + ".member", f"d/m{number}.{self.shape.format}")
                add(path + ".member", f"__MACOSX/._m{number}")
        os.remove(path + ".member")

    def write(self, path, rows, bad=()):
        if path.endswith(tuple(f"{ending}.tmp" for ending in ARCHIVES)):
            self.pack(path, rows, bad)
            return
        if self.shape.format == "parquet":
            # Row groups of more than a megabyte are copied without being decoded.
            size = PADDED_BYTES // len(rows) // 2 if self.rng.random() < 0.25 else 1
            if not self.shape.state:
                rows = [{**row, "pad": self.rng.randbytes(size).hex()} for row in rows]
            pq.write_table(pa.Table.from_pylist(rows), path)
            return
        with open(path, "w", encoding="utf-8") as file:
            if self.shape.format == "csv":
                file.write(",".join(rows[0]) + "\n")
            for row in rows:
                file.write(",".join(map(str, row.values())) + "\n" if self.shape.format == "csv" else json.dumps(row) + "\n")
            for row in bad:
                if (self.shape.quarantine or self.shape.bad_path) and self.shape.source == "copy" and self.shape.format == "json" and row["id"] % 5 == 0:
                    # A value that the table cannot take: what is kept is the row.
                    self.bad[f'{{"amount":"many","event":"{row["event"]}","id":{row["id"]}'] = None
                    file.write(json.dumps({**row, "amount": "many"}) + "\n")
                    continue
                text = f"{row['id']},{row['event']}" if self.shape.format == "csv" else json.dumps(row)[:-1]
                self.bad[text] = row_key(row) if self.shape.quarantine and self.shape.format == "json" and row["id"] % 2 == 0 else None
                file.write(text + "\n")

    def start(self, failpoints=""):
        env = {**os.environ, "MILLSTREAM_FAILPOINTS": failpoints}
        command = [self.program, "--warehouse", os.path.join(self.root, "warehouse"), "--landing", self.landing, "--table", self.table,
                   "--checkpoint", os.path.join(self.root, "checkpoint"), "--schema", os.path.join(self.root, "schema"), "--source", self.shape.source,
                   "--sink", self.shape.sink,
                   "--format", self.shape.format, "--max-files", str(self.shape.max_files), "--retain", str(self.shape.retain),
                   "--partition-by", self.shape.partition_by]
        if self.shape.state:
            command += ["--state", self.shape.state, "--deltas", str(self.shape.deltas)]
        if self.shape.undoes:
            command += ["--undoes", self.shape.undoes]
        if self.shape.by_name:
            command += ["--by-name", "--external", os.path.join(self.root, "outside")]
        if self.shape.changes:
            command += ["--changes"]
        if self.shape.quarantine:
            command += ["--quarantine", self.quarantine]
        if self.shape.bad_path:
            command += ["--bad-records", self.quarantine]
        if self.shape.leaves_out:
            command += ["--on-error", "SKIP_FILE"]
        if self.shape.known:
            command += ["--known-from", self.known_list()]
        if self.shape.zero_copy:
            command += ["--zero-copy", self.shape.zero_copy]
        if self.shape.clean:
            command += ["--clean", self.archive]
        if self.shape.archives:
            command += ["--archives"]
        if self.shape.rescues:
            columns = ", ".join(f"extra{number} STRING" for number in range(1, self.extra_columns + 2))
            revert = f"REVERT SCHEMA OF STREAM '{os.path.join(self.root, 'schema')}' TO VERSION 0 FREEZE"
            # The second has something to write in each life.
            command += ["--request", revert, "--request", f"{revert} (life{self.lives})", "--promote", columns]
        if self.shape.goes_on:
            command += ["--goes-on"]
        if self.shape.order:
            command += ["--file-order", self.rng.choice(["discovery", "path", "modificationTime"]) if self.shape.order == "any" else self.shape.order]
        if self.shape.continues:
            command += ["--continues"]
        if self.shape.retries:
            command += ["--retries"]
        if self.shape.mirrors:
            command += ["--mirrors", "--replaces"]
        if self.shape.requests:
            command += ["--replaces", *self.statements()]
            if self.aged:
                command += ["--max-file-age", "14 days"]
        self.lives += 1
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def known_list(self):
        """Files that are said to be loaded: some of those that are there at the first start. Their rows are not to come."""
        path = self.landing + "-known.txt"
        if not os.path.exists(path):
            known = [name for name in self.versions if self.rng.random() < 0.5]
            for name in known:
                for row in self.versions[name][0]:
                    self.expected.remove(row)
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(name + "\n" for name in known))
        return path

    def life(self, failpoints="", kill_after=None):
        """One process, to its end or to its death. Returns ("done" | "killed" | "failed", its errors)."""
        if self.shape.retries and "files.retry.after_trial" in failpoints:
            self.life()  # leaves out what cannot be read
            time.sleep(1.1)  # until it is to be tried again
        other = self.start() if self.shape.source == "copy" and self.rng.random() < 0.4 else None
        process = self.start(failpoints)
        killed_here = False
        try:
            out, err = process.communicate(timeout=RUN_TIMEOUT_S if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            killed_here = True
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            if kill_after is None:
                raise AssertionError(f"the job did not end within {RUN_TIMEOUT_S} s") from None
        if other is not None:
            try:
                other_out, other_err = other.communicate(timeout=RUN_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                other.kill()
                raise AssertionError(f"the loader beside the killed one did not end within {RUN_TIMEOUT_S} s") from None
            if other.returncode != 0:
                raise AssertionError(f"the loader beside the killed one failed: {other_err}")
            out += other_out
        self.acknowledged += sum(int(line.split()[3]) for line in out.splitlines() if line.startswith("batch"))
        if process.returncode == 0:
            return "done", err
        if process.returncode == -signal.SIGKILL and (killed_here or "=kill" in failpoints):
            return "killed", err
        if process.returncode < 0:
            raise AssertionError(f"the job died of signal {-process.returncode}: {err}")
        return "failed", err

    def finish(self):
        """Starts the job, without any fault, until all is loaded; nothing but starting it again is allowed."""
        self.end_lines()
        if self.shape.retries:
            return self.finish_retries()
        if self.shape.continues:
            # Parts of files that were asked for before come first: a life each.
            ended, err = self.life()
            if ended != "done":
                raise AssertionError(f"the job failed instead of recovering: {err}")
        if self.shape.state:
            # What the watermark has passed comes out with the next batch after a start, and that takes a row (as in Spark).
            self.add_files(1)
        if self.shape.requests:
            # What is to be undone must be known to the stream first.
            ended, err = self.life()
            if ended != "done":
                raise AssertionError(f"the job failed instead of recovering: {err}")
        for _ in range(STARTS_FOR_NEW_COLUMNS):
            ended, err = self.life()
            if ended == "done":
                self.aged = True  # what was old is loaded
                return
            if "UNKNOWN_FIELD_EXCEPTION" not in err:
                break
        raise AssertionError(f"the job failed instead of recovering: {err}")

    def finish_retries(self):
        """Files are mended, and tried again when their pauses are over."""
        for path in list(self.broken):
            self.mend(path)
        deadline = time.monotonic() + 60
        while True:
            ended, err = self.life()
            if ended != "done":
                raise AssertionError(f"the job failed instead of recovering: {err}")
            if len(Table(self.table).rows()) >= len(self.expected) or time.monotonic() > deadline:
                return
            time.sleep(0.5)

    def violations(self, complete):
        """What is wrong with the table. While not `complete`, rows may be missing that nobody was told of."""
        try:
            found = Counter((Table(self.table) if self.shape.sink == "delta" else FileTable(self.table, self.shape.sink)).rows())
        except Exception as error:  # the table itself is broken: the worst outcome
            return [f"the table cannot be read: {error}"]
        if self.shape.source == "rate":
            expected = Counter(row_key({"value": i}) for i in range(sum(found.values())))
        else:
            expected = Counter(self.expected)
        if self.shape.state:
            return self.state_wrong(found, complete)
        if self.shape.requests or self.shape.mirrors:
            return self.requests_wrong(found, complete)
        wrong = []
        if self.shape.quarantine:
            wrong += self.quarantine_wrong(found, complete)
            expected.update({row: 1 for row in self.bad.values() if row is not None and found[row]})
        if self.shape.bad_path:
            wrong += self.bad_path_wrong(complete)
        if doubled := list((found - expected).elements()):
            wrong.append(f"{len(doubled)} rows doubled or invented {doubled[:3]}")
        if complete and (lost := list((expected - found).elements())):
            wrong.append(f"{len(lost)} rows lost {lost[:3]}")
        if sum(found.values()) < self.acknowledged:
            wrong.append(f"{self.acknowledged} rows were acknowledged, {sum(found.values())} are there")
        if self.shape.clean:
            wrong += self.cleaning_wrong(complete)
        return wrong + (self.changes_wrong(complete) if self.shape.changes else [])

    def quarantine_wrong(self, found, complete):
        """Each bad record is in the quarantine once, or in the table once it is mended; in both only while a retry is under way. What a replay has replaced may be
        there too until the next statement."""
        most = 2 if self.shape.undoes and not complete else 1
        log = os.path.join(self.quarantine, "_delta_log")
        is_there = os.path.isdir(log) and any(name.endswith(".json") for name in os.listdir(log))
        rows = DeltaTable(self.quarantine).to_pyarrow_table(columns=["raw", "retry_id"]).to_pylist() if is_there else []
        kept = Counter(row["raw"].decode().removesuffix("}") for row in rows)
        marked = {row["raw"].decode().removesuffix("}") for row in rows if row["retry_id"] is not None}
        wrong = [f"bad record {text} is {count} times in the quarantine" for text, count in kept.items() if count > most or text not in self.bad]
        for text, row in self.bad.items():
            loaded = row is not None and found[row] > 0
            if loaded and text in kept and (complete or text not in marked):
                wrong.append(f"bad record {text} is in the quarantine and in the table")
            if complete and not loaded and text not in kept:
                wrong.append(f"bad record {text} is lost")
        return wrong

    def bad_path_wrong(self, complete):
        """Each bad record is in the files of one load, once; those that a replay has replaced may be there too until the next statement."""
        most = 2 if self.shape.undoes and not complete else 1
        kept = Counter()
        for folder, _, names in os.walk(self.quarantine):
            for name in names:
                if name.startswith("_") or os.path.basename(folder).startswith("_"):
                    continue
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    kept.update(json.loads(line)["record"].removesuffix("}") for line in file)
        wrong = [f"bad record {text} is kept {count} times" for text, count in kept.items() if count > most or text not in self.bad]
        return wrong + [f"bad record {text} is lost" for text in self.bad if complete and text not in kept]

    def cleaning_wrong(self, complete):
        """Every file is in the landing directory or in the archive; in the end all are in the archive."""
        inodes = {place: {os.stat(os.path.join(folder, name)).st_ino for folder, _, names in os.walk(place) for name in names}
                  for place in (self.landing, self.archive)}
        wrong = []
        if len(inodes[self.landing] | inodes[self.archive]) != self.files_written:
            wrong.append(f"{self.files_written} files were written, {len(inodes[self.landing] | inodes[self.archive])} are there")
        if complete and inodes[self.landing]:
            wrong.append(f"{len(inodes[self.landing])} loaded files were not moved away")
        return wrong

    def requests_wrong(self, found, complete):
        """Of each file the table has all rows of one version, or none; in the end those of the last version, or none of an undone file."""
        wrong = []
        for path, versions in self.versions.items():
            there = [rows for rows in versions if any(found[row] for row in rows)]
            if len(there) > 1:
                wrong.append(f"{path} has rows of {len(there)} versions")
            elif there and any(found[row] != 1 for row in there[0]):
                wrong.append(f"{path} has some of its rows, or has them twice: {[found[row] for row in there[0]]}")
            elif complete and path in self.undone and there:
                wrong.append(f"{path} is to have no rows, and has some")
            elif complete and path not in self.undone and there != versions[-1:]:
                wrong.append(f"{path} has not the rows of its last version but {'older ones' if there else 'none'}")
        known = {row for versions in self.versions.values() for rows in versions for row in rows}
        if invented := [row for row in found if row not in known]:
            wrong.append(f"{len(invented)} rows invented {invented[:3]}")
        return wrong[:5]

    def state_wrong(self, found, complete):
        """What is wrong with the rows of a query with state. The watermark is 150 s behind the newest id, and no row is late."""
        at_once, in_the_end = Counter(), Counter()  # what is there when all has been read, and what may be: the watermark decides when
        if self.shape.state == "deduplicate":
            at_once.update({row_key({"g": number // 4}) for number in range(self.next_id)})
        elif self.shape.state == "aggregate":
            for first in range(0, self.next_id, 20):
                ids = range(first, min(first + 20, self.next_id))
                (at_once if first + 20 <= self.next_id - 1 - 150 else in_the_end)[row_key({"first": first, "n": len(ids), "ids": sum(ids)})] += 1
        elif self.shape.state == "session":
            def moment(number):
                return number * 500 + number // 20 * 12000

            for first in range(0, self.next_id, 20):
                for key in range(3):
                    ids = [number for number in range(first, min(first + 20, self.next_id)) if number % 3 == key]
                    if not ids:
                        continue
                    ends = moment(ids[-1]) + 10_000
                    row = {"begins": moment(ids[0]), "ends": ends, "k": key, "n": len(ids), "ids": sum(ids)}
                    (at_once if ends <= moment(self.next_id - 1) - 150_000 else in_the_end)[row_key(row)] += 1
        else:
            for number in range(self.next_id):
                if number % 3 == 0:
                    at_once[row_key({"id": number, "rid": number})] += 1
                else:
                    (at_once if number <= self.next_id - 1 - 200 else in_the_end)[row_key({"id": number})] += 1
        wrong = []
        if doubled := list((found - at_once - in_the_end).elements()):
            wrong.append(f"{len(doubled)} rows doubled or wrong {doubled[:3]}")
        if complete and (lost := list((at_once - found).elements())):
            wrong.append(f"{len(lost)} rows lost {lost[:3]}")
        return wrong

    def changes_wrong(self, complete):
        """What is wrong with the table whose rows are changed in place."""
        path = os.path.join(self.root, "warehouse", "crash.db", "changes")
        log = os.path.join(path, "_delta_log")
        if not os.path.isdir(log) or not any(name.endswith(".json") for name in os.listdir(log)):
            return ["there is no table of changes"] if complete else []
        try:
            # The other reader of delta-rs does not know deletion vectors.
            rows = pa.table(QueryBuilder().register("c", DeltaTable(path)).execute("SELECT id, n, twice FROM c").read_all()).to_pylist()
        except Exception as error:
            return [f"the table of changes cannot be read: {error}"]
        ids = [row["id"] for row in rows]
        wrong = [f"a row is half changed: {row}" for row in rows if row["twice"] != 2 * row["n"]][:3]
        if len(set(ids)) != len(ids):
            wrong.append(f"{len(ids) - len(set(ids))} ids are there twice")
        expected = {number for number in range(self.next_id) if number % 5}
        if complete and set(ids) != expected:
            wrong.append(f"after the last statement, ids differ: {sorted(set(ids) ^ expected)[:5]}")
        return wrong + self.parts_wrong(complete)

    def parts_wrong(self, complete):
        """What is wrong with the table of which a part at a time is replaced."""
        rows = [dict(row) for row in Table(os.path.join(self.root, "warehouse", "crash.db", "parts")).rows()]
        wrong = []
        for part in ("0", "1"):
            mine = [row for row in rows if row["part"] == part]
            if (mine or complete) and (sorted(row["i"] for row in mine) != ["0", "1", "2"] or len({row["n"] for row in mine}) != 1):
                wrong.append(f"part {part} is half replaced: {mine}")
            if complete and any(row["n"] != str(self.next_id) for row in mine):
                wrong.append(f"part {part} is an old one: {mine}, of {self.next_id} rows")
        return wrong


def crash_job_beside(millstream):
    build = os.path.dirname(os.path.abspath(millstream))
    for path in (os.path.join(build, "tests", "crash_job"), os.path.join(build, "crash_job")):
        if os.path.exists(path):
            return path
    raise SystemExit(f"there is no crash_job beside {millstream}")


def seeded(seed):
    return random.Random(seed)
