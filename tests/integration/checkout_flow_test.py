#!/usr/bin/env python3
"""The shop as a customer sees it: the whole flow, the same key again, refusals, bad input."""
import sys

from stack import Customer, Stack, in_threads, line, main, wait_until

STACK = None
KEY = "Idempotency-Key"


def moved(before, after):
    """Units and money that moved between two totals."""
    return {"orders": after["orders"]["orders"] - before["orders"]["orders"],
            "units": after["orders"]["units_total"] - before["orders"]["units_total"],
            "reserved": after["stock"]["reserved"] - before["stock"]["reserved"],
            "charged": after["payments"]["charged"] - before["payments"]["charged"],
            "minor": after["payments"]["charged_minor"] - before["payments"]["charged_minor"],
            "declined": after["payments"]["declined"] - before["payments"]["declined"]}


def test_it_sells_a_cart():
    customer = Customer(STACK)
    before = STACK.totals()
    status, reply = customer.put_cart("flow-1", [line(7, 2), line(3, 1)])
    assert (status, reply) == (200, {"cart_id": "flow-1", "lines": 2}), (status, reply)
    status, cart = customer.get_cart("flow-1")
    assert status == 200 and [l["sku"] for l in cart["lines"]] == ["sku-0003", "sku-0007"], cart
    net = sum(l["quantity"] * l["unit_price_minor"] for l in cart["lines"])
    assert all(l["name"] and l["weight_g"] > 0 for l in cart["lines"]), cart
    status, order = customer.checkout("flow-1", "flow-1")
    assert status == 201 and order["currency"] == "EUR" and order["tracking"], (status, order)
    # 19 % on top, less at most 2 % for loyalty.
    assert net * 1.16 < order["total_minor"] < net * 1.20, (net, order)
    change = moved(before, STACK.totals())
    assert change == {"orders": 1, "units": 3, "reserved": 3, "charged": 1,
                      "minor": order["total_minor"], "declined": 0}, change
    status, stored, _ = STACK.ask("orders", "GET", f"/orders/{order['order_id']}")
    assert status == 200 and stored["total_minor"] == order["total_minor"], stored
    assert {l["sku"]: l["quantity"] for l in stored["lines"]} == {"sku-0007": 2, "sku-0003": 1}


def test_it_adds_up_exactly():
    """The bill by hand: coupon and loyalty off, tax on, duty, exchange, fee, each rounded half up."""
    def share(amount, ppm):
        return (amount * ppm + 500000) // 1000000
    body = {"user_id": "user-1", "currency": "USD", "country": "GB", "coupon": "AUTUMN10",
            "lines": [{"sku": "a", "quantity": 3, "unit_price_minor": 1999, "weight_g": 700},
                      {"sku": "b", "quantity": 1, "unit_price_minor": 55, "weight_g": 45}]}
    status, quote, _ = STACK.ask("pricing", "POST", "/quotes", body)
    assert status == 200, quote
    _, loyalty, _ = STACK.ask("promo", "GET", "/loyalty?user_id=user-1")
    subtotal = 3 * 1999 + 55
    discount = share(subtotal, 100000 + loyalty["discount_ppm"])
    vat = share(subtotal - discount, 200000)
    duty = (90 * 2145 + 500) // 1000
    changed = share(subtotal - discount + vat + duty, 1083000)
    assert quote == {"total_minor": changed + share(changed, 4000), "currency": "USD",
                     "subtotal_minor": subtotal, "discount_minor": discount, "vat_minor": vat,
                     "duty_minor": duty, "fee_minor": share(changed, 4000), "weight_g": 2145}, quote


