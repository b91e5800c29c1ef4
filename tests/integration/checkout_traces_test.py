#!/usr/bin/env python3
"""The spans of a healthy request are exactly the edges that compose/topology.json lists, in one
connected trace; a fault changes their times or their parents and nothing that names it."""
import collections
import os
import sys

from sink import Sink
from stack import Customer, Stack, line, main, topology, wait_until

STACK = SINK = None
KINDS = {row["name"]: row["kind"] for row in topology()}
ROUTES = {(row["name"], route["method"], route["path"]): route["calls"]
          for row in topology() for route in row["routes"]}


def expected(service, method, path):
    """(caller, caller's route, callee, callee's operation) of every call behind a route."""
    edges = collections.Counter()
    for call in ROUTES[(service, method, path)]:
        if "queue" in call:
            inner, operation = ("PROCESS", call["queue"]), f"process {call['queue']}"
        else:
            inner = (call["method"], call["path"])
            operation = f"{call['method']} {call['path']}"
        edges[(service, f"{method} {path}", call["to"], operation)] += 1
        edges.update(expected(call["to"], *inner))
    return edges


def enclosing(row, by_id):
    """The server or consumer span that a span's work belongs to."""
    while row["kind"] not in ("SERVER", "CONSUMER"):
        row = by_id[row["parent"]]
    return row


def found(rows):
    by_id = {row["id"]: row for row in rows}
    children = collections.defaultdict(list)
    for row in rows:
        children[row["parent"]].append(row)
    edges = collections.Counter()
    for row in rows:
        if row["kind"] not in ("CLIENT", "PRODUCER") or "db.system.name" in row["attributes"]:
            continue
        caller = enclosing(row, by_id)
        route = caller["name"].replace("process ", "PROCESS ")
        callees = [(c["service"], c["name"]) for c in children[row["id"]]
                   if c["kind"] in ("SERVER", "CONSUMER")]
        peer = row["attributes"].get("server.address")
        if not callees and KINDS.get(peer) == "partner":
            callees = [(peer, row["name"])]
        for service, name in callees or [("nobody", row["name"])]:
            edges[(caller["service"], route, service, name)] += 1
    return edges


def trace_ids():
    trace = os.urandom(16).hex()
    return trace, {"traceparent": f"00-{trace}-{os.urandom(8).hex()}-01"}


def settled(trace, wanted):
    """The spans of a trace once every wanted edge is there; nothing may come beyond them."""
    def complete():
        rows = SINK.trace(trace)
        by_id = {row["id"] for row in rows}
        roots = [row for row in rows if row["parent"] not in by_id]
        whole = [(row["service"], row["kind"]) for row in roots] == [("frontend", "SERVER")]
        return whole and not wanted - found(rows) and rows
    return wait_until(complete, 20, f"all edges: {wanted}")


def request(service, method, path, route, body=None, headers=None):
    """A request of the edge; its spans once they have all come."""
    trace, traced = trace_ids()
    status, reply, _ = STACK.ask(service, method, path, body, {**traced, **(headers or {})})
    assert status in (200, 201), (path, status, reply)
    wanted = expected(service, method, route)
    rows = settled(trace, wanted)
    assert found(rows) == wanted, (found(rows) - wanted, wanted - found(rows))
    return rows


def checkout(customer, key, lines, **more):
    assert customer.put_cart(f"cart-{key}", lines)[0] == 200
    body = {"cart_id": f"cart-{key}", "currency": "EUR", "country": "DE", **more}
    return request("frontend", "POST", "/checkout", "/checkout", body,
                   customer.headers(Idempotency_Key=key))


def database_spans(rows):
    return collections.Counter((row["service"], row["name"]) for row in rows
                               if "db.system.name" in row["attributes"])


def test_it_makes_the_edges_of_every_public_route():
    customer = Customer(STACK)
    request("frontend", "POST", "/login", "/login", {"user": "user-1", "password": "culprit"})
    request("frontend", "GET", "/products?limit=3", "/products")
    request("frontend", "PUT", "/cart/edges", "/cart/{cart_id}", {"lines": [line(1), line(2)]},
            customer.headers())
    request("frontend", "GET", "/cart/edges", "/cart/{cart_id}", None, customer.headers())


def test_it_makes_the_edges_of_a_checkout():
    rows = checkout(Customer(STACK), "edges", [line(1, 2), line(2)])
    assert not [row for row in rows if row["error"]], [r for r in rows if r["error"]]
    assert {row["service"] for row in rows} == \
        {name for name, kind in KINDS.items() if kind == "service"}


def test_it_asks_the_database_as_often_for_many_lines_as_for_one():
    customer = Customer(STACK)
    few = database_spans(checkout(customer, "few", [line(1)]))
    many = database_spans(checkout(customer, "many", [line(i + 1) for i in range(40)]))
    assert few == many, (few - many, many - few)
    assert few[("inventory", "SELECT stock")] == 1, few


