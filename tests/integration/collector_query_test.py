#!/usr/bin/env python3
"""Jaeger's query APIs over open and stored traces: shapes, aliases, limits, and what is not found."""
import base64
import os
import re
import sys
import time
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import Case, attributes, main, request, span

NOW = time.time_ns()
MINUTE = 60 * 10**9


def rfc3339(ns, zone="Z"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}" + zone


class Query(Case):
    flags = ("--settle-ms", "50")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        front = [span(1, 1, 0, "POST /checkout", 2, NOW, 100),
                 span(1, 2, 1, "POST /pay", 3, NOW, 60, attributes=attributes(server__address="pay")),
                 span(1, 4, 1, "GET /vat", 3, NOW, 20, attributes=attributes(server__address="tax")),
                 span(1, 5, 1, "SELECT", 3, NOW, 1, attributes=attributes(
                     server__address="db", db__system__name="sqlite")),
                 span(1, 6, 1, "publish", 4, NOW, 1)]
        pay = [span(1, 3, 2, "POST /pay", 2, NOW, 50, status={"code": 2, "message": "no"},
                    attributes=attributes(card="visa") +
                    [{"key": "http.response.status_code", "value": {"intValue": "500"}}])]
        note = [span(1, 7, 6, "consume", 5, NOW, 3, links=[
            {"traceId": f"{1:032x}", "spanId": f"{6:016x}"}])]
        cls.collector.post(request(front=front, pay=pay, note=note))
        for number in range(2, 40):
            cls.collector.post(request(front=[
                span(number, 1, 0, "GET /", 2, NOW - number * MINUTE, number)]))
        cls.collector.wait(lambda status: status["spans_stored"] == 7 + 38)

    def traces(self, query):
        status, body = self.collector.get(f"/api/v3/traces?{query}")
        if status == 404:
            return set()
        self.assertEqual(status, 200, body)
        return {item["traceId"] for resource in body["result"]["resourceSpans"]
                for scope in resource["scopeSpans"] for item in scope["spans"]}

    def test_services(self):
        self.assertEqual(self.collector.get("/api/v3/services"),
                         (200, {"services": ["front", "note", "pay"]}))
        body = self.collector.get("/api/services")[1]
        self.assertEqual((body["data"], body["total"], body["errors"]),
                         (["front", "note", "pay"], 3, None))

    def test_operations(self):
        body = self.collector.get("/api/v3/operations?service=pay")[1]
        self.assertEqual(body, {"operations": [{"name": "POST /pay", "spanKind": "server"}]})
        for name in ("spanKind", "span_kind"):
            body = self.collector.get(f"/api/v3/operations?service=front&{name}=server")[1]
            self.assertEqual([item["name"] for item in body["operations"]],
                             ["GET /", "POST /checkout"])
        self.assertEqual(self.collector.get("/api/v3/operations")[0], 400)
        self.assertEqual(self.collector.get("/api/v3/operations?service=a&span_kind=x")[0], 400)
        self.assertEqual(self.collector.get("/api/v3/operations?service=nobody"),
                         (200, {"operations": []}))
        self.assertEqual(self.collector.get("/api/services/pay/operations")[1]["data"],
                         ["POST /pay"])
        self.assertEqual(self.collector.get("/api/operations?service=pay")[1]["data"],
                         [{"name": "POST /pay", "spanKind": "server"}])

    def test_a_trace_by_every_form_of_its_id(self):
        for text in (f"{1:032x}", "1", base64.b64encode((1).to_bytes(16, "big")).decode(),
                     base64.b64encode((1).to_bytes(16, "big")).decode().rstrip("=")):
            status, body = self.collector.get(f"/api/v3/traces/{quote(text, safe='')}")
            self.assertEqual(status, 200, text)
            self.assertEqual(len(body["result"]["resourceSpans"]), 3)
        data = self.collector.get(f"/api/traces/{1:032x}")[1]["data"]
        self.assertEqual((len(data), len(data[0]["spans"])), (1, 7))
        tags = {tag["key"]: tag for item in data[0]["spans"] if item["operationName"] == "POST /pay"
                for tag in item["tags"] if data[0]["processes"][item["processID"]]["serviceName"]
                == "pay"}
        self.assertEqual(tags["error"], {"key": "error", "type": "bool", "value": True})
        self.assertEqual(tags["span.kind"]["value"], "server")
        self.assertEqual(tags["otel.status_code"]["value"], "ERROR")
        self.assertEqual(tags["otel.status_description"]["value"], "no")
        self.assertEqual(tags["http.response.status_code"],
                         {"key": "http.response.status_code", "type": "int64", "value": 500})

    def test_a_trace_that_is_not_there(self):
        self.assertEqual(self.collector.get(f"/api/v3/traces/{77:032x}"),
                         (404, {"error": {"httpCode": 404, "message": "no trace found"}}))
        status, body = self.collector.get(f"/api/traces/{77:032x}")
        self.assertEqual((status, body["data"], body["errors"]),
                         (404, None, [{"code": 404, "msg": "trace not found"}]))
        for wrong in ("zz", "0" * 32, "1" * 33):
            self.assertEqual(self.collector.get(f"/api/v3/traces/{wrong}")[0], 400)
            self.assertEqual(self.collector.get(f"/api/traces/{wrong}")[0], 400)

    def test_search_by_everything(self):
        one = {f"{1:032x}"}
        window = (f"query.start_time_min={rfc3339(NOW - MINUTE // 2)}"
                  f"&query.start_time_max={rfc3339(NOW + MINUTE)}")
        self.assertEqual(self.traces(f"query.service_name=front&{window}"), one)
        self.assertEqual(self.traces("query.serviceName=front&query.operationName=SELECT"), one)
        self.assertEqual(self.traces("query.service_name=pay&query.duration_min=50ms"), one)
        self.assertEqual(self.traces("query.service_name=pay&query.durationMax=49.9ms"), set())
        self.assertEqual(self.traces("query.service_name=nobody"), set())
        self.assertEqual(self.traces("query.service_name=front&query.operation_name=none"), set())
        for tags in ('{"card":"visa"}', '{"http.response.status_code":"500"}', '{"error":"true"}',
                     '{"service.name":"pay"}', '{"card":"visa","error":true}'):
            self.assertEqual(
                self.traces(f"query.service_name=pay&query.attributes={quote(tags)}"), one, tags)
        other = quote('{"card":"x"}')
        self.assertEqual(self.traces(f"query.service_name=pay&query.attributes={other}"), set())

    def test_search_limits(self):
        for name in ("num_traces", "numTraces", "search_depth", "searchDepth"):
            self.assertEqual(len(self.traces(f"query.service_name=front&query.{name}=3")), 3)
        self.assertEqual(len(self.traces("query.service_name=front")), 20)
        self.assertEqual(len(self.traces("query.service_name=front&query.num_traces=1000000000")),
                         39)
        newest = self.traces("query.service_name=front&query.num_traces=2")
        self.assertEqual(newest, {f"{1:032x}", f"{2:032x}"})

    def test_times_in_every_spelling(self):
        late = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW // 10**9 - 3600))
        for text in (f"{late}Z", f"{late}.5Z", f"{late}%2B00:00", f"{late}+00:00", f"{late}-00:00"):
            self.assertEqual(len(self.traces(
                f"query.service_name=front&query.num_traces=99&query.start_time_min={text}")), 39)

    def test_wrong_parameters_are_400(self):
        for query in ("query.start_time_min=yesterday", "query.duration_min=10",
                      "query.num_traces=-1", "query.num_traces=0", "query.attributes=x",
                      "query.attributes=%7B%22a%22:%7B%7D%7D"):
            status, body = self.collector.get(f"/api/v3/traces?query.service_name=a&{query}")
            self.assertEqual((status, body["error"]["httpCode"]), (400, 400), query)
        for query in ("", "service=a&start=x", "service=a&minDuration=1", "service=a&limit=x",
                      "service=a&tags=x", "service=a&tag=x"):
            self.assertEqual(self.collector.get(f"/api/traces?{query}")[0], 400, query)

    def test_legacy_search(self):
        start, end = (NOW - MINUTE // 2) // 1000, (NOW + MINUTE) // 1000
        for query in (f"service=front&start={start}&end={end}&limit=5", "service=pay&tag=card:visa",
                      "service=pay&tags=%7B%22error%22%3A%22true%22%7D&minDuration=10ms"):
            data = self.collector.get(f"/api/traces?{query}")[1]["data"]
            self.assertEqual([trace["traceID"] for trace in data], [f"{1:032x}"], query)
        status, body = self.collector.get("/api/traces?service=nobody")
        self.assertEqual((status, body["data"]), (200, []))

    def test_summaries(self):
        body = self.collector.get("/api/v3/trace-summaries?query.service_name=pay")[1]
        summary = body["summaries"][0]
        self.assertEqual(
            {key: summary[key] for key in ("traceId", "rootServiceName", "rootOperationName",
                                           "spanCount", "errorSpanCount", "orphanSpanCount")},
            {"traceId": f"{1:032x}", "rootServiceName": "front",
             "rootOperationName": "POST /checkout", "spanCount": 7, "errorSpanCount": 1,
             "orphanSpanCount": 0})
        self.assertEqual(summary["minStartTimeUnixNano"], str(NOW))
        self.assertEqual(self.collector.get("/api/v3/trace-summaries?query.service_name=nobody"),
                         (200, {"summaries": []}))

    def test_dependencies(self):
        expected = [{"parent": "front", "child": "note", "callCount": 1},
                    {"parent": "front", "child": "pay", "callCount": 1},
                    {"parent": "front", "child": "tax", "callCount": 1}]
        now_ms = int(time.time() * 1000)
        body = self.collector.get(f"/api/dependencies?endTs={now_ms}&lookback=3600000")[1]
        self.assertEqual(body["data"], expected)
        self.assertEqual(self.collector.get("/api/v3/dependencies")[1]["dependencies"],
                         [{**edge, "callCount": "1"} for edge in expected])
        old = self.collector.get(f"/api/dependencies?endTs={now_ms - 7200000}&lookback=1000")[1]
        self.assertEqual(old["data"], [])
        self.assertEqual(self.collector.get("/api/dependencies?endTs=x")[0], 400)

    def test_the_page_is_plain_and_strict(self):
        self.collector.post(request(**{"<script>alert(1)</script>": [span(500, 1)]}))
        status, headers, body = self.collector.request(self.collector.query, "GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn(b"alert(1)", body)
        self.assertEqual(re.findall(rb"<script(?! type=\"module\" src=\"/assets/)", body), [])
        self.assertNotIn(b"http://", body)


class Moving(Case):
    """Traces that are open, that spans come late to, that are sent twice."""
    flags = ("--settle-ms", "300")

    def spans(self, trace):
        status, body = self.collector.get(f"/api/v3/traces/{trace:032x}")
        if status == 404:
            return []
        return [item["spanId"] for resource in body["result"]["resourceSpans"]
                for scope in resource["scopeSpans"] for item in scope["spans"]]

    def test_open_traces_answer_at_once(self):
        self.collector.post(request(early=[span(1, 1, name="first")]))
        self.assertEqual(len(self.spans(1)), 1)
        self.assertIn("early", self.collector.get("/api/v3/services")[1]["services"])
        body = self.collector.get("/api/v3/operations?service=early")[1]
        self.assertEqual([item["name"] for item in body["operations"]], ["first"])
        body = self.collector.get("/api/v3/trace-summaries?query.service_name=early")[1]
        self.assertEqual(len(body["summaries"]), 1)

    def test_late_spans_join_their_trace(self):
        stored = self.collector.status()["spans_stored"]
        self.collector.post(request(late=[span(2, 1)]))
        self.collector.wait(lambda status: status["spans_stored"] > stored and
                            status["spans_open"] == 0)
        self.collector.post(request(late=[span(2, 2, 1)]))
        self.assertEqual(sorted(self.spans(2)), [f"{1:016x}", f"{2:016x}"])
        self.collector.wait(lambda status: status["spans_open"] == 0)
        self.assertEqual(sorted(self.spans(2)), [f"{1:016x}", f"{2:016x}"])
        body = self.collector.get("/api/v3/trace-summaries?query.service_name=late")[1]
        self.assertEqual([item["spanCount"] for item in body["summaries"]], [2])

    def test_a_batch_sent_twice_shows_once(self):
        batch = request(twice=[span(3, 1), span(3, 2, 1)])
        self.collector.post(batch)
        self.collector.post(batch)
        self.assertEqual(len(self.spans(3)), 2)
        self.collector.wait(lambda status: status["spans_open"] == 0)
        self.collector.post(batch)
        self.assertEqual(len(self.spans(3)), 2)

    def test_never_gone_on_the_way_to_the_store(self):
        for number in range(100, 120):
            self.collector.post(request(way=[span(number, 1)]))
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            for number in range(100, 120):
                self.assertEqual(len(self.spans(number)), 1)

    def test_a_trace_of_80000_spans(self):
        for part in range(8):
            first = part * 10000 + 1
            self.assertEqual(self.collector.post(request(big=[
                span(4, number, 1 if number > 1 else 0) for number in
                range(first, first + 10000)]))[0], 200)
        self.assertEqual(len(self.spans(4)), 80000)
        self.collector.wait(lambda status: status["spans_open"] == 0, 60)
        self.assertEqual(len(set(self.spans(4))), 80000)

    def test_a_name_that_is_too_long_is_no_empty_name(self):
        self.collector.post(request(**{"x" * 10000: [span(5, 1)], "short": [span(6, 1)]}))
        self.collector.wait(lambda status: status["spans_open"] == 0)
        services = self.collector.get("/api/v3/services")[1]["services"]
        self.assertIn("short", services)
        self.assertNotIn("", services)

    def test_hostile_times_do_no_harm(self):
        top = 2**64 - 1
        for number, (start, end) in enumerate(((0, 0), (top, top), (5, 1), (0, top))):
            item = span(200 + number, 1)
            item["startTimeUnixNano"], item["endTimeUnixNano"] = str(start), str(end)
            item["parentSpanId"] = item["spanId"]
            self.assertEqual(self.collector.post(request(odd=[item]))[0], 200)
        self.collector.wait(lambda status: status["spans_open"] == 0)
        for number in range(200, 204):
            self.assertEqual(len(self.spans(number)), 1)
        body = self.collector.get("/api/v3/trace-summaries?query.service_name=odd")[1]
        self.assertEqual(len(body["summaries"]), 4)


if __name__ == "__main__":
    main()