def test_it_sells_once_for_twenty_calls_with_one_key():
    customer = Customer(STACK, "user-2")
    before = STACK.totals()
    assert customer.put_cart("same", [line(11, 4)])[0] == 200
    answers = in_threads(20, lambda i: customer.checkout("same", "same-key"))
    assert {status for status, _ in answers} <= {200, 201}, answers
    assert len({str(sorted(reply.items())) for _, reply in answers}) == 1, answers
    assert [status for status, _ in answers].count(201) == 1, answers
    change = moved(before, STACK.totals())
    assert (change["orders"], change["units"], change["reserved"], change["charged"]) == \
        (1, 4, 4, 1), change


def test_it_keeps_keys_of_customers_apart():
    first, second = Customer(STACK, "user-3"), Customer(STACK, "user-4")
    assert first.put_cart("apart-3", [line(1)])[0] == 200
    assert second.put_cart("apart-4", [line(1)])[0] == 200
    one, two = first.checkout("apart-3", "one-key"), second.checkout("apart-4", "one-key")
    assert one[0] == two[0] == 201 and one[1]["order_id"] != two[1]["order_id"], (one, two)


def test_it_refuses_a_key_that_was_used_for_another_cart():
    customer = Customer(STACK)
    assert customer.buy("reused", [line(1)])[0] == 201
    assert customer.put_cart("cart-reused", [line(1), line(2)])[0] == 200
    status, reply = customer.checkout("cart-reused", "reused")
    assert (status, reply["error"]["code"]) == (409, "key_reused"), (status, reply)


def test_it_gives_everything_back_when_the_bank_declines():
    customer = Customer(STACK)
    before = STACK.totals()
    for _ in range(2):
        status, reply = customer.buy("declined", [line(5, 3)], currency="XTS")
        assert (status, reply["error"]["code"]) == (402, "declined"), (status, reply)
    change = moved(before, STACK.totals())
    assert change == {"orders": 0, "units": 0, "reserved": 0, "charged": 0, "minor": 0,
                      "declined": 1}, change


def test_it_sends_one_mail_an_order():
    customer = Customer(STACK)
    status, order = customer.buy("mail", [line(8)])
    assert status == 201, order
    wait_until(lambda: STACK.ask("notification", "GET", f"/sent/{order['order_id']}")[0] == 200, 20,
               "the mail went out")
    assert customer.buy("mail", [line(8)])[0] == 200
    totals = wait_until(lambda: (lambda t: t["mails"]["waiting"] + t["mails"]["in_hand"] == 0 and t)(
        STACK.totals()), 20, "the queue is empty")
    assert totals["mails"]["sent"] == totals["orders"]["orders"], totals
    assert totals["mails"]["parked"] == 0, totals


def test_it_lets_nobody_in_without_a_session():
    customer = Customer(STACK)
    body = {"cart_id": "flow-1", "currency": "EUR", "country": "DE"}
    rows = [
        ("no header", {}), ("no bearer", {"Authorization": customer.token}),
        ("a short token", {"Authorization": "Bearer abc"}),
        ("an unknown token", {"Authorization": "Bearer " + "0" * 32}),
        ("a token with a quote", {"Authorization": "Bearer '" + "0" * 31}),
    ]
    for name, headers in rows:
        for method, path, data in (("PUT", "/cart/x", {"lines": [line(1)]}),
                                   ("GET", "/cart/x", None), ("POST", "/checkout", body)):
            status, reply, _ = STACK.ask("frontend", method, path, data, {**headers, KEY: "k"})
            assert status == 401 and reply["error"]["message"], (name, path, status, reply)
    for user, password in (("user-1", "wrong"), ("nobody", "culprit")):
        status, reply, _ = STACK.ask("frontend", "POST", "/login",
                                     {"user": user, "password": password})
        assert (status, reply["error"]["code"]) == (401, "wrong_credentials"), (status, reply)


def test_it_makes_users():
    def post(password):
        return STACK.ask("auth", "POST", "/users", {"user": "new.user", "password": password})[0]
    assert [post("one"), post("one"), post("two")] == [201, 200, 409]
    assert Customer(STACK, "new.user", "one").put_cart("new", [line(1)])[0] == 200
    codes = in_threads(6, lambda i: STACK.ask("auth", "POST", "/users",
                                              {"user": "raced", "password": "p"})[0])
    assert sorted(codes) == [200] * 5 + [201], codes


