#!/usr/bin/env python3
"""Log records: taken as the specification has it, kept within bounds, found by trace and by time."""
import gzip
import json
import os
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import (Case, Collector, JSON_TYPE, PROTO_TYPE, attributes, field, main, request,
                           span)
from stack import SLOW


def record(trace=0, number=0, words="words", severity=9, when=None, **more):
    out = {"timeUnixNano": str(time.time_ns() if when is None else when),
           "severityNumber": severity, "severityText": "info",
           "body": {"stringValue": words}, **more}
    if trace:
        out.update(traceId=f"{trace:032x}", spanId=f"{number:016x}")
    return out


def logs_request(**services):
    return {"resourceLogs": [{"resource": {"attributes": attributes(service__name=name)},
                              "scopeLogs": [{"scope": {"name": "test"}, "logRecords": records}]}
                             for name, records in services.items()]}


def proto_record(trace, words=b"words"):
    return (b"\x09" + time.time_ns().to_bytes(8, "little") + b"\x10\x0d" +
            field(5, field(1, words)) + field(9, trace.to_bytes(16, "big")) +
            field(10, b"\0\0\0\0\0\0\0\1"))


def proto_request(*records, service=b"proto"):
    key_value = field(1, b"service.name") + field(2, field(1, service))
    return field(1, field(1, field(1, key_value)) +
                 field(2, b"".join(field(2, item) for item in records)))


def settled(status):
    return status["logs_open"] == 0 and status["logs_accepted"] == (
        status["logs_stored"] + status["logs_dropped"])


class Logs(Case):
    flags = ("--settle-ms", "50")

    def post(self, body, content_type=JSON_TYPE, **headers):
        return self.collector.post(body, content_type, "/v1/logs", **headers)

    def ask(self, query, count=None):
        """Until there are that many records."""
        deadline = time.monotonic() + 20 * SLOW
        while True:
            status, answer = self.collector.get("/api/culprit/logs?" + query)
            self.assertEqual(status, 200, answer)
            self.assertEqual(answer["schema"], "culprit.logs/1")
            if count is None or len(answer["logs"]) == count or time.monotonic() > deadline:
                return answer["logs"]
            time.sleep(0.02)

    def test_answers_in_the_requests_encoding(self):
        for body, kind, empty in ((proto_request(proto_record(0x11)), PROTO_TYPE, b""),
                                  (json.dumps(logs_request(a=[record(0x11)])), JSON_TYPE, b"{}"),
                                  (b"", PROTO_TYPE, b""), ("{}", JSON_TYPE, b"{}")):
            status, headers, answer = self.post(body, kind)
            self.assertEqual((status, headers["Content-Type"], answer), (200, kind, empty))

    def test_keeps_the_rules_of_traces(self):
        for body, kind, headers, expected in (
                (b"\x0a\xff", PROTO_TYPE, {}, 400), ("{\"resourceLogs\":7}", JSON_TYPE, {}, 400),
                ("x", "text/plain", {}, 415), ("{}", JSON_TYPE, {"Content_Encoding": "br"}, 415),
                (b"no gzip", PROTO_TYPE, {"Content_Encoding": "gzip"}, 400),
                (gzip.compress(proto_request(proto_record(0x12))), PROTO_TYPE,
                 {"Content_Encoding": "gzip"}, 200),
                (b"\0" * (20 * 1024 * 1024 + 1), PROTO_TYPE, {}, 413)):
            status, got, answer = self.post(body, kind, **headers)
            self.assertEqual(status, expected, answer)
            if status != 200 and kind != "text/plain":
                self.assertEqual(got["Content-Type"], kind)
        self.assertEqual(self.collector.request(self.collector.otlp, "GET", "/v1/logs")[0], 405)

    def test_finds_a_traces_records_in_order_with_all_they_say(self):
        now = time.time_ns()
        self.post(logs_request(
            cart=[record(0x21, 2, "second", 17, now + 5, severityText="error",
                         attributes=[{"key": "n", "value": {"intValue": "7"}},
                                     {"key": "t", "value": {"stringValue": "<b>&"}}],
                         eventName="exception", droppedAttributesCount=3)],
            bank=[record(0x21, 1, "first", 9, now)]))
        first, second = self.ask(f"trace_id={0x21:032x}", 2)
        self.assertEqual((first["service"], first["body"]), ("bank", {"stringValue": "first"}))
        self.assertEqual(first["spanId"], f"{1:016x}")
        self.assertEqual(second["traceId"], f"{0x21:032x}")
        self.assertEqual(second["timeUnixNano"], str(now + 5))
        self.assertEqual((second["severityNumber"], second["severityText"]), (17, "error"))
        self.assertEqual(second["scope"], "test")
        self.assertEqual(second["eventName"], "exception")
        self.assertEqual(second["droppedAttributesCount"], 3)
        self.assertEqual(second["attributes"][0], {"key": "n", "value": {"intValue": "7"}})
        self.assertEqual(second["attributes"][1]["value"], {"stringValue": "<b>&"})
        self.assertEqual(self.ask(f"trace_id={0x22:032x}"), [])

    def test_finds_records_by_service_time_and_severity(self):
        self.post(logs_request(clerk=[record(0, 0, f"line {i}", 9 + 4 * (i % 3))
                                      for i in range(30)]))
        self.assertEqual(len(self.ask("service=clerk&last=5m", 30)), 30)
        self.assertEqual(len(self.ask("service=clerk&last=5m&severity=warn")), 20)
        self.assertEqual(len(self.ask("service=clerk&last=5m&severity=17")), 10)
        self.assertEqual(len(self.ask("service=clerk&start=2001-01-01T00:00:00Z"
                                      "&end=2001-01-02T00:00:00Z")), 0)
        self.assertEqual(self.ask("service=nobody&last=5m"), [])
        answer = self.collector.get("/api/culprit/logs?service=clerk&last=5m&limit=5")[1]
        self.assertTrue(answer["truncated"])
        self.assertEqual([log["body"]["stringValue"] for log in answer["logs"]],
                         [f"line {i}" for i in range(29, 24, -1)])
        self.assertNotIn("traceId", answer["logs"][0])

    def test_says_what_is_wrong_with_a_question(self):
        for query, words in (("trace_id=xyz", "trace_id"), ("trace_id=" + "0" * 32, "trace_id"),
                             ("limit=0", "limit"), ("limit=many", "limit"),
                             ("severity=loud", "severity"), ("severity=25", "severity"),
                             ("last=soon", "last"), ("start=now", "start")):
            status, answer = self.collector.get("/api/culprit/logs?" + query)
            self.assertEqual(status, 400, query)
            self.assertIn(words, answer["error"]["message"])

    def test_a_request_that_is_refused_is_not_one_of_spans(self):
        before = self.collector.status()
        self.post(b"\x0a\xff", PROTO_TYPE)
        after = self.collector.status()
        self.assertEqual(after["log_requests_invalid"] - before["log_requests_invalid"], 1)
        self.assertEqual(after["log_requests"] - before["log_requests"], 1)
        self.assertEqual(after["requests_invalid"], before["requests_invalid"])
        self.assertTrue(self.collector.get("/api/culprit/health")[1]["complete"])

    def test_counts_each_record(self):
        before = self.collector.wait(settled)
        self.post(logs_request(counted=[record(0, 0, "x") for _ in range(100)]))
        after = self.collector.wait(
            lambda now: settled(now) and now["logs_accepted"] == before["logs_accepted"] + 100)
        self.assertEqual(after["logs_received"] - before["logs_received"], 100)
        self.assertEqual(after["logs_refused"], before["logs_refused"])
        self.assertEqual(after["logs_dropped"], before["logs_dropped"])
        metrics = self.collector.request(self.collector.query, "GET", "/metrics")[2].decode()
        self.assertIn(f"collector_logs_accepted_total {after['logs_accepted']}\n", metrics)
        self.assertIn(f"collector_logs_kept {after['logs_stored']}\n", metrics)


