#!/usr/bin/env python3
"""A service's log line on its way: from the handler to the record under its span, in what the page
asks for, and no further than it should go."""
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import main
from culprit import CULPRIT, Up
from stack import SLOW, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e47%02x"


def value(record, key):
    for attribute in record["attributes"]:
        if attribute["key"] == key:
            return attribute["value"]
    return None


def ask(up, number, method, path, body=None, headers=None):
    """One request to the frontend in a trace of ours."""
    address = urllib.parse.urlsplit(up.told["endpoints"]["frontend"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20 * SLOW)
    headers = {"traceparent": f"00-{TRACE % number}-00f067aa0ba902b7-01", **(headers or {})}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def logs(up, **query):
    return up.get("query", "/api/culprit/logs?" + urllib.parse.urlencode(query))["logs"]


def spans(up, number):
    document = up.get("query", f"/api/v3/traces/{TRACE % number}")
    return {span["spanId"]: (next(a["value"]["stringValue"] for a in one["resource"]["attributes"]
                                  if a["key"] == "service.name"), span)
            for one in document["result"]["resourceSpans"]
            for scope in one["scopeSpans"] for span in scope["spans"]}


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Up()

    @classmethod
    def tearDownClass(cls):
        code, _, talk = cls.up.stop()
        cls.up.__exit__()
        assert code == 0, talk

    def test_each_request_of_a_trace_is_a_record_under_its_span(self):
        self.assertEqual(ask(self.up, 1, "GET", "/products?limit=3")[0], 200)
        found = wait_until(lambda: [r for r in [logs(self.up, trace_id=TRACE % 1)] if len(r) >= 2],
                           20, "the frontend's and the catalog's lines")[0]
        time.sleep(1)
        by_id = spans(self.up, 1)
        self.assertEqual({record["service"] for record in found}, {"frontend", "catalog"})
        for record in found:
            service, span = by_id[record["spanId"]]
            self.assertEqual(service, record["service"])
            self.assertEqual(record["traceId"], TRACE % 1)
            self.assertEqual(record["body"], {"stringValue": "request"})
            self.assertEqual((record["severityNumber"], record["severityText"]), (9, "info"))
            self.assertEqual(value(record, "status"), {"intValue": "200"})
            self.assertEqual(value(record, "method"), {"stringValue": "GET"})
            self.assertIn("intValue", value(record, "duration_us"))
            self.assertGreaterEqual(int(record["timeUnixNano"]), int(span["startTimeUnixNano"]))
        servers = [span for _, span in by_id.values() if span["kind"] == 2]
        self.assertEqual(len(found), len(servers))

    def test_a_services_lines_are_found_by_time(self):
        for i in range(3):
            ask(self.up, 0x10 + i, "GET", "/products?limit=3")
        found = wait_until(
            lambda: [r for r in [logs(self.up, service="frontend", last="1m")] if len(r) >= 3],
            20, "the frontend's lines")[0]
        times = [int(record["timeUnixNano"]) for record in found]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual({record["service"] for record in found}, {"frontend"})

    def test_no_record_is_lost_on_the_way(self):
        for i in range(40):
            ask(self.up, 0x40 + i, "GET", "/products?limit=3")
        names = ("frontend", "catalog")

        def figures():
            made = exported = lost = 0
            for name in names:
                for line in self.up.read(name, "/metrics").splitlines():
                    if line.startswith("otel_sdk_log_created_total"):
                        made += int(line.rsplit(" ", 1)[1])
                    if line.startswith("otel_sdk_exporter_log_exported_total"):
                        number = int(line.rsplit(" ", 1)[1])
                        exported += 0 if "error_type" in line else number
                        lost += number if "error_type" in line else 0
            return made, exported, lost

        wait_until(lambda: figures()[0] >= 80 and figures()[0] == figures()[1], 20,
                   "all records exported")
        self.assertEqual(figures()[2], 0)
        # The control traffic of this test makes no lines: what is in the store is what was made.
        status = wait_until(lambda: [s for s in [self.up.get("query", "/api/culprit/status")]
                                     if s["logs_open"] == 0], 20, "all records written")[0]
        self.assertGreaterEqual(status["logs_stored"], figures()[1])
        self.assertEqual(status["logs_refused"] + status["logs_dropped"], 0)


class Exceptions(unittest.TestCase):
    """What a handler answers with 5xx is told on its span, and as a record under it."""

    def fail(self, up, number):
        """The frontend's span of a request that the catalog does not answer."""
        os.kill(up.told["pids"]["catalog"], signal.SIGSTOP)
        try:
            status, text = ask(up, number, "GET", "/products?limit=3")
        finally:
            os.kill(up.told["pids"]["catalog"], signal.SIGCONT)
        self.assertEqual((status, json.loads(text)["error"]["code"]), (504, "peer_timeout"))

        def found():
            with contextlib.suppress(urllib.error.HTTPError):  # 404: nothing came yet
                return [span for service, span in spans(up, number).values()
                        if service == "frontend" and span["kind"] == 2]
        return wait_until(found, 20, "the frontend's span")[0]

    def exceptions_of(self, span):
        return [{one["key"]: one["value"]["stringValue"] for one in event["attributes"]}
                for event in span.get("events", []) if event["name"] == "exception"]

    def test_an_answer_of_5xx_is_an_exception(self):
        with Up() as up:
            span = self.fail(up, 1)
            found = wait_until(
                lambda: [record for record in logs(up, trace_id=TRACE % 1)
                         if record.get("eventName") == "exception"], 20, "the record")
            self.assertEqual(len(found), 1)
            record = found[0]
            self.assertEqual((record["service"], record["severityNumber"]), ("frontend", 17))
            self.assertEqual(record["spanId"], span["spanId"])
            self.assertEqual(value(record, "exception.type"), {"stringValue": "peer_timeout"})
            self.assertIn("catalog", value(record, "exception.message")["stringValue"])
            told = self.exceptions_of(span)
            self.assertEqual([one["exception.type"] for one in told], ["peer_timeout"])

            # One that went well, and one that its caller got wrong, are none.
            self.assertEqual(ask(up, 2, "GET", "/products?limit=3")[0], 200)
            self.assertEqual(ask(up, 3, "GET", "/products?limit=none")[0], 422)
            wait_until(lambda: logs(up, trace_id=TRACE % 2) and logs(up, trace_id=TRACE % 3), 20,
                       "their lines")
            for number in (2, 3):
                self.assertEqual([record for record in logs(up, trace_id=TRACE % number)
                                  if record.get("eventName")], [])

    def test_without_records_it_stays_on_the_span(self):
        with Up(environment={"OTEL_LOGS_EXPORTER": "none"}) as up:
            self.assertEqual(len(self.exceptions_of(self.fail(up, 1))), 1)

    def test_the_environment_has_the_last_word(self):
        with Up(environment={"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs"}) as up:
            self.assertEqual(self.exceptions_of(self.fail(up, 1)), [])


class Choices(unittest.TestCase):
    def test_no_records_where_none_are_wanted(self):
        with Up(environment={"OTEL_LOGS_EXPORTER": "none"}) as up:
            self.assertEqual(ask(up, 1, "GET", "/products?limit=3")[0], 200)
            wait_until(lambda: up.get("query", "/api/culprit/status")["spans_accepted"] >= 3, 20,
                       "the spans")
            self.assertEqual(up.get("query", "/api/culprit/status")["logs_received"], 0)
            self.assertIn("otel_sdk_log_created_total 0\n", up.read("frontend", "/metrics"))

    def test_records_are_kept_with_the_traces(self):
        with tempfile.TemporaryDirectory(prefix="kept-") as data:
            # Nothing is sent before the end: what is there then left as the services did.
            with Up("--data", data, environment={"OTEL_BLRP_SCHEDULE_DELAY": "600000"}) as up:
                self.assertEqual(ask(up, 1, "GET", "/products?limit=3")[0], 200)
                self.assertEqual(logs(up, trace_id=TRACE % 1), [])
                self.assertEqual(up.stop()[0], 0)
            opened = subprocess.Popen([CULPRIT, "open", "--listen", "127.0.0.1:0", data],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                words = [opened.stdout.readline() for _ in range(3)]
                address = re.search(r"http://[\d.]+:\d+", words[2]).group()
                with urllib.request.urlopen(
                        f"{address}/api/culprit/logs?trace_id={TRACE % 1}",
                        timeout=10 * SLOW) as answer:
                    kept = json.load(answer)["logs"]
                self.assertEqual([record["body"]["stringValue"] for record in kept],
                                 ["request", "request"])
            finally:
                opened.terminate()
                opened.communicate(timeout=20 * SLOW)
            self.assertEqual(opened.returncode, 0)


if __name__ == "__main__":
    main()
