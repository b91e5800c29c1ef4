#!/usr/bin/env python3
"""What a customer gets when something behind the shop is down or slow, and that nothing is left
half done: no stock held, no money taken without an order."""
import signal
import sys

from stack import Customer, Stack, in_threads, line, main, wait_until

STACK = None


def nothing_kept(before):
    totals = STACK.totals()
    assert totals["orders"] == before["orders"], (before["orders"], totals["orders"])
    assert totals["stock"]["reserved"] == before["stock"]["reserved"], totals["stock"]["reserved"]
    assert totals["payments"]["charged"] == before["payments"]["charged"], totals["payments"]


def test_it_answers_502_while_a_peer_is_down_and_sells_when_it_is_back():
    customer = Customer(STACK)
    for name in ("tax", "fx", "promo", "fraud", "shipping", "pricing", "payment", "orders"):
        before = STACK.totals()
        assert STACK.stop(name) == 0, name
        status, reply = customer.buy(f"down-{name}", [line(9, 2)])
        assert (status, reply["error"]["code"]) == (502, "peer_failed"), (name, status, reply)
        STACK.start(name)
        nothing_kept(before)
        status, reply = customer.buy(f"down-{name}", [line(9, 2)])
        assert status == 201, (name, status, reply)


def test_it_sells_after_the_bank_was_down():
    """Nobody knows whether the bank charged: that is settled before the money is taken anew."""
    customer = Customer(STACK)
    before = STACK.totals()
    assert STACK.stop("bank") == 0
    status, reply = customer.buy("no-bank", [line(9)])
    assert (status, reply["error"]["code"]) == (502, "peer_failed"), (status, reply)
    nothing_kept(before)
    STACK.start("bank")
    status, order = customer.buy("no-bank", [line(9)])
    assert status == 201, (status, order)
    after = STACK.totals()
    assert after["payments"]["unfinished"] == 0, after["payments"]
    assert after["payments"]["charged_minor"] - before["payments"]["charged_minor"] == \
        order["total_minor"]


def test_it_gives_money_back_when_there_is_no_order():
    customer = Customer(STACK)
    before = STACK.totals()["payments"]
    assert STACK.stop("orders") == 0
    assert customer.buy("refund", [line(9)])[0] == 502
    refunded = STACK.ask("payment", "GET", "/totals")[1]
    STACK.start("orders")
    assert refunded["refunded"] == before["refunded"] + 1, (before, refunded)
    assert refunded["charged"] == before["charged"], (before, refunded)
    assert customer.buy("refund", [line(9)])[0] == 201
    assert STACK.totals()["payments"]["refunded"] == before["refunded"]


def test_it_answers_504_when_a_partner_takes_too_long():
    customer = Customer(STACK)
    before = STACK.totals()
    STACK.set("fx", environment={"latency_ms": 8000})
    status, reply = customer.buy("slow", [line(9)])
    STACK.set("fx", environment={})
    assert (status, reply["error"]["code"]) == (504, "peer_timeout"), (status, reply)
    nothing_kept(before)


def test_it_answers_502_when_cart_auth_or_catalog_is_down():
    customer = Customer(STACK)
    assert customer.put_cart("front", [line(1)])[0] == 200
    for name in ("catalog", "cart", "auth", "checkout", "inventory"):
        assert STACK.stop(name) == 0, name
        status, reply = customer.checkout("front", f"front-{name}")
        assert (status, reply["error"]["code"]) == (502, "peer_failed"), (name, status, reply)
        STACK.start(name)
    assert customer.checkout("front", "front-cart")[0] == 201


def test_it_keeps_sessions_over_a_restart_of_auth():
    customer = Customer(STACK)
    assert STACK.stop("auth") == 0
    STACK.start("auth")
    assert customer.put_cart("restart", [line(1)])[0] == 200


def test_it_withdraws_only_what_has_no_order():
    customer = Customer(STACK)
    status, order = customer.buy("settled", [line(1)])
    assert status == 201
    def withdraw(operation):
        return STACK.ask("orders", "POST", "/withdrawals", {"operation_id": operation})[1]
    settled = withdraw("user-1.settled")
    assert settled["withdrawn"] is False and settled["order"]["order_id"] == order["order_id"]
    assert withdraw("user-1.given-up") == {"withdrawn": True}
    before = STACK.totals()
    status, reply = customer.buy("given-up", [line(1)])
    assert (status, reply["error"]["code"]) == (409, "withdrawn"), (status, reply)
    nothing_kept(before)


def test_it_answers_with_the_order_when_a_repeated_call_fails_half_way():
    """The same key again while the bank's office is closed: the order is there all the same."""
    customer = Customer(STACK)
    status, order = customer.buy("again", [line(1)])
    assert status == 201
    before = STACK.totals()
    assert STACK.stop("pricing") == 0
    status, repeated = customer.checkout("cart-again", "again")
    STACK.start("pricing")
    assert (status, repeated) == (200, order), (status, repeated)
    nothing_kept(before)


def mailed(order):
    return STACK.ask("notification", "GET", f"/sent/{order['order_id']}")[0] == 200


def test_it_mails_later_when_notification_was_down():
    customer = Customer(STACK)
    assert STACK.stop("notification") == 0
    orders = [customer.buy(f"later-{n}", [line(1)]) for n in range(5)]
    assert [status for status, _ in orders] == [201] * 5, orders
    STACK.start("notification")
    for _, order in orders:
        wait_until(lambda o=order: mailed(o), 20, "every mail went out")


def test_it_mails_again_when_mail_was_down():
    customer = Customer(STACK)
    assert STACK.stop("mail") == 0
    status, order = customer.buy("no-mail", [line(1)])
    STACK.start("mail")
    assert status == 201, order
    wait_until(lambda: mailed(order), 60, "the mail went out")


def test_it_sends_what_a_crash_left_in_the_outbox():
    """orders is killed under load: customers try again under their keys, and in the end every order
    is placed, paid and mailed once."""
    customers = [Customer(STACK, f"user-{i + 1}") for i in range(4)]

    def run(i):
        if i == 4:
            wait_until(lambda: STACK.ask("orders", "GET", "/totals")[1]["orders"] > begun + 10, 20,
                       "some orders")
            STACK.stop("orders", signal.SIGKILL)
            STACK.start("orders")
            return
        for n in range(25):
            codes = customers[i].buy_in_the_end(f"crash-{i}-{n}", [line(1)])
            assert codes[0] in (200, 201, 409) and set(codes[1:]) <= {502, 504}, codes
    begun = STACK.ask("orders", "GET", "/totals")[1]["orders"]
    in_threads(5, run)
    wait_until(lambda: (lambda t: t["mails"]["sent"] == t["orders"]["orders"])(STACK.totals()), 60,
               "as many mails as orders")
    totals = STACK.totals()
    reserved = {sku: row["reserved"] for sku, row in totals["stock"]["skus"].items()
                if row["reserved"]}
    assert reserved == totals["orders"]["units"], (reserved, totals["orders"]["units"])
    assert totals["payments"]["charged"] == totals["orders"]["orders"], totals["payments"]


if __name__ == "__main__":
    with Stack() as STACK:
        CODE = main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")])
    sys.exit(CODE)
