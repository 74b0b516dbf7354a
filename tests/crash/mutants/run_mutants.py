#!/usr/bin/env python3
"""Plants each seeded bug of mutants.py in a copy of the sources, builds it, and runs the checks that should notice.

Goal: proof that the crash tests can fail. Prints a table of what caught what; a bug that nothing catches is a hole in the tests, and fails this.

    run_mutants.py --scratch build/mutants --deps DIR [--only NAME,NAME]
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mutants import MUTANTS  # noqa: E402

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
CRASH_CHECKS = {
    "kill": ["tests/crash/kill_test.py", "--kills", "300", "--server-kills", "0", "--seed", "1", "--stop-at-first"],
    "cut": ["tests/crash/power_cut_test.py", "--cuts", "100", "--seed", "1", "--stop-at-first"],
}
CHECK_TIMEOUT_S = 600


def run(command, cwd, timeout=None):
    done = subprocess.run(command, cwd=cwd, timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


class Copy:
    """The sources, and a build of them, in a directory of their own."""

    def __init__(self, scratch, deps):
        self.source, self.build = os.path.join(scratch, "src"), os.path.join(scratch, "src", "build", "debug")
        os.makedirs(self.source, exist_ok=True)
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP, check=True, capture_output=True).stdout
        for name in listed.decode().split("\0"):
            if name and os.path.isfile(os.path.join(TOP, name)):
                self.write(name, self.read(name, TOP))
                shutil.copymode(os.path.join(TOP, name), os.path.join(self.source, name))
        code, out = run(["cmake", "--preset", "debug", f"-DMILLSTREAM_DEPS={deps}", "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1"], self.source)
        if code:
            sys.exit(out)

    def read(self, name, top=None):
        with open(os.path.join(top or self.source, name), "rb") as file:
            return file.read()

    def write(self, name, content):
        """Leaves a file alone that has that content, so that its objects stay valid."""
        path = os.path.join(self.source, name)
        if os.path.exists(path) and self.read(name) == content:
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def plant(self, mutant):
        for name, old, new in mutant.edits:
            text = self.read(name).decode()
            if text.count(old) != 1:
                sys.exit(f"mutant {mutant.name}: its text is {text.count(old)} times in {name}:\n{old}")
            self.write(name, text.replace(old, new).encode())

    def heal(self, mutant):
        for name, _, _ in mutant.edits:
            self.write(name, self.read(name, TOP))

    def make(self, target):
        code, out = run(["ninja", "-C", self.build, target], self.source)
        return None if code == 0 else out

    def catches(self, check):
        """How the check failed, or None when it saw nothing."""
        target = "crash_job" if check in CRASH_CHECKS else check
        if wrong := self.make(target):
            sys.exit(f"{target} does not build:\n{wrong[-3000:]}")
        if check in CRASH_CHECKS:
            command = [sys.executable, *CRASH_CHECKS[check], "--millstream", os.path.join(self.build, "millstream")]
        else:
            command = [os.path.join(self.build, check), "--gtest_brief=1"]
        try:
            code, out = run(command, self.source, CHECK_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "it hangs"
        if code == 0:
            return None
        seen = re.search(r"^VIOLATION (.*)|\[  FAILED  \] ([\w.]+)", out, re.M)
        return (seen.group(1) or seen.group(2))[:110] if seen else f"exit {code}: {out[-300:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--deps", required=True)
    parser.add_argument("--only", help="names, with commas between")
    args = parser.parse_args()
    wanted = [mutant for mutant in MUTANTS if not args.only or mutant.name in args.only.split(",")]
    copy = Copy(os.path.abspath(args.scratch), os.path.abspath(args.deps))
    for check in sorted({check for mutant in wanted for check in mutant.checks}):
        if seen := copy.catches(check):
            sys.exit(f"{check} fails without any bug planted: {seen}")
    print(f"{len(wanted)} seeded bugs; all checks pass without them", flush=True)
    missed = []
    for mutant in wanted:
        began = time.monotonic()
        copy.plant(mutant)
        caught_by, how = next(((check, seen) for check in mutant.checks if (seen := copy.catches(check))), (None, ""))
        copy.heal(mutant)
        if caught_by is None:
            missed.append(mutant.name)
        print(f"{'caught' if caught_by else 'MISSED'}  {mutant.name:26} {mutant.bug:85} {caught_by or '-':22} {time.monotonic() - began:4.0f} s  {how}", flush=True)
    print(f"mutants: {len(wanted) - len(missed)} of {len(wanted)} caught{'; missed: ' + ', '.join(missed) if missed else ''}")
    print(f"tests: {len(wanted) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
