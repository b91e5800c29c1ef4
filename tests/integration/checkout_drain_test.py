#!/usr/bin/env python3
"""SIGTERM to each service under load: what was in flight is answered, the process ends with 0, and
the shop goes on when it is back."""
import sys
import threading
import time

from stack import SLOW, Customer, Stack, in_threads, line, main, topology, wait_until

THREADS = 4
ROWS = [row for row in topology() if row["kind"] != "collector"]


class Load:
    """Checkouts on a few threads until it is stopped."""

    def __init__(self, stack, name):
        self.stack, self.name = stack, name
        self.stopping = threading.Event()
        self.codes = []
        self.failure = None
        self.thread = threading.Thread(target=self.run_all, daemon=True)
        self.customers = [Customer(stack, f"user-{i + 1}") for i in range(THREADS)]

    def run_all(self):
        try:
            in_threads(THREADS, self.run)
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

    def run(self, i):
        n = 0
        while not self.stopping.is_set():
            n += 1
            codes = self.customers[i].buy_in_the_end(f"{self.name}-{i}-{n}", [line(1 + i)])
            self.codes.extend(codes)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.codes.count(201) >= 2 * THREADS, 20, "load runs")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(60 * SLOW)
        if self.failure:
            raise self.failure


def drained(stack, name):
    with Load(stack, name) as load:
        begun = time.monotonic()
        code = stack.stop(name)
        assert code == 0, (name, code, stack.log(name))
        assert time.monotonic() - begun < 10 * SLOW, f"{name} took its time"
        stack.start(name)
        sold = load.codes.count(201)
        wait_until(lambda: load.codes.count(201) > sold + THREADS, 20, f"it sells after {name}")
    assert load.codes.count(201) > 0
    # Only whoever talks to the service itself may find the door closed.
    assert set(load.codes) <= {0, 200, 201, 409, 502, 504}, (name, set(load.codes))
    assert name == "frontend" or 0 not in load.codes, name


def make(name):
    def test():
        drained(STACK, name)
    test.__name__ = f"test_it_drains_{name}"
    return test


def test_it_has_lost_nothing():
    """What a failed call left behind was taken back: stock, money and orders agree."""
    totals = wait_until(lambda: (lambda t: t["mails"]["sent"] == t["orders"]["orders"] and t)(
        STACK.totals()), 60, "as many mails as orders")
    reserved = {sku: row["reserved"] for sku, row in totals["stock"]["skus"].items()
                if row["reserved"]}
    assert reserved == totals["orders"]["units"], (reserved, totals["orders"]["units"])
    assert totals["payments"]["charged"] == totals["orders"]["orders"], totals["payments"]


if __name__ == "__main__":
    with Stack(environment={"bank": {"latency_ms": 20}}) as STACK:
        CODE = main(*[make(row["name"]) for row in ROWS], test_it_has_lost_nothing)
    sys.exit(CODE)
