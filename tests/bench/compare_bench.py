#!/usr/bin/python3
"""How often `culprit compare` cries wolf, and what it finds, on real runs against a server of three
steps (compare_server.c). A round is three runs one after the other, in an order that changes:
before, after with nothing changed, after with the step "wait" a tenth slower. Compared are single
runs, and several rounds together. Prints counts, never judges.

    make bench-programs programs
    tests/bench/compare_bench.py --rounds 20 --keep build/compare-runs
    tests/bench/compare_bench.py --again build/compare-runs      # judges kept reports anew
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CULPRIT_BIN", f"{ROOT}/build/release/bin")
BENCH = os.environ.get("CULPRIT_BENCH", f"{ROOT}/build/release/bench")
STEPS = ["work", "wait", "mixed"]
SIDES = {"before": 1.0, "equal": 1.0, "slower": 1.1}


def flow(seconds, rate):
    return {"schema": "culprit.load/1", "name": "compare", "target": "http://127.0.0.1:1",
            "arrivals": {"stages": [{"duration_s": seconds, "rate": rate}]},
            "limits": {"connections": 64, "timeout_ms": 5000},
            "flows": [{"name": "flow", "steps": [
                {"name": step, "path": f"/{step}?n=${{number}}", "check": {"status": 200}}
                for step in STEPS]}]}


def run(plan, factor, path, seconds):
    with subprocess.Popen([f"{BENCH}/compare_server", str(factor)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        done = subprocess.run([f"{BIN}/culprit", "load", plan, "--target",
                               f"http://127.0.0.1:{port}", "--quiet", "--json", path],
                              stdout=subprocess.DEVNULL, timeout=seconds + 60, check=False)
        server.stdin.close()
        server.wait(10)
    if done.returncode not in (0, 97, 99):
        sys.exit(f"culprit load: {done.returncode}")


def measure(directory, arguments):
    plan = f"{directory}/flow.json"
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(flow(arguments.seconds, arguments.rate), file)
    names = list(SIDES)
    for number in range(arguments.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            run(plan, SIDES[name], f"{directory}/{name}-{number}.json", arguments.seconds)
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)


def compare(directory, side, rounds):
    before = ",".join(f"{directory}/before-{n}.json" for n in rounds)
    after = ",".join(f"{directory}/{side}-{n}.json" for n in rounds)
    path = f"{directory}/comparison.json"
    done = subprocess.run([f"{BIN}/culprit", "compare", before, after, "--json", path],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 97, 99):
        sys.exit(f"culprit compare: {done.stderr}")
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    return done.returncode, {step["name"]: step for step in report["parts"][0]["steps"]}


def judge(directory, count, group):
    for side in ("equal", "slower"):
        exits, words, effects = collections.Counter(), collections.Counter(), []
        for first in range(0, count - group + 1, group):
            status, steps = compare(directory, side, range(first, first + group))
            exits[status] += 1
            words.update(f"{name} {step['result']}" for name, step in steps.items())
            if steps["wait"]["median_ms"]:
                effects.append(100 * (steps["wait"]["median_ms"]["change"] - 1))
        print(f"{group} a side, {side}: {sum(exits.values())} comparisons, exit "
              + ", ".join(f"{status}: {n}" for status, n in sorted(exits.items())))
        print("    " + ", ".join(f"{word} {n}" for word, n in sorted(words.items())))
        print("    change of \"wait\" in %: " + " ".join(f"{e:+.1f}" for e in sorted(effects)))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--rate", type=int, default=100, help="flows of three steps a second")
    parser.add_argument("--group", type=int, default=3, help="rounds that are compared together")
    parser.add_argument("--keep", metavar="DIR", help="leave the reports there")
    parser.add_argument("--again", metavar="DIR", help="measure nothing, compare those reports")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="culprit-compare-") as temporary:
        directory = arguments.again or arguments.keep or temporary
        os.makedirs(directory, exist_ok=True)
        if not arguments.again:
            measure(directory, arguments)
        count = sum(os.path.exists(f"{directory}/slower-{n}.json")
                    and os.path.exists(f"{directory}/equal-{n}.json")
                    and os.path.exists(f"{directory}/before-{n}.json") for n in range(10000))
        for group in sorted({1, arguments.group}):
            judge(directory, count, group)


if __name__ == "__main__":
    main()
