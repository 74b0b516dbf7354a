"""Files that no good job writes: each row or file ends where it can be seen (loaded, rescued, rejected, an error that names it), and the server goes on."""
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import time

import harness
from pyspark.errors import PySparkException

GOOD = b'{"a":1,"b":"x"}\n'


class Scratch:
    """Directories of one job, gone afterwards."""

    def __init__(self, files=None):
        self.base = tempfile.mkdtemp(prefix="millstream-bad-")
        self.landing = os.path.join(self.base, "landing")
        os.makedirs(self.landing)
        for name, content in (files or {}).items():
            self.write(name, content)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(os.fsencode(self.base), ignore_errors=True)

    def write(self, name, content):
        with open(os.path.join(os.fsencode(self.landing), os.fsencode(name)), "wb") as file:
            file.write(content)

    def stream(self, spark, file_format="json", schema=None, columns=("*",), **options):
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", file_format)
        reader = reader.schema(schema) if schema else reader.option("cloudFiles.schemaLocation", f"{self.base}/schema")
        for key, value in options.items():
            reader = reader.option(key.replace("__", "."), value)
        return (reader.load(self.landing).select(*columns).writeStream.option("checkpointLocation", f"{self.base}/checkpoint")
                .option("mergeSchema", "true"))

    def load(self, spark, **arguments):
        """Runs the job to its end. Returns the table's rows as dictionaries, and the last progress's metrics with numInputRows."""
        query = self.stream(spark, **arguments).trigger(availableNow=True).format("delta").start(f"{self.base}/table")
        assert query.awaitTermination(100), "the query did not end"
        progress = query.lastProgress
        rows = [row.asDict() for row in spark.read.format("delta").load(f"{self.base}/table").collect()]
        return rows, dict(progress["sources"][0]["metrics"], rows=progress["numInputRows"]) if progress else {}


def test_an_empty_file_waits_for_its_rows(spark):
    with Scratch({"empty.json": b"", "good.json": GOOD}) as job:
        rows, metrics = job.load(spark)
        assert len(rows) == 1 and metrics["numFilesEmpty"] == "1", (rows, metrics)
        job.write("empty.json", b'{"a":2,"b":"y"}\n')
        rows, _ = job.load(spark)
        assert sorted(row["a"] for row in rows) == ["1", "2"], rows


def test_a_half_written_line_is_rescued_with_its_file(spark):
    with Scratch({"good.json": GOOD, "half.json": b'{"a":2,"b":"y"}\n{"a":3,"b":"z'}) as job:
        rows, metrics = job.load(spark)
        assert len(rows) == 3 and metrics["rows"] == 3 and metrics["numRowsRescued"] == "1", (rows, metrics)
        rescued = [json.loads(row["_rescued_data"]) for row in rows if row["_rescued_data"]]
        assert rescued[0]["_corrupt_record"] == '{"a":3,"b":"z' and rescued[0]["_file_path"].endswith("half.json"), rescued


def test_a_broken_line_is_counted_where_no_column_can_hold_it(spark):
    with Scratch({"half.json": GOOD + b'{"a":3,"b":"z\n'}) as job:
        rows, metrics = job.load(spark, schema="a int, b string")
        assert [(row["a"], row["b"]) for row in rows] == [(1, "x"), (None, None)], rows
        assert metrics["numRowsMalformed"] == "1", metrics
    with Scratch({"half.json": GOOD + b'{"a":3,"b":"z\n'}) as job:
        rows, metrics = job.load(spark, schema="a int, b string", mode="DROPMALFORMED")
        assert [(row["a"], row["b"]) for row in rows] == [(1, "x")] and metrics["numRowsRejected"] == "1", (rows, metrics)
    with Scratch({"half.json": GOOD + b'{"a":3,"b":"z\n'}) as job:
        harness.raises(PySparkException, lambda: job.load(spark, schema="a int, b string", mode="FAILFAST"), "MALFORMED_RECORD_IN_PARSING")
    assert spark.range(2).count() == 2


def test_bytes_that_are_no_utf8_are_rescued(spark):
    with Scratch({"bad.json": b'{"a":1,"b":"\xff\xfe\xc3"}\n{"a":2,"b":"ok"}\n', "noise.json": bytes(range(14, 256))}) as job:
        rows, metrics = job.load(spark)
        assert len(rows) == 3 and metrics["rows"] == 3 and metrics["numRowsRescued"] == "2", (rows, metrics)
        assert [row["b"] for row in rows if row["a"] == "2"] == ["ok"], rows


