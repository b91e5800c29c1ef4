#!/usr/bin/python3
"""What tracing costs the shop: checkouts per CPU-second of the twelve services (partners, collector
and this customer not counted), every request sampled and exported, beside the same services built
without the adapters that make spans and with the SDK off. Both shops run all the time; windows of
equal load alternate, so that what else the machine does hits both. Prints, never judges.

The interval is of the median: from the second lowest to the second highest of ten ratios holds it
with 97.9 %."""
import argparse
import os
import statistics
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(f"{ROOT}/tests/integration")
os.environ.setdefault("CULPRIT_BIN", f"{ROOT}/build/release/bin")
from collector_kit import Collector  # noqa: E402
from stack import Customer, Stack, in_threads, line  # noqa: E402

CUSTOMERS, LINES, DRAIN_S, GOAL = 4, 3, 1.0, 0.97
DELAY_MS = "400"  # as `culprit up` has it: a window has sent all of its spans when it ends
ENVIRONMENT = {"tax": {"latency_ms": 5}, "fx": {"latency_ms": 5}, "promo": {"latency_ms": 5}}


def cpu_s(pid):
    """CPU of a whole process, threads that ended included, to the nanosecond: clock_getcpuclockid
    makes the same number."""
    return time.clock_gettime(~pid << 3 | 2)


class Shop:
    def __init__(self, name, programs, variables):
        self.name, self.bought = name, 0
        self.stack = Stack(ENVIRONMENT, variables, programs=f"{ROOT}/build/{programs}/bin")
        self.customers = [Customer(self.stack, f"user-{i + 1}") for i in range(CUSTOMERS)]

    def cpu_s(self):
        return sum(cpu_s(child.pid) for name, child in self.stack.children.items()
                   if self.stack.kinds[name] == "service")

    def buy(self, customer, first, count):
        for number in range(first, first + count):
            lines = [line(1 + (number + i) % 100) for i in range(LINES)]
            status, reply = self.customers[customer].buy(f"{customer}-{number}", lines)
            assert status == 201, (status, reply)

    def window(self, count):
        """CPU seconds a checkout, with all that it leaves to do afterwards."""
        before_s, first = self.cpu_s(), self.bought
        in_threads(CUSTOMERS, lambda i: self.buy(i, first, count))
        self.bought += count
        time.sleep(DRAIN_S)
        return (self.cpu_s() - before_s) / (count * CUSTOMERS)


def measure(traced, untraced, rounds, count):
    """(CPU seconds a checkout traced, untraced) of each round; who is first changes."""
    pairs = []
    for shop in (traced, untraced):
        shop.window(count)  # caches, connections, prepared statements
    for number in range(rounds):
        order = (traced, untraced) if number % 2 == 0 else (untraced, traced)
        taken = {shop.name: shop.window(count) for shop in order}
        pairs.append((taken[traced.name], taken[untraced.name]))
        print(f"round {number + 1}: {1 / pairs[-1][0]:6.1f} traced, {1 / pairs[-1][1]:6.1f} "
              f"untraced, ratio {pairs[-1][1] / pairs[-1][0]:.3f}", flush=True)
    return pairs


def report(pairs, collector):
    ratios = sorted(untraced / traced for traced, untraced in pairs)
    low, high = (ratios[1], ratios[-2]) if len(ratios) >= 6 else (ratios[0], ratios[-1])
    status = collector.status()
    print(f"checkouts per CPU-second: {1 / statistics.median(p[0] for p in pairs):.1f} traced, "
          f"{1 / statistics.median(p[1] for p in pairs):.1f} untraced")
    print(f"ratio: median {statistics.median(ratios):.3f}, {low:.3f} to {high:.3f}; goal {GOAL}")
    print(f"spans stored: {status['spans_stored'] + status['spans_open']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--checkouts", type=int, default=50, help="of each of four customers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overhead-bench-") as directory:
        collector = Collector(directory, "--sync", "off")
        shops = []
        try:
            shops.append(Shop("traced", "release", {
                "OTEL_SDK_DISABLED": "false", "OTEL_BSP_SCHEDULE_DELAY": DELAY_MS,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.otlp}"}))
            shops.append(Shop("untraced", "untraced", {"OTEL_SDK_DISABLED": "true"}))
            pairs = measure(*shops, arguments.rounds, arguments.checkouts)
            report(pairs, collector)
        finally:
            for shop in shops:
                shop.stack.close(check=False)
            collector.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
