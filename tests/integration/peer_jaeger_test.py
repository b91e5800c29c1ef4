#!/usr/bin/env python3
"""Real Jaeger as the back end: what is read back from it leads to the same verdict and the same
findings as our own collector. It runs where `make peers` has built it."""
import http.client
import http.server
import json
import os
import sys
import tempfile
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import jaeger
from collector_kit import Collector
from culprit import culprit
from peer import SKIPPED
from stack import SLOW, Customer, Stack, in_threads, line, main, wait_until

LOAD = ["--rate", "10", "--duration", "4"]
CARTS, LINES, CUSTOMERS = 40, 12, 2
# what a shop is broken with, and what must be named: kind, service, operation
BROKEN = {"pricing.sequential_calls": ("sequential_calls", "pricing", "POST /quotes"),
          "checkout.lost_context=payment": ("broken_propagation", "checkout", "POST /payments"),
          "inventory.n_plus_one_queries": ("n_plus_one_queries", "inventory", "POST /reservations")}


def exporting(port, **more):
    return {"OTEL_SDK_DISABLED": "false", "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", **more}


# ---- a run against a stack that exports to Jaeger

def run(backend, shop, directory, scenario):
    """(finished process, its JSON)"""
    target, out = f"{directory}/target.json", f"{directory}/run.json"
    endpoints = {name: f"http://127.0.0.1:{port}" for name, port in shop.ports.items()}
    endpoints.update(otlp=f"http://127.0.0.1:{backend.otlp}",
                     query=f"http://127.0.0.1:{backend.query}")
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"endpoints": endpoints, "control_token": ""}, file)
    done = culprit("run", scenario, *LOAD, "--target", target, "--json", out)
    assert os.path.exists(out), done
    with open(out, encoding="utf-8") as file:
        return done, json.load(file)


def check_runs(store, expected):
    """`expected`: the places that each scenario must name."""
    with tempfile.TemporaryDirectory(prefix="culprit-jaeger-") as directory:
        backend = jaeger.Jaeger(directory, store)
        try:
            with Stack(variables=exporting(backend.otlp)) as shop:
                for scenario, wanted in expected.items():
                    done, told = run(backend, shop, directory, scenario)
                    assert done.returncode == 0, (scenario, done)
                    assert told["coverage"] == 1 and told["spans"]["duplicates"] == 0, told
                    assert told["spans"]["found"] == told["spans"]["expected"] > 0, told["spans"]
                    assert places(told) == wanted, told["findings"]
        finally:
            backend.stop()


def test_it_judges_a_run_by_what_jaeger_keeps_in_memory():
    check_runs("memory", {"pricing-sequential": [BROKEN["pricing.sequential_calls"]]})


def test_it_judges_a_run_by_what_jaeger_keeps_on_disk():
    check_runs("badger", {"baseline": [],
                          "lost-context": [BROKEN["checkout.lost_context=payment"]]})


# ---- the same traces in our collector and in Jaeger

def places(told):
    return [(f["kind"], f["service"], f["operation"]) for f in told["findings"]]


def window(directory, faults):
    """Our collector, with all traces of a shop that is broken so; ended by the caller."""
    os.mkdir(directory)
    collector = Collector(directory, "--settle-ms", "100")
    with Stack({"inventory": {"database_round_trip_us": 3000}},
               exporting(collector.otlp, CULPRIT_FAULTS=faults)) as shop:
        def buy(number):
            customer = Customer(shop, f"user-{number + 1}")
            for i in range(number, CARTS, CUSTOMERS):
                lines = [line(1 + (i + j) % 100) for j in range(LINES)]
                status, reply = customer.buy(f"{os.path.basename(directory)}-{i}", lines)
                assert status == 201, (status, reply)
        in_threads(CUSTOMERS, buy)
    collector.wait(lambda status: status["traces_open"] == 0)
    return collector


