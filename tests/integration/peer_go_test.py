#!/usr/bin/env python3
"""A service in Go with the OpenTelemetry SDK between two of ours, twice in one request: frontend,
Go, cart, Go, catalog. One trace through all of them, read back from the collector; baggage and
trace state arrive as they were sent. The same with B3."""
import os
import subprocess
import sys
import tempfile
from urllib.parse import unquote

import peer
from collector_kit import Collector
from stack import SLOW, Customer, Stack, free_port, line, main, wait_until

HOP = peer.program("hop")
ITEMS = {"user.tier": "gold", "note": "a b,c"}
BAGGAGE = "user.tier=gold,note=a%20b%2Cc"
# Server (2) and client (3) span of each on the way, from the innermost outwards.
WAY = [("catalog", 2), ("hop", 3), ("hop", 2), ("cart", 3), ("cart", 2), ("hop", 3), ("hop", 2),
       ("frontend", 3), ("frontend", 2)]
STATE = "vendor=t61rcWkgMzE,other@dd=s:1"


class Hop:
    """The Go service, with a detour for each (listen, target) pair of ports."""

    def __init__(self, detours, collector, propagators):
        self.process = subprocess.Popen(
            [HOP, *(f"127.0.0.1:{a}=127.0.0.1:{b}" for a, b in detours)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, OTEL_SERVICE_NAME="hop", OTEL_BSP_SCHEDULE_DELAY="100",
                     OTEL_PROPAGATORS=propagators,
                     OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.otlp}"))
        assert self.process.stdout.readline() == "ready\n"

    def stop(self):
        self.process.communicate(timeout=30 * SLOW)
        assert self.process.returncode == 0


class Ring:
    """The shop, with the Go service on the way from frontend to cart and from cart to catalog."""

    def __init__(self, propagators):
        self.directory = tempfile.TemporaryDirectory(prefix="culprit-go-")
        self.collector = Collector(self.directory.name, "--settle-ms", "50")
        to_cart = free_port([])
        to_catalog = free_port([to_cart])
        self.shop = Stack(only=("frontend", "auth", "cart", "catalog"), variables={
            "OTEL_SDK_DISABLED": "false", "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_PROPAGATORS": propagators,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.collector.otlp}"},
            detours={("frontend", "cart"): to_cart, ("cart", "catalog"): to_catalog})
        ports = self.shop.ports
        self.to_frontend = free_port([to_cart, to_catalog, *ports.values()])
        self.hop = Hop([(to_cart, ports["cart"]), (to_catalog, ports["catalog"]),
                        (self.to_frontend, ports["frontend"])], self.collector, propagators)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.hop.stop()
        self.shop.close(check=kind is None)
        self.collector.stop()
        self.directory.cleanup()

    def spans(self, trace_id):
        status, body = self.collector.get(f"/api/v3/traces/{trace_id}")
        if status == 404:
            return []
        assert status == 200, body
        rows = []
        for resource in body["result"]["resourceSpans"]:
            about = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
            rows += [dict(span, service=about["service.name"]["stringValue"])
                     for scope in resource["scopeSpans"] for span in scope["spans"]]
        return rows


def attribute(span, key):
    return next((a["value"]["stringValue"] for a in span["attributes"] if a["key"] == key), None)


def baggage_items(text):
    """As the W3C's grammar has it: percent-encoded values, order of no meaning."""
    return {key.strip(): unquote(value.split(";")[0].strip())
            for key, value in (member.split("=", 1) for member in text.split(",") if member)}


def path_up(span, by_id):
    """(service, kind) from a span up to the trace's root."""
    path = []
    while span is not None:
        path.append((span["service"], span["kind"]))
        span = by_id.get(span.get("parentSpanId", ""))
    return path


def whole(ring, trace_id, way):
    """All spans, once the innermost is there with the wanted way above it and nothing is loose."""
    def check():
        rows = ring.spans(trace_id)
        by_id = {span["spanId"]: span for span in rows}
        loose = [s for s in rows if s.get("parentSpanId", "") not in by_id]
        inner = [s for s in rows if (s["service"], s["kind"]) == ("catalog", 2)]
        return len(loose) == 1 and inner and path_up(inner[0], by_id) == way and rows
    try:
        return wait_until(check, 20, "")
    except AssertionError:
        raise AssertionError([(s["service"], s["kind"], s["name"], s["spanId"],
                               s.get("parentSpanId")) for s in ring.spans(trace_id)]) from None


def put_cart(ring, customer, key, **headers):
    status, reply, _ = ring.shop.ask("frontend", "PUT", f"/cart/{key}",
                                     {"lines": [line(1), line(2)]}, customer.headers(**headers))
    assert status == 200, (status, reply)


def saw(rows, key):
    """What the Go service's server spans saw, one for each time that the request passed it."""
    return [attribute(s, key) for s in rows if (s["service"], s["kind"]) == ("hop", 2)]


def test_it_is_one_trace_through_go_and_back():
    with Ring("tracecontext,baggage") as ring:
        trace_id = os.urandom(16).hex()
        put_cart(ring, Customer(ring.shop), "w3c", tracestate=STATE, baggage=BAGGAGE,
                 traceparent=f"00-{trace_id}-{os.urandom(8).hex()}-01")
        rows = whole(ring, trace_id, WAY)
        # nobody dropped, reordered or rewrote a member of the trace state: all 20 spans have it
        assert {s.get("traceState") for s in rows} == {STATE}, rows
        assert saw(rows, "saw.tracestate") == [STATE] * 2, rows
        assert [baggage_items(text) for text in saw(rows, "saw.baggage")] == [ITEMS] * 2, rows
        # both sides know the parent to be remote
        remote = [s for s in rows if s["kind"] == 2]
        assert all(s["flags"] & 0x300 == 0x300 for s in remote), remote


def test_it_goes_on_with_a_trace_that_began_in_go():
    with Ring("tracecontext,baggage") as ring:
        token = Customer(ring.shop).token
        ring.shop.ports["entry"] = ring.to_frontend
        ring.shop.starts["entry"] = 1
        status, reply, _ = ring.shop.ask("entry", "PUT", "/cart/go", {"lines": [line(1)]},
                                         {"Authorization": f"Bearer {token}"})
        assert status == 200, (status, reply)

        def roots():
            _, body = ring.collector.get("/api/traces?service=hop&limit=50")
            return [trace["traceID"] for trace in body.get("data") or []
                    if any("PUT" in s["operationName"] for s in trace["spans"])]
        trace_id = wait_until(roots, 20, "a trace of the Go service")[0]
        whole(ring, trace_id, WAY + [("hop", 3), ("hop", 2)])


def test_it_leaves_alone_what_the_caller_does_not_sample():
    with Ring("tracecontext,baggage") as ring:
        customer = Customer(ring.shop)
        unsampled, sampled = os.urandom(16).hex(), os.urandom(16).hex()
        put_cart(ring, customer, "no", traceparent=f"00-{unsampled}-{os.urandom(8).hex()}-00")
        put_cart(ring, customer, "yes", traceparent=f"00-{sampled}-{os.urandom(8).hex()}-01")
        whole(ring, sampled, WAY)
        assert ring.spans(unsampled) == []


def single(trace_id, span_id, sampled="1"):
    return {"b3": f"{trace_id}-{span_id}-{sampled}"}


def multi(trace_id, span_id, sampled="1"):
    return {"X-B3-TraceId": trace_id, "X-B3-SpanId": span_id, "X-B3-Sampled": sampled}


# the propagators that both sides are told, and the headers that the request comes with
B3_ROWS = [("b3,baggage", single), ("b3multi,baggage", multi), ("b3,baggage", multi),
           ("b3multi,baggage", single)]


def put_traced(ring, customer, key, headers):
    status, reply, _ = ring.shop.ask("frontend", "PUT", f"/cart/{key}", {"lines": [line(1)]},
                                     {**customer.headers(baggage=BAGGAGE), **headers})
    assert status == 200, (status, reply)


def test_it_is_one_trace_with_b3():
    for propagators, headers in B3_ROWS:
        with Ring(propagators) as ring:
            customer = Customer(ring.shop)
            long, short, unsampled = os.urandom(16).hex(), os.urandom(8).hex(), os.urandom(16).hex()
            put_traced(ring, customer, "no", headers(unsampled, os.urandom(8).hex(), "0"))
            put_traced(ring, customer, "long", headers(long, os.urandom(8).hex()))
            put_traced(ring, customer, "short", headers(short, os.urandom(8).hex()))
            for trace_id in (long, "0" * 16 + short):
                rows = whole(ring, trace_id, WAY)
                assert {s.get("traceState", "") for s in rows} == {""}, (propagators, rows)
                assert [baggage_items(text) for text in saw(rows, "saw.baggage")] == [ITEMS] * 2
            assert ring.spans(unsampled) == [], propagators


if __name__ == "__main__":
    sys.exit(main(test_it_is_one_trace_through_go_and_back,
                  test_it_goes_on_with_a_trace_that_began_in_go,
                  test_it_leaves_alone_what_the_caller_does_not_sample,
                  test_it_is_one_trace_with_b3))
