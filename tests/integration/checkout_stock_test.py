#!/usr/bin/env python3
"""Nothing is oversold: what is reserved, what is sold and what the orders say are one number."""
import sys

from stack import Customer, Stack, in_threads, line, main

THREADS = 8


def settled(stack):
    """Units by product, as inventory and as orders count them; they must be alike."""
    totals = stack.totals()
    reserved = {sku: row["reserved"] for sku, row in totals["stock"]["skus"].items()
                if row["reserved"]}
    assert reserved == totals["orders"]["units"], (reserved, totals["orders"])
    assert totals["payments"]["charged"] == totals["orders"]["orders"], totals["payments"]
    assert all(row["available"] >= 0 for row in totals["stock"]["skus"].values())
    return totals


def shop(stack, count, lines_of):
    """`count` checkouts on each of the threads; how often each status came."""
    def run(i):
        customer = Customer(stack, f"user-{i + 1}")
        return [customer.buy(f"t{i}-{n}", lines_of(i, n))[0] for n in range(count)]
    codes = [code for answers in in_threads(THREADS, run) for code in answers]
    return {code: codes.count(code) for code in set(codes)}


def test_it_sells_exactly_what_is_there():
    with Stack(environment={"inventory": {"stock": 100}}) as stack:
        codes = shop(stack, 50, lambda i, n: [line(1)])
        assert codes == {201: 100, 409: THREADS * 50 - 100}, codes
        totals = settled(stack)
        assert totals["stock"]["skus"]["sku-0001"] == {"available": 0, "reserved": 100}
        assert totals["orders"]["units"] == {"sku-0001": 100}


def test_it_sells_the_same_whatever_is_switched_on():
    """A fault costs time; it never changes what is sold."""
    faults = "inventory.n_plus_one_queries=2,pricing.sequential_calls,checkout.lost_context=orders"
    with Stack(environment={"inventory": {"stock": 20}},
               variables={"CULPRIT_FAULTS": faults}) as stack:
        codes = shop(stack, 10, lambda i, n: [line(1), line(2)])
        assert codes == {201: 20, 409: THREADS * 10 - 20}, codes
        settled(stack)


def test_it_takes_all_lines_or_none():
    """Carts that overlap run out of different products; no part of a refused one stays taken."""
    with Stack(environment={"inventory": {"stock": 30}}) as stack:
        codes = shop(stack, 25, lambda i, n: [line(1 + (i + n + k) % 7, 1 + (n + k) % 3)
                                              for k in range(3)])
        assert set(codes) == {201, 409} and min(codes.values()) > 5, codes
        totals = settled(stack)
        assert totals["orders"]["orders"] == codes[201]


def test_it_gives_stock_back_when_payments_fail():
    """Half of the customers cannot pay; what they held is sold to the others."""
    with Stack(environment={"inventory": {"stock": 40}}) as stack:
        def run(i):
            customer = Customer(stack, f"user-{i + 1}")
            currency = "XTS" if i % 2 else "EUR"
            return [customer.buy(f"t{i}-{n}", [line(2)], currency=currency)[0] for n in range(10)]
        in_threads(THREADS, run)
        last = Customer(stack)
        for n in range(40):
            if last.buy(f"last-{n}", [line(2)])[0] == 409:
                break
        totals = settled(stack)
        assert totals["orders"]["units"] == {"sku-0002": 40}, totals["orders"]


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
