#!/usr/bin/env python3
"""Nothing that the system emits may tell which fault is on.

Every fault of every service is switched on in turn while checkouts run. All that leaves the system
is collected: span names, attribute keys, attribute values that take few forms, event names, metric
names with their labels, response headers, messages of log lines, log records as they were
exported. Beyond what the healthy system emits there may be nothing but the evidence in EVIDENCE, and the name of no fault anywhere."""
import glob
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from stack import SLOW

BIN = os.environ.get("CULPRIT_BIN", "build/release/bin")
CHECKOUTS = 24
FORMS_MAX = 12  # a value set of more forms than this is data, not a word that could name a fault

# What a fault may honestly add, and why: it is the trouble itself, as a program that nobody broke on
# purpose would show it too. Patterns for the whole of an entry as collected below.
EVIDENCE = {
    # A statement for one line of the cart stands where one for all of them stood.
    "inventory.n_plus_one_queries": [
        r"value:inventory db\.query\.text=SELECT available FROM stock WHERE sku = \?"],
    # The work that went through the queue is asked for over HTTP.
    "orders.synchronous_notification": [
        r"span:(orders|notification) POST /notifications",
        r"value:(orders|notification) (http\.route|url\.\w+|server\.address|user_agent\.original)"
        r"=[\w./:]*",
        r"value:orders evidence\.pool\.name=http client",
        r"metric:http_server_request_duration_seconds_\w+\{.*http_route=\"/notifications\".*",
        r"log:notification request", r"record:notification info ",
        r"value:notification (method|route)=[\w/]*"],
}