def overlap(rows, names):
    """How many of these client spans run at one time."""
    picked = [row for row in rows if row["kind"] == "CLIENT" and row["name"] in names]
    assert len(picked) == len(names), (names, [row["name"] for row in picked])
    return max(sum(a["begin"] <= b["begin"] < a["end"] for a in picked) for b in picked)


QUOTES = {"GET /vat", "GET /duty", "GET /rate", "GET /fee", "GET /coupon", "GET /loyalty"}


def test_it_asks_side_by_side_what_does_not_depend():
    for name in ("tax", "fx", "promo"):
        STACK.set(name, environment={"latency_ms": 40})
    rows = checkout(Customer(STACK), "parallel", [line(1)])
    assert overlap(rows, QUOTES) == 6
    assert overlap(rows, {"POST /scores", "POST /shipments"}) == 2
    STACK.set("pricing", faults={"sequential_calls": True})
    slow = checkout(Customer(STACK), "sequential", [line(1)])
    STACK.set("pricing", faults={})
    assert overlap(slow, QUOTES) == 1
    assert database_spans(rows) == database_spans(slow)
    again = checkout(Customer(STACK), "parallel-again", [line(1)])
    assert overlap(again, QUOTES) == 6
    for name in ("tax", "fx", "promo"):
        STACK.set(name, environment={})


def test_it_looks_lines_up_one_by_one():
    """Only the number of database spans grows with the cart; what a customer gets stays alike."""
    customer = Customer(STACK)
    STACK.set("inventory", environment={"database_round_trip_us": 2000})
    healthy = checkout(customer, "at-once", [line(i + 1) for i in range(12)])
    STACK.set("inventory", faults={"n_plus_one_queries": True})
    one = checkout(customer, "one-by-one", [line(i + 1) for i in range(12)])
    STACK.set("inventory", faults={"n_plus_one_queries": 3})
    three = checkout(customer, "three-a-line", [line(i + 1) for i in range(4)])
    STACK.set("inventory", faults={}, environment={})
    looks = ("inventory", "SELECT stock")
    assert [database_spans(rows)[looks] for rows in (healthy, one, three)] == [1, 12, 12]
    assert {row["name"] for row in healthy} == {row["name"] for row in one}
    spans = [row for row in one if (row["service"], row["name"]) == looks]
    assert all(row["end"] - row["begin"] >= 2000000 for row in spans), "a round trip each"


def test_it_tells_the_customer_before_it_answers():
    customer = Customer(STACK)
    STACK.set("mail", environment={"latency_ms": 30})
    STACK.set("orders", faults={"synchronous_notification": True})
    assert customer.put_cart("cart-waits", [line(1)])[0] == 200
    trace, traced = trace_ids()
    status, order, _ = STACK.ask("frontend", "POST", "/checkout",
                                 {"cart_id": "cart-waits", "currency": "EUR", "country": "DE"},
                                 {**traced, **customer.headers(Idempotency_Key="waits")})
    told = STACK.ask("notification", "GET", f"/sent/{order['order_id']}")[0]
    STACK.set("orders", faults={})
    STACK.set("mail", environment={})
    assert (status, told) == (201, 200), "the mail went out before the answer"
    wanted = expected("frontend", "POST", "/checkout")
    queued = expected("notification", "PROCESS", "order.placed")
    queued[("orders", "POST /orders", "notification", "process order.placed")] += 1
    directly = expected("notification", "POST", "/notifications")
    directly[("orders", "POST /orders", "notification", "POST /notifications")] += 1
    wanted = wanted - queued + directly
    rows = settled(trace, wanted)
    assert found(rows) == wanted, (found(rows) - wanted, wanted - found(rows))
    placing = [row for row in rows if row["service"] == "orders" and row["kind"] == "SERVER"]
    assert placing[0]["end"] - placing[0]["begin"] >= 30000000, placing
    assert "PRODUCER" not in {row["kind"] for row in rows}


def test_it_drops_the_context_of_calls_to_one_peer():
    customer = Customer(STACK)
    for peer, below in (("payment", ("payment",)), ("pricing", ("pricing",)),
                        ("orders", ("orders", "notification"))):
        STACK.set("checkout", faults={"lost_context": peer})
        assert customer.put_cart(f"cart-lost-{peer}", [line(1)])[0] == 200
        trace, traced = trace_ids()
        status, reply, _ = STACK.ask(
            "frontend", "POST", "/checkout",
            {"cart_id": f"cart-lost-{peer}", "currency": "EUR", "country": "DE"},
            {**traced, **customer.headers(Idempotency_Key=f"lost-{peer}")})
        STACK.set("checkout", faults={})
        assert status == 201, reply
        wait_until(lambda p=peer, t=trace: [
            row for row in SINK.trace(t) if row["kind"] == "CLIENT" and
            row["attributes"].get("server.address") == p], 20, "the call of the peer")
        wait_until(lambda p=peer, t=trace: [
            row for row in SINK.all() if row["service"] == p and row["kind"] == "SERVER" and
            not row["parent"] and row["trace"] != t], 20, "a trace that begins at the peer")
        assert not [row for row in SINK.trace(trace) if row["service"] in below], peer


