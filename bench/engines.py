"""Starts and measures the engines: each in its own processes, with wall time, CPU seconds and peak memory of the whole tree."""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_kib(pid, field="VmHWM"):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A Spark Connect server in its own process: millstream or Sail."""

    def __init__(self, engine, program, directory):
        self.engine = engine
        port = free_port()
        os.makedirs(directory, exist_ok=True)
        if engine == "millstream":
            command = [program, "serve", "--port", str(port), "--ui-port", "0", "--warehouse", os.path.join(directory, "warehouse")]
        else:
            command = [program, "-m", "pysail", "spark", "server", "--port", str(port)]
        self.log = open(os.path.join(directory, engine + ".log"), "w", encoding="utf-8")
        # Users' functions run with the Python of the job.
        environment = {**os.environ, "PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable)}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=directory, env=environment)
        self.remote = f"sc://localhost:{port}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.005)
        raise RuntimeError(f"{engine} did not start: see {self.log.name}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ProcessTree(threading.Thread):
    """Watches a process and all that it starts (Spark's JVM is a grandchild), ten times a second: CPU seconds, and the sum of their peaks of memory."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.root, self.seen, self.over = pid, {}, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            children = {}
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    try:
                        with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                            children.setdefault(int(stat.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
                    except OSError:
                        pass  # it has ended
            todo = [self.root]
            while todo:
                pid = todo.pop()
                todo += children.get(pid, [])
                try:
                    self.seen[pid] = (cpu_seconds(pid), memory_kib(pid))
                except (OSError, StopIteration):
                    pass

    def figures(self):
        """(CPU seconds, peak KiB) up to the last look."""
        self.over.set()
        self.join()
        return sum(cpu for cpu, _ in self.seen.values()), sum(peak for _, peak in self.seen.values())


def run_watched(command, directory):
    """(subprocess.CompletedProcess, CPU seconds, peak KiB) of a process and its children, interpreter and imports included."""
    with open(os.path.join(directory, "stdout"), "w+", encoding="utf-8") as out, open(os.path.join(directory, "stderr"), "w+", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, cwd=directory)
        tree = ProcessTree(process.pid)
        status = process.wait()
        out.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(command, status, out.read(), errors.read()), *tree.figures()


class Engines:
    def __init__(self, millstream, client_python, peer_python):
        self.millstream, self.client, self.peer = millstream, client_python, peer_python

    def ingest(self, engine, file_format, landing, scratch, repeat=1, keep=False):
        """Runs job_ingest. Returns ([seconds of each run], CPU seconds, peak KiB, table directory)."""
        if not keep:
            shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch, exist_ok=True)
        table, checkpoint = os.path.join(scratch, "table"), os.path.join(scratch, "checkpoint")
        arguments = [os.path.join(HERE, "job_ingest.py"), engine, file_format, landing, table, checkpoint, str(repeat)]
        if engine not in ("millstream", "zeroCopy", "sail"):
            done, cpu, peak = run_watched([self.peer, *arguments], scratch)
        else:
            is_ours = engine != "sail"
            with Server("millstream" if is_ours else engine, self.millstream if is_ours else self.peer, scratch) as server:
                before = cpu_seconds(server.process.pid)
                done = subprocess.run([self.client if is_ours else self.peer, *arguments], capture_output=True, text=True, env={**os.environ, "SPARK_REMOTE": server.remote})
                cpu, peak = cpu_seconds(server.process.pid) - before, memory_kib(server.process.pid)
        seconds = [json.loads(line)["seconds"] for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode != 0 or len(seconds) != repeat:
            raise RuntimeError(f"{engine} failed: {done.stderr[-2000:]}")
        return seconds, cpu, peak, table


def fingerprint(table):
    """(rows, order-free hash) of a Delta table, read by delta-rs and hashed by DuckDB."""
    import duckdb
    from deltalake import DeltaTable

    events = DeltaTable(table).to_pyarrow_dataset()  # noqa: F841: DuckDB finds it by name
    columns = "id, event, user, amount, ts, country, page, session"
    quoted = ", ".join(f'"{name.strip()}"' for name in columns.split(","))
    return duckdb.sql(f"SELECT count(*), sum(hash({quoted})::HUGEINT % 1000000007) FROM events").fetchone()


def report(line):
    print(line, flush=True)
    sys.stdout.flush()
