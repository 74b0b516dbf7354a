"""Starts the server under test and runs the test_… functions of the calling script.

The program is $MILLSTREAM. Ends with "tests: N passed, N failed", which tests/run_spark_tests adds up.
"""
import faulthandler
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

# PySpark 4.1 waits for ever when the garbage collector frees a session in the thread that releases a result: SparkSession.__del__ then takes
# the lock that the starter of that thread holds (reattach.py, _release_until and shutdown). One session in a process, as users have, is safe.
gc.disable()
os.environ["PYSPARK_PYTHON"] = sys.executable  # the server runs the functions of the tests with it


def short_retries():
    """Retries for some seconds, not for ten minutes: PySpark 4.1's stop() waits for what any session of the process still wants of a server that a test has killed."""
    from pyspark.sql.connect.client.retries import DefaultPolicy
    return DefaultPolicy(max_retries=8, max_backoff=1000)


class Server:
    def __init__(self, warehouse=None, options=()):
        self.options = list(options)
        self.directory = tempfile.mkdtemp(prefix="millstream-test-")
        self.warehouse = warehouse or os.path.join(self.directory, "warehouse")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [os.environ["MILLSTREAM"], "serve", "--port", "0", "--ui-port", "0", "--warehouse", self.warehouse, *self.options],
            stdout=subprocess.PIPE, stderr=sys.stderr, cwd=self.directory, text=True)
        ready = self.process.stdout.readline()
        assert ready.startswith("millstream is ready: sc://localhost:"), ready
        self.remote = ready.split()[3]
        self.port = int(self.remote.rsplit(":", 1)[1])

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        begin = time.monotonic()
        self.process.terminate()
        code = self.process.wait(15)
        return code, time.monotonic() - begin

    def close(self):
        if self.alive():
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def session(self, **options):
        from pyspark.sql import SparkSession
        builder = SparkSession.builder.remote(self.remote)
        for key, value in options.items():
            builder = builder.config(key, value)
        session = builder.create()
        session.client.set_retry_policies([short_retries()])
        return session


def raises(kind, function, *needles):
    """`function` raises `kind` with all `needles` in its text; the exception."""
    try:
        function()
    except kind as error:
        for needle in needles:
            assert needle in str(error), f"{needle!r} is not in {error}"
        return error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} instead of {kind.__name__}: {error}") from error
    raise AssertionError(f"no {kind.__name__}")


def main(namespace, *options):
    """Runs every test_… function with the arguments (server, spark) that it names. `options`: more of `millstream serve`."""
    passed, failed = 0, 0
    wanted = sys.argv[1:]
    server = Server(options=options)
    for name, function in list(namespace.items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        if not server.alive():
            print("the server has died")
            server = Server(options=options)
        arguments = {}
        faulthandler.dump_traceback_later(120, exit=True, file=sys.stdout)
        try:
            for argument in function.__code__.co_varnames[:function.__code__.co_argcount]:
                arguments[argument] = server if argument == "server" else server.session()
            function(**arguments)
            passed += 1
            print("ok  ", name, flush=True)
        except Exception:
            failed += 1
            print("FAIL", name)
            traceback.print_exc(file=sys.stdout)
        finally:
            if "spark" in arguments:
                try:
                    arguments["spark"].stop()
                except Exception:
                    traceback.print_exc(file=sys.stdout)
    if not server.alive():
        failed += 1
        print("FAIL the server has died")
    server.close()
    print(f"tests: {passed} passed, {failed} failed", flush=True)
    # Sessions that a test has left open would look for the closed server for minutes in their exit hooks.
    sys.stderr.flush()
    os._exit(1 if failed else 0)