def test_it_leaves_physical_evidence():
    rows = checkout(Customer(STACK), "evidence", [line(1), line(2)])
    by_id = {row["id"]: row for row in rows}
    kinds = collections.Counter()

    def number(row, key, least, most):
        value = row["attributes"].get(key)
        assert isinstance(value, int) and least <= value <= most, (row["name"], key, value)
        kinds[key] += 1

    for row in rows:
        attributes, lasted_us = row["attributes"], (row["end"] - row["begin"]) // 1000
        if row["kind"] in ("SERVER", "CONSUMER"):
            # the thread works from the span's begin to its end, and clocks tick apart
            number(row, "evidence.thread.cpu_us", 0, lasted_us + 20000)
        if row["kind"] == "SERVER":
            number(row, "http.response.body.size", 2, 1 << 20)
            if "http.request.body.size" in attributes:
                number(row, "http.request.body.size", 2, 1 << 20)
        if row["kind"] == "CLIENT" and "db.system.name" not in attributes:
            assert attributes["evidence.pool.name"] == "http client"
            number(row, "evidence.pool.in_use", 1, 1024)
            assert attributes["evidence.pool.size"] == 1024
            servers = [r for r in rows if r["parent"] == row["id"] and r["kind"] == "SERVER"]
            for server in servers:
                for key in ("http.request.body.size", "http.response.body.size"):
                    assert attributes.get(key) == server["attributes"].get(key), (row, server)
        if attributes.get("evidence.pool.name", "").endswith(" readers"):
            assert attributes["evidence.pool.name"] == attributes["db.namespace"] + " readers"
            assert "evidence.pool.wait_us" not in attributes, row
            kinds["readers"] += 1
        if "evidence.lock.name" in attributes:
            number(row, "evidence.lock.wait_us", 0, max(lasted_us, 1))
            kinds[attributes["evidence.lock.name"]] += 1
        if "evidence.cache.name" in attributes:
            kinds[f"{attributes['evidence.cache.name']} {attributes['evidence.cache.hit']}"] += 1
        if row["kind"] == "CONSUMER":
            number(row, "messaging.message.body.size", 2, 1 << 16)
            number(row, "evidence.queue.depth", 0, 1000)
            number(row, "evidence.queue.wait_us", 0, 60000000)
            enqueued_us = row["attributes"]["evidence.queue.enqueued_unix_us"]
            begun_us = by_id[row["parent"]]["begin"] // 1000
            assert begun_us - 1000000 < enqueued_us <= row["begin"] // 1000 + 1000000, row
            assert row["attributes"]["evidence.queue.attempt"] == 1
    for lock in ("checkout operations", "orders.db writer", "payment.db writer",
                 "inventory.db writer"):
        assert kinds[lock] == 1, kinds
    assert kinds["products True"] == 1 and kinds["sessions True"] == 1, kinds
    assert kinds["readers"] >= 2 and kinds["http.request.body.size"] >= 5, kinds


def test_it_links_the_consumer_to_its_producer():
    rows = checkout(Customer(STACK), "links", [line(1)])
    producer = [row for row in rows if row["kind"] == "PRODUCER"]
    consumer = [row for row in rows if row["kind"] == "CONSUMER"]
    assert len(producer) == len(consumer) == 1
    assert consumer[0]["parent"] == producer[0]["id"]
    assert consumer[0]["links"] == [producer[0]["id"]], consumer[0]["links"]


def test_it_takes_no_refusal_for_a_server_error():
    customer = Customer(STACK)
    assert customer.put_cart("declined", [line(1)])[0] == 200
    trace, traced = trace_ids()
    status, _, _ = STACK.ask("frontend", "POST", "/checkout",
                             {"cart_id": "declined", "currency": "XTS", "country": "DE"},
                             {**traced, **customer.headers(Idempotency_Key="declined")})
    assert status == 402
    rows = wait_until(lambda: [r for r in SINK.trace(trace) if r["service"] == "frontend" and
                               r["kind"] == "SERVER"] and SINK.trace(trace), 20, "spans")
    assert not [row["name"] for row in rows if row["kind"] == "SERVER" and row["error"]]


def test_it_makes_no_traces_of_its_own():
    """Whatever has no parent is a request that somebody made of a service: no housekeeping."""
    roots = {(row["service"], row["name"]) for row in SINK.all()
             if not row["parent"] and row["kind"] not in ("SERVER",)}
    assert not roots, roots


if __name__ == "__main__":
    SINK = Sink()
    with Stack(variables={"OTEL_SDK_DISABLED": "false", "OTEL_BSP_SCHEDULE_DELAY": "50",
                          "OTEL_EXPORTER_OTLP_ENDPOINT": SINK.url}) as STACK:
        CODE = main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")])
    SINK.close()
    sys.exit(CODE)