def copy(collector, backend):
    """Every span of ours to the other, as OTLP."""
    _, services = collector.get("/api/v3/services")
    seen = set()
    for service in services["services"]:
        status, found = collector.get(f"/api/v3/traces?query.service_name={service}"
                                      "&query.num_traces=1500")
        assert status in (200, 404), found
        kept = [dict(resource, scopeSpans=[
            dict(scope, spans=[span for span in scope["spans"] if span["spanId"] not in seen])
            for scope in resource["scopeSpans"]])
            for resource in found.get("result", {}).get("resourceSpans", [])]
        seen |= {span["spanId"] for resource in kept for scope in resource["scopeSpans"]
                 for span in scope["spans"]}
        connection = http.client.HTTPConnection("127.0.0.1", backend.otlp, timeout=60 * SLOW)
        connection.request("POST", "/v1/traces", json.dumps({"resourceSpans": kept}),
                           {"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()
        connection.close()
    wait_until(lambda: set((backend.get("/api/v3/services") or {}).get("services", ())) ==
               set(services["services"]), 20, "all services are in Jaeger")


class Legacy:
    """Jaeger's query API without the v3 routes, as its older releases have it."""

    def __init__(self, backend):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, body = 404, b"404 page not found\n"
                if not self.path.startswith("/api/v3/"):
                    connection = http.client.HTTPConnection("127.0.0.1", backend.query,
                                                            timeout=60 * SLOW)
                    connection.request("GET", self.path)
                    reply = connection.getresponse()
                    status, body = reply.status, reply.read()
                    connection.close()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.query = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def diagnose(directory, now, before):
    out = f"{directory}/findings.json"
    done = culprit("diagnose", f"http://127.0.0.1:{now.query}", "--baseline",
                   f"http://127.0.0.1:{before.query}", "--json", out)
    assert done.returncode == 0, done
    with open(out, encoding="utf-8") as file:
        return json.load(file)


def essence(told):
    """What must be the same whoever kept the spans; Jaeger's older form has microseconds."""
    return {"spans": told["spans"], "requests": told["requests"],
            "partial": told["partial_traces"],
            "findings": [(f["kind"], f["service"], f["operation"], f["state"], f["confidence"])
                         for f in told["findings"]]}


def check_same(directory, ours, healthy, broken):
    """All three readings of the same traces. `healthy`, `broken`: (collector, Jaeger)."""
    legacy = [Legacy(healthy[1]), Legacy(broken[1])]
    try:
        for now, before in ((broken[1], healthy[1]), (legacy[1], legacy[0])):
            told = diagnose(directory, now, before)
            assert essence(told) == essence(ours), (essence(told), essence(ours))
            for mine, other in zip(ours["findings"], told["findings"]):
                assert abs(mine["cost_ms"] - other["cost_ms"]) <= 0.02 * mine["cost_ms"] + 0.1
                assert set(mine["traces"]) == set(other["traces"]), (mine, other)
    finally:
        for one in legacy:
            one.close()


def test_it_finds_in_jaeger_what_it_finds_in_our_collector():
    with tempfile.TemporaryDirectory(prefix="culprit-jaeger-") as directory:
        running = []
        try:
            pairs = []
            for name, faults in (("healthy", ""), ("broken", ",".join(BROKEN))):
                collector = window(f"{directory}/{name}", faults)
                running.append(collector)
                os.mkdir(f"{directory}/{name}-jaeger")
                running.append(jaeger.Jaeger(f"{directory}/{name}-jaeger", "badger"))
                copy(collector, running[-1])
                pairs.append(running[-2:])
            ours = diagnose(directory, pairs[1][0], pairs[0][0])
            assert set(places(ours)) == set(BROKEN.values()), ours["findings"]
            check_same(directory, ours, *pairs)
        finally:
            for one in running:
                one.stop()


if __name__ == "__main__":
    if not os.path.exists(jaeger.PROGRAM):
        print("skipped: real Jaeger is not there (make peers)")
        sys.exit(SKIPPED)
    sys.exit(main(test_it_judges_a_run_by_what_jaeger_keeps_in_memory,
                  test_it_judges_a_run_by_what_jaeger_keeps_on_disk,
                  test_it_finds_in_jaeger_what_it_finds_in_our_collector))
