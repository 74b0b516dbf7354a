"""Forks the workers of one interpreter from a process that has loaded what they all need: a worker starts in milliseconds then, and shares the memory of pandas and pyarrow.

Started by the server, talking over file descriptor 3 in packets:
  server → host   F, with the worker's socket as ancillary data      W + u32 pid: has it ended? What it has forked ends with it
  host → server   u32 pid, or 0 and why not                          0: it runs      1 + i32: ended, with the status of waitpid
It ends when the server closes its end, or when it has had no worker for IDLE_SECONDS: packages that are installed meanwhile are then seen.
"""
import importlib
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback

IDLE_SECONDS = 60
LEAVE_SECONDS = 2  # for workers that see their server gone: they end themselves after one
# Not the Connect client's session: gRPC does not survive a fork.
LOADED_BEFORE = ("pyarrow", "pandas", "pyspark.serializers", "pyspark.sql.types", "pyspark.sql.pandas.types")


def load():
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    for name in LOADED_BEFORE:
        try:
            importlib.import_module(name)
        except Exception:
            pass  # a worker that needs it says so


def work(control, worker_socket):
    try:
        os.setpgid(0, 0)
        control.detach()
        os.dup2(worker_socket, 3)  # closes the host's end
        os.close(worker_socket)
        importlib.invalidate_caches()
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # or all workers would draw the same numbers
        import millstream_worker
        millstream_worker.main()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def fork(control, worker_socket):
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pid = os.fork()
    except OSError as error:
        return struct.pack(">I", 0) + str(error).encode()
    if pid == 0:
        work(control, worker_socket)
    try:
        os.setpgid(pid, pid)  # before the server, which ends the group, hears of it
    except OSError:
        pass  # it has ended
    return struct.pack(">I", pid)


def ended(pid):
    """The status of a worker that has ended; None while it runs."""
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    # Before its id is free: processes that the function has forked hold the worker's socket.
    end_group(pid)
    return os.waitpid(pid, 0)[1]


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass  # nobody is left in it


def main():
    control = socket.socket(fileno=3)
    load()
    workers = set()
    while True:
        readable, _, _ = select.select([control], [], [], None if workers else IDLE_SECONDS)
        if not readable:
            break
        request, descriptors, _, _ = socket.recv_fds(control, 16, 1)
        if not request:
            break
        if request[:1] == b"F":
            answer = fork(control, descriptors[0])
            os.close(descriptors[0])
            workers.add(struct.unpack(">I", answer[:4])[0])
            workers.discard(0)
        else:
            (pid,) = struct.unpack(">I", request[1:5])
            status = ended(pid)
            answer = b"\0" if status is None else struct.pack(">Bi", 1, status)
            if status is not None:
                workers.discard(pid)
        control.send(answer)
    if workers:
        time.sleep(LEAVE_SECONDS)
    for pid in workers:
        end_group(pid)
    os._exit(0)
