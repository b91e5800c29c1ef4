#!/usr/bin/env python3
"""Runs the tests of one variant and counts them: unit (cmocka programs) and integration (Python).

Every program gets its own process group and its own time limit; a test that hangs is ended by the
pid that was started here. What a sanitizer reports in any process of a test, a service that the test
kills included, lies in a file under build/<variant>/reports and fails that test. One that ends with
77 skips, and its last line says why. The last line is `N passed, N failed`."""
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
REPORT_CHARACTERS = 20000


def find(variant, kind):
    if kind == "unit":
        return sorted(glob.glob(f"{ROOT}/build/{variant}/tests/*_test"))
    return sorted(glob.glob(f"{ROOT}/tests/integration/*_test.py"))


def sanitizer_environment(variant, reports):
    """Sanitizers write to files named `reports` and a pid: a service's standard error may go
    anywhere, and its exit status may never be looked at."""
    return {"ASAN_OPTIONS": f"detect_leaks=1:abort_on_error=0:log_path={reports}",
            "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={reports}",
            "TSAN_OPTIONS": f"halt_on_error=0:exitcode=66:log_path={reports}:"
                            f"suppressions={ROOT}/tests/tsan.supp",
            "CULPRIT_BIN": f"{ROOT}/build/{variant}/bin", "CULPRIT_VARIANT": variant}


def run(path, variant, limit_s):
    """Exit status, output, and what sanitizers reported."""
    command = [path] if not path.endswith(".py") else ["/usr/bin/python3", path]
    directory = f"{ROOT}/build/{variant}/reports"
    os.makedirs(directory, exist_ok=True)
    reports = f"{directory}/{os.path.basename(path)}"
    for old in glob.glob(f"{reports}.[0-9]*"):
        os.remove(old)
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True,
                             env=dict(os.environ, **sanitizer_environment(variant, reports)))
    try:
        output, _ = child.communicate(timeout=limit_s)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        code, output = 124, output + f"\nnot done after {limit_s} s\n".encode()
    return code, output.decode(errors="replace"), read_reports(reports)


def read_reports(reports):
    """The files' text, each file's beginning."""
    text = ""
    for path in sorted(glob.glob(f"{reports}.[0-9]*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            text += f"\n{path}:\n{file.read(REPORT_CHARACTERS)}"
    return text


def count(code, output, reports):
    """cmocka's closing lines, or those that tests/integration/stack.py prints alike."""
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", output))
    if reports:
        output += reports
    if (code != 0 or reports) and failed == 0:
        failed = 1
    skipped = re.search(r"^(skipped: |\[  SKIPPED \] \d+ test)", output, re.MULTILINE)
    if code == 0 and passed == 0 and not skipped:
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
            code, output, reports = run(path, arguments.variant, limit_s)
            if code == SKIPPED and not reports:
                print(f"skip {kind} {name}: {output.strip().splitlines()[-1]}", flush=True)
                continue
            p, f, output = count(code, output, reports)
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
