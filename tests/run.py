#!/usr/bin/env python3
"""Runs the tests of one variant and counts them: unit (cmocka programs) and integration (Python).

Every program gets its own process group and its own time limit; a test that hangs is ended by the
pid that was started here. One that ends with 77 skips, and its last line says why. The last line
is `N passed, N failed`."""
import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNIT_LIMIT_S = 120
INTEGRATION_LIMIT_S = 300
SKIPPED = 77


def find(variant, kind):
    if kind == "unit":
        return sorted(glob.glob(f"{ROOT}/build/{variant}/tests/*_test"))
    return sorted(glob.glob(f"{ROOT}/tests/integration/*_test.py"))


def run(path, variant, limit_s):
    command = [path] if not path.endswith(".py") else ["/usr/bin/python3", path]
    environment = dict(os.environ, CULPRIT_BIN=f"{ROOT}/build/{variant}/bin",
                       CULPRIT_VARIANT=variant, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                       UBSAN_OPTIONS="print_stacktrace=1",
                       TSAN_OPTIONS=f"halt_on_error=0:exitcode=66:suppressions={ROOT}/tests/tsan.supp")
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        output, _ = child.communicate(timeout=limit_s)
        return child.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        return 124, output.decode(errors="replace") + f"\nnot done after {limit_s} s\n"


def count(code, output):
    """cmocka's closing lines, or those that tests/integration/stack.py prints alike."""
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", output))
    if code != 0 and failed == 0:
        failed = 1
    if code == 0 and passed == 0:
        failed = 1
        output += "\nno test ran\n"
    return passed, failed, output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", default="release")
    parser.add_argument("--only", default="", help="part of a test program's name")
    parser.add_argument("kinds", nargs="+", choices=["unit", "integration"])
    arguments = parser.parse_args()
    # Sanitizers are slower by about this much.
    factor = {"asan": 3, "tsan": 5}.get(arguments.variant, 1)
    passed = failed = 0
    for kind in arguments.kinds:
        limit_s = (UNIT_LIMIT_S if kind == "unit" else INTEGRATION_LIMIT_S) * factor
        for path in find(arguments.variant, kind):
            name = os.path.basename(path)
            if arguments.only not in name:
                continue
            began = time.monotonic()
            code, output = run(path, arguments.variant, limit_s)
            if code == SKIPPED:
                print(f"skip {kind} {name}: {output.strip().splitlines()[-1]}", flush=True)
                continue
            p, f, output = count(code, output)
            passed, failed = passed + p, failed + f
            word = "ok  " if f == 0 else "FAIL"
            print(f"{word} {kind} {name}: {p} passed, {f} failed, "
                  f"{time.monotonic() - began:.1f} s", flush=True)
            for line in re.findall(r"^skipped: .*", output, re.MULTILINE):
                print(f"     {line}", flush=True)
            if f:
                print(output, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