def test_it_keeps_carts_of_customers_apart():
    owner, other = Customer(STACK), Customer(STACK, "user-5")
    assert owner.put_cart("mine", [line(1)])[0] == 200
    assert other.put_cart("mine", [line(2)])[0] == 403
    assert other.get_cart("mine")[0] == 403
    assert other.checkout("mine", "theirs")[0] == 403
    assert [l["sku"] for l in owner.get_cart("mine")[1]["lines"]] == ["sku-0001"]
    assert owner.get_cart("none")[0] == 404
    assert owner.checkout("none", "none")[0] == 404


def test_it_replaces_a_cart_whole():
    customer = Customer(STACK)
    assert customer.put_cart("whole", [line(1), line(2), line(3)])[0] == 200
    assert customer.put_cart("whole", [line(4, 99)])[0] == 200
    lines = customer.get_cart("whole")[1]["lines"]
    assert [(l["sku"], l["quantity"]) for l in lines] == [("sku-0004", 99)], lines


def test_it_sells_the_largest_cart():
    customer = Customer(STACK)
    status, order = customer.buy("largest", [line(i + 1, 99) for i in range(100)])
    assert status == 201 and order["total_minor"] > 0, (status, order)


def test_it_answers_bad_fields_with_words():
    customer = Customer(STACK)
    assert customer.put_cart("table", [line(1)])[0] == 200
    good = {"cart_id": "table", "currency": "EUR", "country": "DE"}
    cart = "/cart/table"
    rows = [  # name, method, path, body, status, word in the message
        ("no lines", "PUT", cart, {}, 422, "lines"),
        ("lines that are no array", "PUT", cart, {"lines": "x"}, 422, "lines"),
        ("an empty array", "PUT", cart, {"lines": []}, 422, "lines"),
        ("101 lines", "PUT", cart, {"lines": [line(i + 1) for i in range(101)]}, 422, "lines"),
        ("a line that is no object", "PUT", cart, {"lines": [1]}, 422, "item 0"),
        ("no quantity", "PUT", cart, {"lines": [{"sku": "sku-0001"}]}, 422, "quantity"),
        ("quantity 0", "PUT", cart, {"lines": [line(1, 0)]}, 422, "quantity"),
        ("quantity 100", "PUT", cart, {"lines": [line(1, 100)]}, 422, "quantity"),
        ("half a unit", "PUT", cart, {"lines": [line(1, 0.5)]}, 422, "quantity"),
        ("a quantity in text", "PUT", cart, {"lines": [line(1, "1")]}, 422, "quantity"),
        ("a number for a sku", "PUT", cart, {"lines": [{"sku": 1, "quantity": 1}]}, 422, "sku"),
        ("a sku with a comma", "PUT", cart,
         {"lines": [{"sku": "sku-0001,sku-0002", "quantity": 1}]}, 422, "sku"),
        ("an unknown sku", "PUT", cart, {"lines": [line(501)]}, 404, "sku-0501"),
        ("a sku twice", "PUT", cart, {"lines": [line(1), line(2), line(1)]}, 422, "twice"),
        ("a cart's id with a space", "PUT", "/cart/a%20b", {"lines": [line(1)]}, 422, "id"),
        ("a cart's id that is too long", "PUT", "/cart/" + "a" * 65, {"lines": [line(1)]}, 422, "id"),
        ("a broken body", "PUT", cart, b'{"lines":', 400, ""),
        ("a body that is no object", "PUT", cart, b"[]", 400, ""),
        ("no cart", "POST", "/checkout", {**good, "cart_id": None}, 422, "cart_id"),
        ("a cart with a slash", "POST", "/checkout", {**good, "cart_id": "a/b"}, 422, "cart_id"),
        ("a currency in lower case", "POST", "/checkout", {**good, "currency": "eur"}, 422,
         "currency"),
        ("an unknown currency", "POST", "/checkout", {**good, "currency": "ABC"}, 422, "currency"),
        ("a long country", "POST", "/checkout", {**good, "country": "DEU"}, 422, "country"),
        ("an unknown country", "POST", "/checkout", {**good, "country": "ZZ"}, 422, "rates"),
        ("an unknown coupon", "POST", "/checkout", {**good, "coupon": "a b&c"}, 422, "coupon"),
        ("a coupon that is too long", "POST", "/checkout", {**good, "coupon": "x" * 65}, 422,
         "coupon"),
        ("no password", "POST", "/login", {"user": "user-1"}, 422, "password"),
        ("a user with a quote", "POST", "/login", {"user": "'", "password": "x"}, 422, "user"),
        ("a limit of 0", "GET", "/products?limit=0", None, 422, "limit"),
        ("a limit in words", "GET", "/products?limit=many", None, 422, "limit"),
        ("a limit that is too high", "GET", "/products?limit=501", None, 422, "limit"),
    ]
    before = STACK.totals()
    for i, (name, method, path, body, status, word) in enumerate(rows):
        got, reply, _ = STACK.ask("frontend", method, path, body,
                                  customer.headers(Idempotency_Key=f"table-{i}"))
        assert got == status, (name, got, reply)
        assert word in reply["error"]["message"] and reply["error"]["code"], (name, reply)
    assert moved(before, STACK.totals())["reserved"] == 0


