#!/usr/bin/python3
"""The conformance table of the tracing library, and the proof that its tests are tests.

tests/conformance/rows.toml holds a row for each requirement: what the specification asks, the test
that shows it (unit test program: test), and a mutation of the code that must turn that test red.
Rows without a mutation say why they are not done.

    mutate.py               applies each mutation to a copy of the tree and runs its test there
    mutate.py --check       every row is whole: its test exists, its text stands in the file once
    mutate.py --table       writes lib/trace/CONFORMANCE.md; with --check, compares it

The last line is `N passed, N failed`."""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS = f"{ROOT}/tests/conformance/rows.toml"
TABLE = f"{ROOT}/lib/trace/CONFORMANCE.md"
SCRATCH = f"{ROOT}/build/mutants"
TEST_S, BUILD_S = 150, 300
FLAGS = ["V=debug", "CFLAGS_debug=-O1 -g -w"]


def load():
    with open(ROWS, "rb") as file:
        sections = tomllib.load(file)["section"]
    return [(section, row) for section in sections for row in section["row"]]


def name_of(row):
    return f"{row['test']} | {row['says']}" if "test" in row else row["says"]


def program_and_test(row):
    program, test = row["test"].split(": ", 1)
    return program, test


# ---- the table

def escape(text):
    return text.replace("|", "\\|")


def table(rows):
    done = sum("test" in row for _, row in rows)
    lines = ["# What of OpenTelemetry the library does", "",
             f"{done} requirements are met, each with a test and a mutation of the code that turns "
             f"this test red (`make mutations` tries them all); {len(rows) - done} are not done.",
             "Made from `tests/conformance/rows.toml` by `tests/conformance/mutate.py --table`."]
    last = None
    for section, row in rows:
        if section["title"] != last:
            last = section["title"]
            lines += ["", f"## {last}", "", "| requirement | test, or why not | mutation |",
                      "| --- | --- | --- |"]
        if "test" in row:
            program, test = program_and_test(row)
            lines.append(f"| {escape(row['says'])} | `{program}`: {escape(test)} | "
                         f"`{row['file'].removeprefix('lib/trace/')}`: {escape(row['breaks'])} |")
        else:
            lines.append(f"| {escape(row['says'])} | **not done**: {escape(row['why'])} | |")
    return "\n".join(lines) + "\n"


# ---- whole rows

def check(rows):
    wrong = []
    for _, row in rows:
        if "test" not in row:
            if "why" not in row:
                wrong.append(f"{row['says']}: neither a test nor a reason")
            continue
        program, test = program_and_test(row)
        path = f"{ROOT}/tests/unit/{program}.c"
        if not os.path.exists(path):
            wrong.append(f"{name_of(row)}: no such program")
        else:
            with open(path, encoding="utf-8") as file:
                if test not in file.read():
                    wrong.append(f"{name_of(row)}: no such test")
        with open(f"{ROOT}/{row['file']}", encoding="utf-8") as file:
            count = file.read().count(row["old"])
        if count != 1:
            wrong.append(f"{name_of(row)}: the text stands {count} times in {row['file']}")
    with open(TABLE, encoding="utf-8") as file:
        if file.read() != table(rows):
            wrong.append("lib/trace/CONFORMANCE.md is not what --table writes")
    return wrong


# ---- mutants

class Tree:
    """A copy of the tree, in which one mutation at a time is tried."""

    def __init__(self, number):
        self.path = f"{SCRATCH}/{number}"
        self.lock = threading.Lock()
        os.makedirs(self.path, exist_ok=True)
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout.split("\n")
        for name in filter(None, files):
            source, target = f"{ROOT}/{name}", f"{self.path}/{name}"
            if not os.path.isfile(source) or same(source, target):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)

    def make(self, *targets):
        return subprocess.run(["make", "--no-print-directory", "-j1", *FLAGS, *targets],
                              cwd=self.path, capture_output=True, text=True, timeout=BUILD_S)

    def build(self, programs):
        made = self.make(*[f"build/debug/tests/{program}" for program in programs])
        if made.returncode != 0:
            raise RuntimeError(made.stderr[-2000:])

    def is_green(self, program, test):
        """Also a program that crashes or hangs before it says so is red."""
        try:
            ran = subprocess.run([f"build/debug/tests/{program}"], cwd=self.path, timeout=TEST_S,
                                 capture_output=True, text=True, errors="replace")
            said = ran.stdout + ran.stderr
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
        name = re.escape(test)
        return (re.search(rf"\[       OK \] {name}$", said, re.MULTILINE) is not None
                and re.search(rf"\[  FAILED  \] {name}$", said, re.MULTILINE) is None)

    def try_row(self, row):
        program, test = program_and_test(row)
        path = f"{self.path}/{row['file']}"
        with open(path, encoding="utf-8") as file:
            good = file.read()
        if good.count(row["old"]) != 1:
            return f"the text stands {good.count(row['old'])} times in {row['file']}"
        self.build([program])
        if not self.is_green(program, test):
            return "the test is red without the mutation"
        try:
            write(path, good.replace(row["old"], row["new"]))
            made = self.make(f"build/debug/tests/{program}")
            if made.returncode != 0:
                return "the mutation does not compile: " + made.stderr.strip()[:300]
            return "the test stays green" if self.is_green(program, test) else None
        finally:
            write(path, good)


def same(source, target):
    return os.path.isfile(target) and open(source, "rb").read() == open(target, "rb").read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def mutate(rows, jobs):
    trees = [Tree(number) for number in range(jobs)]
    programs = sorted({program_and_test(row)[0] for row in rows})
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda tree: tree.build(programs), trees))
        free = list(trees)
        lock = threading.Lock()

        def one(row):
            with lock:
                tree = free.pop()
            try:
                wrong = tree.try_row(row)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as failure:
                wrong = str(failure)
            finally:
                with lock:
                    free.append(tree)
            print(f"{'ok  ' if wrong is None else 'FAIL'} {name_of(row)}"
                  + (f": {wrong}" if wrong else ""), flush=True)
            return wrong is None

        results = list(pool.map(one, rows))
    return sum(results), len(results) - sum(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name this regular expression finds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    rows = load()
    if arguments.table:
        write(TABLE, table(rows))
    if arguments.check:
        wrong = check(rows)
        print("\n".join(wrong) or f"{len(rows)} rows are whole")
        return 1 if wrong else 0
    if arguments.table:
        return 0
    chosen = [row for _, row in rows if "test" in row and re.search(arguments.only, name_of(row))]
    passed, failed = mutate(chosen, arguments.jobs)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
