"""The job through `millstream serve`, sent by a stock PySpark client; the server is killed.

The same checker as for crash_job: after each kill all that the client was told of is there, nothing twice; at the end everything is there.
Every other warehouse is that of a query whose rows pass a Python function with state (applyInPandasWithState), which numbers and adds up those of a key:
a state that is not the one of the rows that are there gives a gap, a number twice or a wrong sum.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter

from job import Table, row_key

# Of PySpark, about pandas versions: nothing to do with this test.
warnings.filterwarnings("ignore", category=FutureWarning)

START_TIMEOUT_S = 20
CLIENT_TIMEOUT_S = 60
ROUNDS_PER_WAREHOUSE = 12
# Where a server that serves this job passes; the others are crash_job's.
ROOMS = ("files.ledger.", "stream.", "session.catalog.", "delta.")
# Of a query with state, and where it passes often enough.
STATE_ROOMS = ("state.", "stream.", "delta.")


class Server:
    def __init__(self, program, warehouse, failpoints=""):
        self.process = subprocess.Popen([program, "serve", "--port", "0", "--ui-port", "0", "--warehouse", warehouse], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "MILLSTREAM_FAILPOINTS": failpoints, "PYSPARK_PYTHON": sys.executable})
        ready = self.process.stdout.readline()
        if not ready.startswith("millstream is ready:"):
            self.process.kill()
            raise AssertionError(f"the server did not start: {ready} {self.process.communicate()[1]}")
        self.remote = ready.split()[3]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def ended(self):
        """Its exit code, after the client has lost it or is done with it."""
        try:
            return self.process.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """As a user stops it: SIGTERM; it must end by itself."""
        self.process.terminate()
        self.process.communicate(timeout=START_TIMEOUT_S)
        return self.process.returncode


def numbered(rows):
    """id, event, and by event: the number of the row, from 1, and the sum of the ids so far."""
    from pyspark.sql.streaming.state import GroupStateTimeout

    def number(key, parts, state):
        import pandas

        n, total = state.get if state.exists else (0, 0)
        for part in parts:
            out = []
            for row_id in part["id"]:
                n, total = n + 1, total + int(row_id)
                out.append((int(row_id), key[0], n, total))
            yield pandas.DataFrame(out, columns=["id", "event", "n", "total"])
        state.update((n, total))

    return (rows.selectExpr("CAST(id AS BIGINT) AS id", "event").groupBy("event")
            .applyInPandasWithState(number, "id BIGINT, event STRING, n BIGINT, total BIGINT", "n BIGINT, total BIGINT", "append", GroupStateTimeout.NoTimeout))


def numbers_wrong(rows):
    """What is wrong with the numbers of rows that `numbered` has made."""
    by_event = {}
    for row in rows:
        by_event.setdefault(row["event"], []).append((int(row["n"]), int(row["id"]), int(row["total"])))
    wrong = []
    for event, numbers in sorted(by_event.items()):
        before = 0
        for place, (n, row_id, total) in enumerate(sorted(numbers), 1):
            if n != place or total != before + row_id:
                wrong.append(f"of {event}, row {row_id} has number {n} and sum {total}, and should have {place} and {before + row_id}")
                break
            before = total
    return wrong


class ServerScenarios:
    def __init__(self, program, base, rng, failpoints):
        self.program, self.base, self.rng = program, base, rng
        self.failpoints = {kind: [name for name in failpoints if name.startswith(rooms)] for kind, rooms in ((False, ROOMS), (True, STATE_ROOMS))}
        self.fired = dict.fromkeys(self.failpoints[False] + self.failpoints[True], 0)
        self.kills = self.kills_with_state = self.random_kills = self.checks = self.tables = 0
        self.violated = []
        self.rounds = 0

    def fresh(self):
        self.tables += 1
        self.root = os.path.join(self.base, f"w{self.tables}")
        self.warehouse, self.landing = os.path.join(self.root, "warehouse"), os.path.join(self.root, "landing")
        os.makedirs(self.landing)
        self.expected, self.next_id, self.told = [], 0, 0
        self.with_state = self.tables % 2 == 0

    def add_file(self):
        rows = [{"id": self.next_id + i, "event": f"e{i}"} for i in range(self.rng.randint(1, 5))]
        self.next_id += len(rows)
        path = os.path.join(self.landing, f"f{rows[0]['id']:08d}.json")
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        os.rename(path + ".tmp", path)
        self.expected += [row_key(row) for row in rows]

    def script(self, remote, steady):
        """What a user runs. `steady`: a stream that waits for files, which come while it runs; else availableNow. Returns the rows in the table by the server's own count."""
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.remote(remote).create()
        spark._client.set_retry_policies([])  # a killed server does not come back under this address
        try:
            spark.sql("CREATE DATABASE IF NOT EXISTS crash")
            rows = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.maxFilesPerTrigger", "2")
                    .option("cloudFiles.schemaLocation", f"{self.root}/schema").load(self.landing))
            if self.with_state:
                spark.conf.set("spark.sql.streaming.minBatchesToRetain", "1")
                spark.conf.set("spark.sql.streaming.stateStore.minDeltasForSnapshot", "2")
                rows = numbered(rows)
            stream = rows.writeStream.option("checkpointLocation", f"{self.root}/checkpoint").option("mergeSchema", "true")
            if steady:
                query = stream.trigger(processingTime="10 milliseconds").toTable("crash.bronze")
                for _ in range(6):
                    self.add_file()
                    time.sleep(0.02)
                query.processAllAvailable()
                query.stop()
            else:
                query = stream.trigger(availableNow=True).toTable("crash.bronze")
                assert query.awaitTermination(CLIENT_TIMEOUT_S), "the query did not end"
                assert query.exception() is None, query.exception()
            return spark.table("crash.bronze").count()
        finally:
            threading.Thread(target=spark.stop, daemon=True).start()

    def life(self, steady, failpoints, kill_after):
        """One server and one run of the script. Returns (the server was killed, the client's error or None)."""
        server = Server(self.program, self.warehouse, failpoints)
        timer = threading.Timer(kill_after, server.kill) if kill_after else None
        if timer:
            timer.start()
        error = None
        try:
            self.told = self.script(server.remote, steady)
        except Exception as raised:  # whatever a client makes of a server that is gone
            error = raised
        if timer:
            timer.join()
        if (kill_after or failpoints) and server.ended() == -signal.SIGKILL:
            server.process.communicate()
            return True, error
        code = server.stop()
        if code != 0 or error is not None:
            raise AssertionError(f"the server ended with {code}, the client with {error}")
        return False, None

    def violations(self, complete):
        rows, wrong = Table(os.path.join(self.warehouse, "crash.db", "bronze")).rows(), []
        if self.with_state:
            rows = [dict(row) for row in rows]
            wrong = numbers_wrong(rows)
            rows = [row_key({name: row[name] for name in ("id", "event")}) for row in rows]
        found, expected = Counter(rows), Counter(self.expected)
        if doubled := list((found - expected).elements()):
            wrong.append(f"{len(doubled)} rows doubled or invented {doubled[:3]}")
        if complete and (lost := list((expected - found).elements())):
            wrong.append(f"{len(lost)} rows lost {lost[:3]}")
        if sum(found.values()) < self.told:
            wrong.append(f"the client was told of {self.told} rows, {sum(found.values())} are there")
        if complete and self.told != sum(found.values()):
            wrong.append(f"the server counts {self.told} rows, delta-rs {sum(found.values())}")
        return wrong

    def round(self):
        if self.rounds % ROUNDS_PER_WAREHOUSE == 0:
            self.fresh()
        self.rounds += 1
        for _ in range(self.rng.randint(2, 6)):
            self.add_file()
        what = []
        try:
            for _ in range(self.rng.choice([1, 1, 2])):
                steady = self.rng.random() < 0.5
                if self.rng.random() < 0.5:
                    name = self.rng.choice(self.failpoints[self.with_state])
                    what.append(f"{name}=kill{', steady' if steady else ''}")
                    killed, _ = self.life(steady, f"{name}=kill@{self.rng.randint(1, 3)}", None)
                    self.fired[name] += killed
                else:
                    after_s = self.rng.uniform(0.02, 0.5)
                    what.append(f"random {after_s * 1000:.0f} ms{', steady' if steady else ''}")
                    killed, _ = self.life(steady, "", after_s)
                    self.random_kills += killed
                self.kills += killed
                self.kills_with_state += killed and self.with_state
                wrong = self.violations(complete=False)
                if wrong:
                    break
                self.checks += 1
            else:
                self.life(False, "", None)
                wrong = self.violations(complete=True)
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            self.violated.append(("the server", f"round {self.rounds} ({', '.join(what)}) in {self.root}: {'; '.join(wrong)}"))
            return
        self.checks += 1

    def run(self, kills):
        while self.kills < kills and not self.violated:
            self.round()
        if not self.violated:
            shutil.rmtree(self.base, ignore_errors=True)