def test_nesting_without_end_is_rescued(spark):
    deep = b"[" * 100000 + b"\n" + b'{"a":' * 100000 + b"1" + b"}" * 100000 + b"\n" + b'{"a":1,"b":' + b"[" * 100000 + b"]" * 100000 + b"}\n"
    with Scratch({"deep.json": deep + GOOD}) as job:
        rows, metrics = job.load(spark)
        assert len(rows) == 4 and metrics["numRowsRescued"] == "3", metrics
        assert sum(row["_rescued_data"] is None for row in rows) == 1


def peak_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def test_a_line_of_two_gigabytes_costs_no_memory(server, spark):
    with Scratch({"good.json": GOOD}) as job:
        with open(os.path.join(job.landing, "big.json"), "wb") as file:
            file.write(b'{"a":2,"b":"')
            file.seek(2 * 1024 ** 3 + 100)  # a hole, which reads as zeros and needs no disk
            file.write(b'"}\n{"a":3,"b":"after"}\n')
        before = peak_kb(server)
        rows, metrics = job.load(spark)
        assert sorted(row["a"] or "" for row in rows) == ["", "1", "3"] and metrics["numRowsRescued"] == "1", (len(rows), metrics)
        assert peak_kb(server) - before < 400_000, (before, peak_kb(server))


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_costs_no_memory(server, spark):
    chunk = b" " * 1_000_000
    for file_format, begin, end in [("json", b'{"a":2,"b":"', b'"}\n{"a":3,"b":"after"}\n'), ("csv", b'1,"', b'"\n3,after\n')]:
        with Scratch({"good." + file_format: GOOD if file_format == "json" else b"2,x\n"}) as job:
            path = os.path.join(job.landing, f"bomb.{file_format}.gz")
            with gzip.open(path, "wb", compresslevel=1) as file:
                file.write(begin)
                for _ in range(800):
                    file.write(chunk)
                file.write(end)
            assert os.path.getsize(path) < 8_000_000
            before = peak_kb(server)
            rows, metrics = job.load(spark, file_format=file_format, schema="a string, b string", rescuedDataColumn="_rescued_data")
            assert len(rows) == 3 and "3" in [row["a"] for row in rows], (rows, metrics)
            assert peak_kb(server) - before < 400_000, (file_format, before, peak_kb(server))


NAMES = ["a b.json", "new\nline.json", "p%20q.json", "h#x.json", "[x].json", "x.json", "st*r.json", "c:d.json", "q?y.json", "{a,b}.json", "it's.json", 'dq".json',
         "back\\slash.json", "ü.json", "plus+.json", "x=1.json", "tab\t.json", "a,b.json", "~.json", "%.json", "%zz.json", " lead.json", "trail .json ",
         b"not\xff\xfeutf8.json", b"\x01.json", "d e/[f]/g%h.json"]


def test_every_name_that_the_kernel_takes(spark):
    with Scratch() as job:
        os.makedirs(os.path.join(job.landing, "d e", "[f]"))
        for i, name in enumerate(NAMES):
            job.write(name, b'{"a":%d}\n' % i)
        for _ in range(2):  # the second time nothing is new
            rows, _ = job.load(spark, columns=("a", "_metadata.file_path"))
            assert sorted(int(row["a"]) for row in rows) == list(range(len(NAMES))), rows
        paths = {int(row["a"]): row["file_path"] for row in rows}
        assert paths[0].endswith("/a%20b.json") and paths[NAMES.index(b"not\xff\xfeutf8.json")].endswith("/not%FF%FEutf8.json"), paths
        # What the directory itself is called must not matter either.
        odd = os.path.join(job.base, "land[i]ng *#%20")
        os.rename(job.landing, odd)
        read = spark.read.json(odd.replace("[", "\\[").replace("*", "\\*"))
        assert read.count() == len(NAMES) - 1  # all but the one in directories of its own


def with_failpoint(failpoint, function):
    """Runs the function with a server that stands still at a failpoint, so that the files can be changed there."""
    os.environ["MILLSTREAM_FAILPOINTS"] = failpoint
    server = None
    try:
        server = harness.Server()
        function(server.session())
        assert server.alive()
    finally:
        os.environ.pop("MILLSTREAM_FAILPOINTS")
        if server:
            server.close()


