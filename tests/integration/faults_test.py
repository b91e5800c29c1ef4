#!/usr/bin/env python3
"""What faults cost and what they leave alone: the same answers to the customer, only later."""
import os
import sys
import time

from stack import Customer, Stack, line, main

# A fault must cost at least this share of what its table says: a machine can be faster at the moment
# of a measurement than it was when the shop was set up, never by half.
SHARE = 0.5


def order(number, lines):
    return {"operation_id": f"user-1.key-{number}", "user_id": "user-1", "currency": "EUR",
            "country": "DE", "tracking": f"track-{number}", "total_minor": 1000,
            "lines": [dict(each, unit_price_minor=100) for each in lines]}


def place(stack, number, lines):
    """Answer without what is new each time, what is stored about the lines, and the time in ms."""
    start = time.monotonic()
    status, answer, _ = stack.ask("orders", "POST", "/orders", order(number, lines))
    took_ms = (time.monotonic() - start) * 1000
    assert status == 201, (status, answer)
    stored = stack.ask("orders", "GET", f"/orders/{answer.pop('order_id')}")[1]["lines"]
    return dict(answer, tracking=""), stored, took_ms


def median(values):
    return sorted(values)[len(values) // 2]


def test_it_looks_sales_up_without_the_index_and_finds_the_same():
    lines = [line(number) for number in range(1, 41)]
    with Stack(only=["orders", "notification", "mail"]) as stack:
        fast = [place(stack, number, lines) for number in range(7)]
        stack.set("orders", faults={"missing_index": True})
        slow = [place(stack, 100 + number, lines) for number in range(3)]
        stack.set("orders", faults={})
        again = place(stack, 200, lines)
    for answer, stored, _ in fast + slow + [again]:
        assert answer == fast[0][0] and stored == fast[0][1], (answer, stored)
    assert all(each["sold_before"] > 0 for each in fast[0][1]), fast[0][1]
    cost_ms = median([took for _, _, took in slow]) - median([took for _, _, took in fast])
    assert cost_ms > SHARE * 10 * len(lines), (cost_ms, fast, slow)


def test_it_costs_more_the_more_lines_there_are():
    with Stack(only=["orders", "notification", "mail"]) as stack:
        stack.set("orders", faults={"missing_index": True})
        few = median([place(stack, n, [line(1)])[2] for n in range(5)])
        many = median([place(stack, 50 + n, [line(k) for k in range(1, 31)])[2] for n in range(3)])
    assert many > 5 * few, (few, many)


def test_it_keeps_its_history_over_a_restart():
    with Stack(only=["orders", "notification", "mail"]) as stack:
        before = place(stack, 1, [line(7)])[1]
        files = {name: os.stat(f"{stack.directory}/data/{name}") for name in
                 os.listdir(f"{stack.directory}/data") if name.startswith("history")}
        stack.stop("orders")
        stack.start("orders")
        for name, old in files.items():
            now = os.stat(f"{stack.directory}/data/{name}")
            assert (now.st_ino, now.st_mtime_ns) == (old.st_ino, old.st_mtime_ns), name
        assert set(files) == {"history-indexed.db", "history-plain.db"}, files
        assert place(stack, 2, [line(7)])[1] == before


def test_it_waits_for_a_partner_that_is_slow():
    with Stack(only=["tax"], environment={"tax": {"latency_ms": 5}}) as stack:
        def ask():
            start = time.monotonic()
            answer = stack.ask("tax", "GET", "/vat?country=DE")[:2]
            return answer, (time.monotonic() - start) * 1000
        healthy = ask()
        stack.set("tax", faults={"slow_ms": 150})
        slow = ask()
        stack.set("tax", faults={})
        again = ask()
    assert healthy[0] == slow[0] == again[0], (healthy, slow)
    assert slow[1] >= 155, slow
    assert again[1] < 155, again


def test_it_sends_the_mail_first_when_told_to():
    with Stack(only=["orders", "notification", "mail"],
               environment={"mail": {"latency_ms": 120}}) as stack:
        fast = place(stack, 1, [line(1)])
        stack.set("orders", faults={"synchronous_notification": True})
        slow = place(stack, 2, [line(1)])
    assert fast[:2] == slow[:2], (fast, slow)
    assert slow[2] >= 120 and fast[2] < 120, (fast[2], slow[2])


def test_it_reserves_the_same_line_by_line():
    lines = [line(number) for number in range(1, 31)]
    with Stack(only=["inventory"],
               environment={"inventory": {"database_round_trip_us": 4000}}) as stack:
        def reserve(number):
            start = time.monotonic()
            status, answer, _ = stack.ask("inventory", "POST", "/reservations",
                                          {"reservation_id": f"r-{number}", "lines": lines})
            assert status == 201, (status, answer)
            return answer["lines"], (time.monotonic() - start) * 1000
        fast = reserve(1)
        stack.set("inventory", faults={"n_plus_one_queries": True})
        slow = reserve(2)
    assert fast[0] == slow[0]
    assert slow[1] - fast[1] >= 29 * 4, (fast[1], slow[1])


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