def test_it_needs_a_usable_idempotency_key():
    customer = Customer(STACK)
    body = {"cart_id": "flow-1", "currency": "EUR", "country": "DE"}
    for key in (None, "", "a b", "a.b", "k" * 65, "ä".encode("latin-1")):
        headers = customer.headers()
        if key is not None:
            headers[KEY] = key
        status, reply, _ = STACK.ask("frontend", "POST", "/checkout", body, headers)
        assert status == 400, (key, status, reply)


def test_it_answers_bad_fields_inside_too():
    """Each service checks what it gets, whoever asks."""
    lines = [{"sku": "sku-0001", "quantity": 1, "unit_price_minor": 100, "weight_g": 10}]
    rows = [
        ("inventory", "POST", "/reservations", {"reservation_id": "a/b", "lines": lines}),
        ("inventory", "POST", "/reservations", {"reservation_id": "a", "lines": []}),
        ("inventory", "DELETE", "/reservations/a%20b", None),
        ("pricing", "POST", "/quotes", {"user_id": "u", "currency": "EUR", "country": "DE",
                                        "lines": [{**lines[0], "unit_price_minor": -1}]}),
        ("fraud", "POST", "/scores", {"operation_id": "a", "user_id": "u", "total_minor": -1}),
        ("shipping", "POST", "/shipments", {"operation_id": "a", "country": "DE",
                                            "currency": "EUR", "weight_g": 0, "total_minor": 1}),
        ("payment", "POST", "/payments", {"operation_id": "a", "currency": "EUR",
                                          "amount_minor": 1.5}),
        ("payment", "DELETE", "/payments/%20", None),
        ("orders", "POST", "/orders", {"operation_id": "a", "user_id": "u", "currency": "EUR",
                                       "country": "DE", "tracking": "t", "total_minor": 1,
                                       "lines": [{"sku": "x"}]}),
        ("orders", "POST", "/withdrawals", {"operation_id": ""}),
        ("notification", "POST", "/notifications", {"order_id": "a", "user_id": "u"}),
        ("checkout", "POST", "/checkouts", {"user_id": "u"}),
        ("auth", "POST", "/users", {"user": "u", "password": "a\nb"}),
        ("cart", "PUT", "/carts/x", {"lines": lines}),
    ]
    for name, method, path, body in rows:
        status, reply, _ = STACK.ask(name, method, path, body, {KEY: "k"})
        assert status == 422 and reply["error"]["message"], (name, path, status, reply)
    assert STACK.ask("orders", "GET", "/orders/none")[0] == 404
    assert STACK.ask("notification", "GET", "/sent/none")[0] == 404
    unknown = {"reservation_id": "u", "lines": [{"sku": "sku-9999", "quantity": 1}]}
    assert STACK.ask("inventory", "POST", "/reservations", unknown)[0] == 404


