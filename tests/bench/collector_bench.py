#!/usr/bin/python3
"""What a receiver of traces costs: spans stored per CPU-second, memory, and bytes a span on disk:
our collector and real Jaeger, one after the other, round by round; medians over the rounds. Prints
a table, never judges.

The load is tests/bench/collector_load.c. CPU is of the whole process from ready to ended, so that
what is put off until the end counts too; questions that this asks itself do not. A row counts only
where a sample of the traces, spread over the run, comes back whole from the query API."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{ROOT}/tests/integration", f"{ROOT}/tests/peers"]
os.environ.setdefault("CULPRIT_BIN", f"{ROOT}/build/release/bin")
from collector_kit import Collector  # noqa: E402
from jaeger import Jaeger  # noqa: E402

BENCH = os.environ.get("CULPRIT_BENCH", f"{ROOT}/build/release/bench")
QUIET_S, QUIET_SHARE, SETTLE_S = 1.0, 0.05, 120
TICKS = os.sysconf("SC_CLK_TCK")


def ours(directory):
    os.mkdir(f"{directory}/data")
    collector = Collector(f"{directory}/data", "--sync", "off")
    return collector, collector.otlp, lambda path: collector.get(path)[1]


def jaeger(store):
    def start(directory):
        process = Jaeger(directory, store)
        return process, process.otlp, process.get
    return start


OURS, BADGER, MEMORY = "culprit collector", "Jaeger 2.13, Badger", "Jaeger 2.13, in memory"
# name, how it is started, does it keep anything on disk
RECEIVERS = ((OURS, ours, True), (BADGER, jaeger("badger"), True),
             (MEMORY, jaeger("memory"), False))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_max_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def wait_until_quiet(pid):
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        before = cpu_s(pid)
        time.sleep(QUIET_S)
        if cpu_s(pid) - before < QUIET_SHARE * QUIET_S:
            return
    raise AssertionError("still busy")


def spans_of(answer):
    """Of an answer to /api/v3/traces/ID; Jaeger's API streams, so there may be several results."""
    result = (answer or {}).get("result", {})
    return sum(len(scope["spans"]) for resource in result.get("resourceSpans", [])
               for scope in resource["scopeSpans"])


def disk_bytes(directory):
    """What is allocated: Badger's files have holes."""
    return sum(os.stat(f"{at}/{name}").st_blocks * 512
               for at, _, names in os.walk(directory) for name in names
               if not name.endswith(".log"))


def measure(start, spans):
    """The figures of one run, or None where it does not count."""
    with tempfile.TemporaryDirectory(prefix="collector-bench-") as directory:
        receiver, port, get = start(directory)
        pid = receiver.process.pid
        began_s = cpu_s(pid)
        sent = json.loads(subprocess.run(
            [f"{BENCH}/collector_load", str(port), str(spans)], stdout=subprocess.PIPE,
            check=True, timeout=600).stdout)
        wait_until_quiet(pid)
        spent_s = cpu_s(pid) - began_s
        got = [spans_of(get(f"/api/v3/traces/{trace_id}")) for trace_id in sent["traces"]]
        rss = rss_max_mb(pid)
        asked_s = cpu_s(pid)
        receiver.process.terminate()
        _, _, usage = os.wait4(pid, 0)
        receiver.process.returncode = 0
        spent_s += max(0.0, usage.ru_utime + usage.ru_stime - asked_s)
        disk = disk_bytes(f"{directory}/data")
    if set(got) != {sent["spans_a_trace"]}:
        print(f"does not count: {got} spans came back", file=sys.stderr)
        return None
    return {"per_cpu_s": sent["spans"] / spent_s, "rss_mb": rss, "disk": disk / sent["spans"],
            "per_s": sent["spans"] / sent["seconds"], "wire": sent["bytes"] / sent["spans"]}


def median(samples, key):
    return statistics.median(sample[key] for sample in samples)


def print_table(results):
    lines = [["receiver", "spans/CPU-s", "ratio", "RSS max", "disk a span", "sent/s"]]
    base = results.get(OURS)
    for name, _, on_disk in RECEIVERS:
        samples = results.get(name)
        if not samples:
            continue
        rate = median(samples, "per_cpu_s")
        ratio = f"{median(base, 'per_cpu_s') / rate:.1f}" if base else "-"
        lines.append([name, f"{rate:,.0f}", "1" if name == OURS else f"ours {ratio} times",
                      f"{median(samples, 'rss_mb'):,.0f} MB",
                      f"{median(samples, 'disk'):,.0f} B" if on_disk else "-",
                      f"{median(samples, 'per_s'):,.0f}"])
    if base:
        lines.append(["goal", "200,000", "", "< 150 MB", "< 200 B", ""])
    lines.insert(1, ["-" * max(len(line[i]) for line in lines) for i in range(len(lines[0]))])
    for line in lines:
        print("| " + " | ".join(cell.ljust(len(rule)) for cell, rule in zip(line, lines[1])) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spans", type=int, default=300000)
    parser.add_argument("--ours", action="store_true", help="without the peers")
    arguments = parser.parse_args()
    receivers = RECEIVERS
    if not arguments.ours:
        build = subprocess.run([f"{ROOT}/tests/peers/build.sh", "jaeger"], check=False)
    if arguments.ours or build.returncode != 0:
        receivers = RECEIVERS[:1]
    results = {}
    for _ in range(arguments.rounds):
        for name, start, _ in receivers:
            figures = measure(start, arguments.spans)
            if figures is not None:
                results.setdefault(name, []).append(figures)
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