def documented_keys():
    """Attributes that any service may have at any time: the helpers' table, which no fault adds to.
    Whether one shows in a round is chance: who met whom at a lock."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib/http/evidence.h")
    with open(path, encoding="utf-8") as text:
        keys = re.findall(r"^ \* (evidence\.[a-z_.]+) ", text.read(), re.MULTILINE)
    assert len(keys) > 10, keys
    return {f"key:{key}" for key in keys}


def is_evidence(fault, entry):
    return any(re.fullmatch(pattern, entry) for pattern in EVIDENCE.get(fault, []))


class Edge:
    """The frontend, over one connection."""

    def __init__(self, address):
        parts = urllib.parse.urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20 * SLOW)

    def ask(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body)
        headers = dict(headers or {})
        if data is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, data, headers)
        reply = self.connection.getresponse()
        text = reply.read()
        return reply.status, {k.lower() for k, _ in reply.getheaders()}, text


class System:
    def __init__(self, directory):
        self.directory = directory
        self.file = os.path.join(directory, "up.json")
        self.log = open(os.path.join(directory, "up.log"), "w+b")
        self.child = subprocess.Popen(
            [f"{BIN}/culprit", "up", "--ports", "auto", "--json", self.file,
             "--data", os.path.join(directory, "data")],
            stdout=subprocess.DEVNULL, stderr=self.log, start_new_session=True,
            env=dict(os.environ, CULPRIT_LOG_LEVEL="info"))
        deadline = time.monotonic() + 60 * SLOW
        while not os.path.exists(self.file):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the system did not start: {self.logs()}")
            time.sleep(0.05)
        with open(self.file, encoding="utf-8") as text:
            self.about = json.load(text)

    def logs(self):
        """Log file -> what it holds so far."""
        found = {}
        for path in glob.glob(os.path.join(self.directory, "**", "*.log"), recursive=True):
            with open(path, "rb") as text:
                found[path] = text.read().decode(errors="replace")
        return found

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(30 * SLOW)

    def fetch(self, name, path, method="GET", body=None):
        edge = Edge(self.about["endpoints"][name])
        headers = {"Authorization": "Bearer " + self.about["control_token"]}
        status, _, text = edge.ask(method, path, body, headers)
        if status // 100 != 2:
            raise RuntimeError(f"{method} {name}{path}: {status} {text[:300]!r}")
        return text.decode()

    def services(self):
        return [n for n in self.about["endpoints"] if n not in ("otlp", "query", "collector")]


def words_of_value(value):
    for kind, inner in value.items():
        if kind in ("stringValue", "boolValue", "intValue"):
            return str(inner)
    return ""


def add_span(seen, forms, service, span):
    seen.add(f"span:{service} {span['name']}")
    for attribute in span.get("attributes", []):
        seen.add(f"key:{attribute['key']}")
        forms.setdefault(f"{service} {attribute['key']}", set()).add(
            words_of_value(attribute.get("value", {})))
    for event in span.get("events", []):
        seen.add(f"event:{event['name']}")
        for attribute in event.get("attributes", []):
            seen.add(f"event key:{attribute['key']}")


def rfc3339(wall_ns):
    return (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall_ns // 10**9))
            + f".{wall_ns % 10**9:09d}Z")


def spans_of(system, service, began_ns, ended_ns):
    query = urllib.parse.urlencode({
        "query.service_name": service, "query.num_traces": 200,
        "query.start_time_min": rfc3339(began_ns), "query.start_time_max": rfc3339(ended_ns)})
    try:
        document = json.loads(system.fetch("query", "/api/v3/traces?" + query))
    except RuntimeError as error:
        if ": 404" in str(error):
            return
        raise
    for resource in document["result"]["resourceSpans"]:
        name = next((a["value"]["stringValue"] for a in resource["resource"]["attributes"]
                     if a["key"] == "service.name"), "")
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield name, span


def records_of(system, service, began_ns, ended_ns):
    """The log records that a service exported."""
    query = urllib.parse.urlencode({"service": service, "limit": 10000, "start": rfc3339(began_ns),
                                    "end": rfc3339(ended_ns)})
    return json.loads(system.fetch("query", "/api/culprit/logs?" + query))["logs"]


def add_record(seen, forms, record):
    service = record["service"]
    seen.add(f"log:{service} {words_of_value(record['body'])}")
    seen.add(f"record:{service} {record['severityText']} {record.get('eventName', '')}")
    for attribute in record["attributes"]:
        seen.add(f"log key:{attribute['key']}")
        forms.setdefault(f"{service} {attribute['key']}", set()).add(
            words_of_value(attribute["value"]))


def checkouts(system, token, label, seen):
    edge = Edge(system.about["endpoints"]["frontend"])
    for number in range(CHECKOUTS):
        cart = f"{label}-{number}"
        bearer = {"Authorization": "Bearer " + token}
        lines = [{"sku": f"sku-{1 + (number * 7 + i) % 500:04d}", "quantity": 1 + i % 3}
                 for i in range(1 + number % 8)]
        for method, path, body, extra in (
                ("PUT", f"/cart/{cart}", {"lines": lines}, {}),
                ("POST", "/checkout", {"cart_id": cart, "currency": "EUR", "country": "DE",
                                       "coupon": ""}, {"Idempotency-Key": cart})):
            status, headers, text = edge.ask(method, path, body, {**bearer, **extra})
            if status // 100 != 2:
                raise RuntimeError(f"{label}: {method} {path}: {status} {text[:300]!r}")
            seen.update(f"header:{header}" for header in headers)


def collect(system, token, label):
    """All that the system emitted during one round of checkouts."""
    seen, forms = set(), {}
    log_from = {path: len(text) for path, text in system.logs().items()}
    began = time.time_ns()
    checkouts(system, token, label, seen)
    time.sleep(2.5)  # exporters post every 0.2 s, a trace settles after 0.5 s; queued mail follows
    ended = time.time_ns()
    for service in system.services():
        for name, span in spans_of(system, service, began, ended):
            add_span(seen, forms, name, span)
        for record in records_of(system, service, began, ended):
            add_record(seen, forms, record)
    for key, values in forms.items():
        if len(values) <= FORMS_MAX and not key.endswith(".trace_id"):
            seen.update(f"value:{key}={value}" for value in values if not value.isdigit())
    for service in system.services() + ["query"]:
        for line in system.fetch(service, "/metrics").splitlines():
            if line and not line.startswith("#"):
                seen.add("metric:" + re.sub(r' le="[^"]*"|le="[^"]*",?', "", line.rsplit(" ", 1)[0]))
    for path, text in system.logs().items():
        for line in text[log_from.get(path, 0):].splitlines():
            if not line.startswith("{"):
                continue
            event = json.loads(line)
            seen.add(f"log:{event.get('service')} {event.get('msg')}")
            seen.update(f"log key:{key}" for key in event)
    return seen


def faults_of(system):
    for service in system.services():
        table = json.loads(system.fetch(service, "/-/faults"))
        for row in table["rows"]:
            if not row["environment"]:
                yield service, row["name"]


def main():
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as directory:
        system = System(directory)
        try:
            _, _, text = Edge(system.about["endpoints"]["frontend"]).ask(
                "POST", "/login", {"user": "user-1", "password": "culprit"})
            token = json.loads(text)["token"]
            healthy = collect(system, token, "warm") | collect(system, token, "healthy")
            healthy |= documented_keys()
            # A run that saw nothing could not find anything either.
            for what in ("span:", "key:http.route", "value:", "metric:", "header:", "log:",
                         "record:"):
                if not any(entry.startswith(what) for entry in healthy):
                    print(f"it collects {what!r}: nothing was seen")
                    failed += 1
            names = list(faults_of(system))
            for number, (service, fault) in enumerate(names):
                system.fetch(service, "/-/faults", "PUT", {"faults": {fault: True}})
                emitted = collect(system, token, f"round{number}")
                system.fetch(service, "/-/faults", "PUT", {"faults": {}})
                # Counters never go back: what a fault honestly added stays in all rounds after it.
                healthy |= {entry for entry in emitted if entry.startswith("metric:")
                            and is_evidence(f"{service}.{fault}", entry)}
                # Values that are no words (sizes, times, ids) differ from run to run.
                told = [entry for entry in emitted - healthy
                        if not is_evidence(f"{service}.{fault}", entry)
                        and (not entry.startswith("value:")
                             or re.search(r"[a-z]{4}", entry.split("=", 1)[1]))]
                if told:
                    failed += 1
                    print(f"{service}.{fault} shows in: " + "; ".join(sorted(told)[:20]))
                else:
                    passed += 1
                for name in {f for _, f in names}:
                    if any(name in entry for entry in emitted | healthy):
                        failed += 1
                        print(f"the name {name} is emitted")
        finally:
            system.stop()
    print(f"[  PASSED  ] {passed} test(s).")
    if failed:
        print(f"[  FAILED  ] {failed} test(s).")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