class Bounds(Case):
    """In a store of 2 MiB, a quarter of it for log records."""
    flags = ("--settle-ms", "50", "--max-bytes", str(2 * 1024 * 1024))

    def test_oldest_records_go_first_and_each_is_counted(self):
        for number in range(40):
            body = logs_request(a=[record(0, 0, f"{number} " + "x" * 2000) for _ in range(20)])
            self.assertEqual(self.collector.post(body, path="/v1/logs")[0], 200)
        status = self.collector.wait(lambda now: now["logs_open"] == 0)
        self.assertEqual(status["logs_accepted"], 800)
        self.assertGreater(status["logs_evicted"], 400)
        self.assertLessEqual(status["store_bytes"], 2 * 1024 * 1024)
        answer = self.collector.get("/api/culprit/logs?last=5m&limit=10000")[1]["logs"]
        self.assertEqual(status["logs_kept"], 800 - status["logs_evicted"])
        self.assertEqual(len(answer), status["logs_kept"])
        self.assertTrue(answer[0]["body"]["stringValue"].startswith("39 "))
        self.assertFalse(any(log["body"]["stringValue"].startswith("0 ") for log in answer))


class Kept(unittest.TestCase):
    def test_keeps_records_of_a_killed_collector(self):
        with tempfile.TemporaryDirectory(prefix="collector-") as directory:
            first = Collector(directory, "--settle-ms", "50")
            try:
                first.post(request(a=[span(0x51, 1)]))
                first.post(logs_request(a=[record(0x51, 1, "kept")]), path="/v1/logs")
                first.wait(lambda now: now["logs_stored"] == 1 and now["spans_stored"] == 1)
            finally:
                first.stop(signal.SIGKILL)
            second = Collector(directory, "--no-ingest")
            try:
                answer = second.get(f"/api/culprit/logs?trace_id={0x51:032x}")[1]["logs"]
                self.assertEqual([log["body"] for log in answer], [{"stringValue": "kept"}])
                self.assertEqual(second.request(second.query, "POST", "/v1/logs", b"")[0], 404)
            finally:
                self.assertEqual(second.stop(), 0)


if __name__ == "__main__":
    main()