def test_a_file_that_vanishes_between_listing_and_reading():
    def start_and_remove(job, spark, **options):
        query = job.stream(spark, schema="a int, b string", **options).trigger(availableNow=True).format("delta").start(f"{job.base}/table")
        deadline = time.monotonic() + 10
        while not os.path.exists(f"{job.base}/checkpoint/offsets/0"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.remove(os.path.join(job.landing, "gone.json"))
        return query

    def job_with_a_gap(spark):
        with Scratch({"good.json": GOOD, "gone.json": GOOD}) as job:
            query = start_and_remove(job, spark)
            error = harness.raises(PySparkException, lambda: query.awaitTermination(60), "gone.json")
            assert not query.isActive, error
            # The file comes back, or the user says that it does not matter: both go on from there.
            rows, metrics = job.load(spark, schema="a int, b string", ignoreMissingFiles="true")
            assert len(rows) == 1 and metrics["numFilesSkipped"] == "1", (rows, metrics)

    with_failpoint("stream.offsets.after_dirsync=sleep:1000@1", job_with_a_gap)


def test_a_directory_without_read_permission_is_named():
    with Scratch({"good.json": GOOD}) as job:
        closed = os.path.join(job.landing, "closed")
        os.makedirs(closed)
        os.chmod(job.base, 0o777)
        os.chmod(closed, 0)
        program = os.environ["MILLSTREAM"]
        command = []
        if os.geteuid() == 0:
            # Root reads everything: the server runs as nobody here.
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            tried = subprocess.run([*command, program, "--help"], capture_output=True) if shutil.which("setpriv") else None
            if tried is None or tried.returncode != 0:
                print("skip: nobody but root can run the program here, and root can read every directory")
                return
        os.makedirs(f"{job.base}/warehouse")
        os.chmod(f"{job.base}/warehouse", 0o777)
        process = subprocess.Popen([*command, program, "serve", "--port", "0", "--ui-port", "0", "--warehouse", f"{job.base}/warehouse"],
                                   stdout=subprocess.PIPE, text=True, cwd="/")
        try:
            from pyspark.sql import SparkSession
            spark = SparkSession.builder.remote(process.stdout.readline().split()[3]).create()
            harness.raises(PySparkException, lambda: job.load(spark, schema="a int, b string"), "closed", "Permission denied")
            os.chmod(closed, 0o755)
            rows, _ = job.load(spark, schema="a int, b string")
            assert len(rows) == 1, rows
            spark.stop()
        finally:
            process.terminate()
            process.wait(20)


def test_options_that_are_wrong_are_answered_with_a_suggestion(spark):
    with Scratch({"good.json": GOOD}) as job:
        for option, value, needle in [("cloudFiles.maxFilesPerTriger", "1", "maxFilesPerTrigger"), ("cloudFiles.maxFilesPerTrigger", "many", "many"),
                                      ("cloudFiles.schemaEvolutionMode", "addNewColumn", "addNewColumns"), ("cloudFiles.schemaHints", "a itn", "ITN"),
                                      ("multiline", "perhaps", "perhaps"), ("encoding", "UFT-8", "UFT-8")]:
            harness.raises(PySparkException, lambda: job.load(spark, **{option: value}), needle)
        harness.raises(PySparkException, lambda: job.load(spark, file_format="jsn"), "json")
    assert spark.range(2).count() == 2


def test_nothing_to_infer_from(spark):
    for files in [{}, {"empty.json": b""}, {"noise.json": b"nonsense\n{{{\n"}]:
        with Scratch(files) as job:
            harness.raises(PySparkException, lambda: job.load(spark), "schema")
    assert spark.range(2).count() == 2


def test_broken_archives_and_parquet_files_are_named_or_skipped_and_counted(spark):
    import pyarrow as pa
    import pyarrow.parquet as pq
    whole = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"]}), whole)
    parquet = whole.getvalue().to_pybytes()
    packed = gzip.compress(GOOD * 1000)
    for file_format, bad in [("json", {"cut.json.gz": packed[:60]}), ("json", {"crc.json.gz": packed[:-8] + b"\1\2\3\4" + packed[-4:]}),
                             ("parquet", {"half.parquet": parquet[:len(parquet) // 2]}), ("parquet", {"noise.parquet": os.urandom(500)}),
                             ("parquet", {"footer.parquet": b"PAR1" + bytes(100) + b"\xff\xff\xff\x7fPAR1"})]:
        good = {"good.parquet": parquet} if file_format == "parquet" else {"good.json": GOOD * 2}
        with Scratch({**good, **bad}) as job:
            harness.raises(PySparkException, lambda: job.load(spark, file_format=file_format, schema="a int, b string"), next(iter(bad)))
            rows, metrics = job.load(spark, file_format=file_format, schema="a int, b string", ignoreCorruptFiles="true")
            assert len(rows) == 2 and metrics["numFilesSkipped"] == "1", (bad, rows, metrics)
    assert spark.range(2).count() == 2


def test_ragged_csv_keeps_every_line(spark):
    with Scratch({"r.csv": b'\xef\xbb\xbfa,b\r\n1,x\r\n2,"unclosed\r\n3\r\n4,y,extra\r\n'}) as job:
        rows, metrics = job.load(spark, file_format="csv")
        assert len(rows) == 4 == metrics["rows"] and metrics["numRowsRescued"] == "1", (rows, metrics)
        assert [row["a"] for row in rows] == ["1", "2", "3", "4"], rows


if __name__ == "__main__":
    harness.main(globals())
