#!/usr/bin/env python3
"""Many customers at once, traced, while somebody switches faults and asks for figures: nothing is
lost, and a data race in any service has a chance to show under ThreadSanitizer (requests that come
one after another are kept apart by the server's own locks, and hide it)."""
import contextlib
import sys
import tempfile
import threading

from collector_kit import Collector
from stack import Customer, Stack, in_threads, line, main, wait_until

CUSTOMERS, CARTS = 12, 12
FAULTS = [("pricing", "sequential_calls", True), ("inventory", "n_plus_one_queries", True),
          ("orders", "synchronous_notification", True), ("tax", "slow_ms", 30),
          ("checkout", "lost_context", "payment")]


@contextlib.contextmanager
def traced_stack():
    with tempfile.TemporaryDirectory(prefix="culprit-crowd-") as directory:
        collector = Collector(directory)
        try:
            with Stack(variables={"OTEL_SDK_DISABLED": "false", "OTEL_BSP_SCHEDULE_DELAY": "100",
                                  "OTEL_EXPORTER_OTLP_ENDPOINT":
                                  f"http://127.0.0.1:{collector.otlp}"}) as stack:
                yield stack, collector
        finally:
            code = collector.stop()
        assert code == 0, code


def buy(stack, number):
    customer = Customer(stack, f"user-{number + 1}")
    for n in range(CARTS):
        lines = [line(1 + (number + n + k) % 200) for k in range(8)]
        status, reply = customer.buy(f"crowd-{number}-{n}", lines)
        assert status == 201, (status, reply)
        assert customer.get_cart(f"cart-crowd-{number}-{n}")[0] == 200


def disturb(stack, collector, stop):
    """Rounds over all services; how many."""
    rounds = 0
    while not stop.is_set() or rounds < 2:
        for name, row, value in FAULTS:
            stack.set(name, faults={row: value} if rounds % 2 == 0 else {})
        for name in stack.names:
            for path in ("/metrics", "/-/faults", "/readyz"):
                assert stack.ask(name, "GET", path)[0] == 200, (name, path)
        assert collector.get("/api/culprit/findings?last=1m&limit=50")[0] == 200
        assert collector.get("/api/traces?service=checkout&limit=20")[0] == 200
        rounds += 1
    for name, _, _ in FAULTS:
        stack.set(name, faults={})
    return rounds


def check_totals(stack):
    count = CUSTOMERS * CARTS
    wait_until(lambda: stack.totals()["mails"]["sent"] == count, 60, "every mail went out")
    totals = stack.totals()
    assert totals["orders"]["orders"] == totals["payments"]["charged"] == count, totals
    reserved = {sku: row["reserved"] for sku, row in totals["stock"]["skus"].items()
                if row["reserved"]}
    assert reserved == totals["orders"]["units"], (reserved, totals["orders"]["units"])


def count_started(stack):
    """Spans that the services began, those that were not sampled apart."""
    def value(page, name):
        return sum(int(float(row.rsplit(" ", 1)[1])) for row in page.splitlines()
                   if row.split("{")[0].split(" ")[0] == name)
    pages = [stack.ask(name, "GET", "/metrics")[1].decode() for name in stack.names]
    return sum(value(page, "otel_sdk_span_started_total") -
               value(page, "otel_sdk_span_unsampled_total") for page in pages)


def check_spans(stack, collector):
    wait_until(lambda: collector.status()["spans_accepted"] == count_started(stack), 20,
               "every span came in")
    assert collector.status()["spans_accepted"] > CUSTOMERS * CARTS * 30


def test_it_serves_a_crowd_while_faults_come_and_go():
    stop = threading.Event()
    done = []

    def work(stack, collector, i):
        if i == CUSTOMERS:
            return disturb(stack, collector, stop)
        try:
            return buy(stack, i)
        finally:
            done.append(i)
            if len(done) == CUSTOMERS:
                stop.set()
    with traced_stack() as (stack, collector):
        results = in_threads(CUSTOMERS + 1, lambda i: work(stack, collector, i))
        assert results[CUSTOMERS] >= 2
        check_totals(stack)
        check_spans(stack, collector)


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