def test_it_releases_a_reservation_once():
    body = {"reservation_id": "once", "lines": [line(20, 5), line(21, 6)]}
    before = STACK.totals()["stock"]["reserved"]
    codes = [STACK.ask("inventory", "POST", "/reservations", body)[0] for _ in range(3)]
    assert codes == [201, 200, 200], codes
    assert STACK.totals()["stock"]["reserved"] == before + 11
    released = in_threads(6, lambda i: STACK.ask("inventory", "DELETE", "/reservations/once")[1])
    assert sorted(r["released"] for r in released) == [False] * 5 + [True], released
    assert STACK.totals()["stock"]["reserved"] == before
    assert STACK.ask("inventory", "DELETE", "/reservations/never")[1] == {"released": False}
    assert STACK.ask("inventory", "POST", "/reservations", body)[0] == 201


def test_it_charges_once_and_pays_back_once():
    body = {"operation_id": "charged.once", "amount_minor": 1234, "currency": "EUR"}

    def charge(**more):
        return STACK.ask("payment", "POST", "/payments", {**body, **more})[:2]
    first, second = charge(), charge()
    assert (first[0], second[0]) == (201, 200) and first[1] == second[1], (first, second)
    assert charge(amount_minor=1235)[0] == 409 and charge(currency="USD")[0] == 409
    before = STACK.totals()["payments"]
    answers = in_threads(4, lambda i: STACK.ask("payment", "DELETE", "/payments/charged.once")[0])
    assert answers == [200] * 4, answers
    assert STACK.totals()["payments"]["refunded"] == before["refunded"] + 1
    again = charge()
    assert again[0] == 201 and again[1]["receipt"] != first[1]["receipt"], (first, again)
    assert STACK.ask("payment", "DELETE", "/payments/never.charged")[1] == {"refunded": False}


def test_it_refuses_what_looks_like_fraud():
    def score(total, user="fraud-user"):
        body = {"operation_id": f"f.{user}-{total}", "user_id": user, "total_minor": total}
        return STACK.ask("fraud", "POST", "/scores", body)[1]
    assert score(5000) == {"score": 0, "accepted": True}
    assert score(5001 * 60)["score"] == 30, "far above what is usual for this customer"
    assert score(5001 * 60, "another-user")["score"] == 0
    assert score(10 ** 9) == {"score": 100, "accepted": False}
    customer = Customer(STACK, "user-16")
    before = STACK.totals()
    status, reply = customer.buy("fraud", [line(i + 1, 99) for i in range(100)], currency="CZK")
    assert (status, reply["error"]["code"]) == (402, "declined"), (status, reply)
    assert moved(before, STACK.totals())["reserved"] == 0


def test_it_lists_products():
    status, reply, _ = STACK.ask("frontend", "GET", "/products?limit=500")
    assert status == 200 and len(reply["products"]) == 500
    assert [p["sku"] for p in reply["products"]] == [f"sku-{i:04d}" for i in range(1, 501)]
    assert all(isinstance(p["price_minor"], int) and p["price_minor"] > 0 and p["weight_g"] > 0 and
               p["name"] for p in reply["products"])
    assert len(STACK.ask("frontend", "GET", "/products")[1]["products"]) == 20


if __name__ == "__main__":
    with Stack(environment={"bank": {"latency_ms": 1}}) as STACK:
        CODE = main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")])
    sys.exit(CODE)
