#!/usr/bin/python3
"""What a span costs: this library and the OpenTelemetry SDK for Go, one after the other, round by
round; medians over the rounds. Prints tables, never judges.

A row counts only where the sink got exactly what was ended: as many spans, all different, each
with its name, attributes and event. Workload: tests/bench/trace_workload.h. Columns:

  ns            a span on the thread that makes it: CPU of the thread in bursts, wall else
  process ns    the same, and what all other threads of the process burnt
  mallocs, heap B   a span, of the whole process
  RssAnon       anonymous memory above that of the same program before tracing
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.environ.get("CULPRIT_BENCH", f"{ROOT}/build/release/bench")
GO = f"{ROOT}/build/peers/tracing"
ROW_S = 120
TRIES = 3

CLOCK, TSC = "culprit, clock_gettime", "culprit, TSC"
CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
PEER = "OTel Go SDK 1.47"

# title, mode, threads, spans a second (0: as fast as it goes)
ROWS = [("burst, 1 thread", "recording", 1, 0),
        ("burst, 2 threads", "recording", 2, 0),
        ("sustained, 1 thread", "sustained", 1, 0),
        ("sustained, 2 threads", "sustained", 2, 0)]
ROWS += [(f"{rate:,}/s, {threads} thread{'s' * (threads > 1)}", "recording", threads, rate)
         for rate in (1000, 10000, 50000) for threads in (1, 2)]
ROWS += [("unsampled, 1 thread", "unsampled", 1, 0),
         ("unsampled, 2 threads", "unsampled", 2, 0),
         ("disabled, 1 thread", "disabled", 1, 0),
         ("disabled, 2 threads", "disabled", 2, 0)]


class Sink:
    def __enter__(self):
        self.process = subprocess.Popen([f"{BENCH}/trace_sink"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        port = json.loads(self.process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{port}/v1/traces"
        return self

    def counts(self):
        return json.loads(self.process.communicate(timeout=30)[0])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure_once(command, row):
    """The figures of one row, and why they do not count ("" when they do)."""
    _, mode, threads, rate = row
    wants_counter = "plain-clock" not in command
    with Sink() as sink:
        words = {"MODE": mode, "THREADS": str(threads), "RATE": str(rate), "URL": sink.url}
        done = subprocess.run([words.get(word, word) for word in command], text=True,
                              stdout=subprocess.PIPE, timeout=ROW_S, check=True)
        got = sink.counts()
    figures = json.loads(done.stdout)
    ended = figures["ended"]
    figures["wire_bytes"] = got["body_bytes"] / got["spans"] if got["spans"] else 0
    if not ended == got["spans"] == got["distinct"] == got["whole"]:
        return figures, f"{ended} ended, the sink got {got}"
    if ended and figures.get("counter", wants_counter) != wants_counter:
        return figures, f"the clock was the other one: {figures}"
    return figures, ""


def measure(name, command, row):
    why = ""
    for _ in range(TRIES):
        figures, why = measure_once(command, row)
        if not why:
            return figures
    print(f"{row[0]}, {name}: does not count, {why}", file=sys.stderr)
    return None


def median(samples, key):
    return statistics.median(sample[key] for sample in samples)


def cells(samples):
    if not samples:
        return ["does not count"] + [""] * 5
    recorded = samples[0]["ended"] > 0
    ns = median(samples, "ns")
    low = min(sample["ns"] for sample in samples)
    shown = f"{ns:,.0f}" if ns >= 100 else f"{ns:,.1f}"
    return [f"{shown} ({low:,.0f})" if ns >= 100 else f"{shown} ({low:,.1f})",
            f"{median(samples, 'process_ns'):,.0f}" if recorded else "",
            f"{median(samples, 'mallocs'):.2f}", f"{median(samples, 'heap_bytes'):,.0f}",
            f"{median(samples, 'rss_anon_kib') / 1024:.1f} MB" if recorded else "",
            f"{median(samples, 'wire_bytes'):.0f}" if recorded else ""]


def print_table(head, lines):
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    for line in [head, ["-" * width for width in widths], *lines]:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |")


def print_figures(results, rows, names):
    lines = []
    for row in rows:
        for i, name in enumerate(names):
            title = row[0] if i == 0 else ""
            lines.append([title, name, *cells(results.get((row[0], name), []))])
    print_table(["spans", "program", "ns (least)", "process ns", "mallocs", "heap B", "RssAnon",
                 "wire B"], lines)


class Goals:
    """Lines of goal, wanted, measured; a dash where a row is missing."""

    def __init__(self, results):
        self.results = results
        self.lines = []

    def value(self, title, name, key):
        samples = self.results.get((title, name), [])
        return median(samples, key) if samples else None

    def most(self, what, limit, unit, title, name, key, scale=1.0):
        value = self.value(title, name, key)
        self.add(what, f"<= {limit} {unit}", None if value is None else value * scale,
                 lambda v: v <= limit, unit)

    def add(self, what, wanted, value, holds, unit):
        shown = "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".") + f" {unit}"
        verdict = "-" if value is None else "yes" if holds(value) else "no"
        self.lines.append([what, wanted, shown, verdict])

    def ratio(self, what, limit, title, name, key):
        ours, peer = self.value(title, name, key), self.value(title, PEER, key)
        value = peer / ours if ours and peer else None
        self.add(f"{what}, {title}", f">= {limit} times", value, lambda v: v >= limit, "times")


def print_goals(results):
    goals = Goals(results)
    best = TSC if any(name == TSC for _, name in results) else CLOCK
    goals.most("a span, clock_gettime", 180, "ns", "burst, 1 thread", CLOCK, "ns")
    goals.most("a span, TSC", 110, "ns", "burst, 1 thread", TSC, "ns")
    for threads in ("1 thread", "2 threads"):
        goals.most(f"unsampled, {threads}", 20, "ns", f"unsampled, {threads}", best, "ns")
    goals.most("disabled", 2, "ns", "disabled, 1 thread", best, "ns")
    goals.most("mallocs a span", 0, "", "burst, 1 thread", CLOCK, "mallocs")
    goals.most("RssAnon added", 3, "MB", "burst, 1 thread", CLOCK, "rss_anon_kib", 1 / 1024)
    wire = goals.value("burst, 1 thread", CLOCK, "wire_bytes")
    goals.add("bytes a span on the wire", "214 within 5 %", wire,
              lambda v: abs(v / 214 - 1) <= 0.05, "B")
    for name, limit in ((CLOCK, 20), (TSC, 35)):
        for what, title, key in (("thread", "sustained, 1 thread", "ns"),
                                 ("process", "sustained, 1 thread", "process_ns"),
                                 ("thread", "burst, 1 thread", "ns"),
                                 ("process", "burst, 1 thread", "process_ns")):
            goals.ratio(f"less than the Go SDK, {name.split(', ')[1]}, {what}", limit, title,
                        name, key)
    print_table(["goal", "wanted", "measured", "met"], goals.lines)


def counter_is_trusted():
    """Where the kernel itself reads the time off the counter, the library does."""
    try:
        with open(CLOCKSOURCE, encoding="ascii") as source:
            return source.read().strip() == "tsc"
    except OSError:
        return False


def programs():
    """(name, command) of each program that is there; the command's capitals are for the row."""
    row = ["MODE", "THREADS", "RATE", "URL"]
    found = [(CLOCK, [f"{BENCH}/trace_row", *row, "plain-clock"])]
    if counter_is_trusted():
        found.append((TSC, [f"{BENCH}/trace_row", *row]))
    build = subprocess.run([f"{ROOT}/tests/peers/build.sh", "tracing"], text=True,
                           stdout=subprocess.PIPE, check=False)
    if build.returncode == 0:
        workload = f"{ROOT}/build/peers/workload.json"
        with open(workload, "w", encoding="utf-8") as out:
            subprocess.run([f"{BENCH}/trace_row", "workload"], stdout=out, check=True)
        found.append((PEER, [GO, "-workload", workload, *row]))
    else:
        print(f"{PEER}: {build.stdout.strip()}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", default="", help="only rows with this in their title")
    parser.add_argument("--ours", action="store_true", help="without the peer")
    parser.add_argument("--json", help="write all samples to this file")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.rows in row[0]]
    runs = [run for run in programs() if not arguments.ours or run[0] != PEER]
    results = {}
    for _ in range(arguments.rounds):
        for row in rows:
            for name, command in runs:
                figures = measure(name, command, row)
                if figures is not None:
                    results.setdefault((row[0], name), []).append(figures)
    print_figures(results, rows, [run[0] for run in runs])
    print()
    print_goals(results)
    floors = json.loads(subprocess.run([f"{BENCH}/trace_floors"], stdout=subprocess.PIPE,
                                       check=True).stdout)
    print("\nfloors of this machine, ns: " +
          ", ".join(f"{name} {ns:.1f}" for name, ns in floors.items()))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as out:
            json.dump([{"row": key[0], "program": key[1], "samples": samples}
                       for key, samples in results.items()], out, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
