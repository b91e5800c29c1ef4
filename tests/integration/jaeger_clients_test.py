#!/usr/bin/env python3
"""What Jaeger's own page (old and new) and Grafana's Jaeger data source ask, request by request, and
the answer that each must get: status, type, envelope, and what of it the client reads.

A row: who asks; method and path as they write it; status; a check of the body, named as what it
holds. Paths are formatted with the names of `words`."""
import base64
import json
import os
import re
import sys
import time
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import Case, attributes, main, request, span

NOW = time.time_ns() // 1000 * 1000 - 60 * 10**9
ONE, TWO, THREE = (f"{number:032x}" for number in (1, 2, 3))
NOT_THERE = f"{77:032x}"
HEX16, HEX32 = re.compile(r"(?!0+$)[0-9a-f]{16}"), re.compile(r"(?!0+$)[0-9a-f]{32}")
TAG_TYPES = {"string": str, "bool": bool, "int64": (int, str), "float64": (int, float),
             "binary": str}
FILE = json.dumps(request(front=[span(9, 1, 0, "GET /", 2, NOW, 5)],
                          pay=[span(10, 1, 0, "POST /pay", 2, NOW, 5),
                               span(9, 2, 1, "POST /pay", 2, NOW, 5)])).encode()


def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


# ---- the older API's answers


def enveloped(body, data, total=0, errors=None):
    assert set(body) == {"data", "total", "limit", "offset", "errors"}, body
    assert (body["total"], body["limit"], body["offset"]) == (total, 0, 0), body
    assert body["errors"] == errors, body
    assert body["data"] == data, body


def data_is(*data):
    return lambda body: enveloped(body, list(data), len(data))


def refused(code, words):
    """As Jaeger's page shows it: errors[].msg, under the status it came with."""
    def check(body):
        assert body["data"] is None and len(body["errors"]) == 1, body
        assert body["errors"][0]["code"] == code and words in body["errors"][0]["msg"], body
    return check


def is_tag(tag):
    assert set(tag) == {"key", "type", "value"}, tag
    assert isinstance(tag["value"], TAG_TYPES[tag["type"]]), tag


def is_legacy_span(item, trace):
    for key, kind in (("traceID", str), ("spanID", str), ("processID", str), ("startTime", int),
                      ("operationName", str), ("duration", int), ("references", list),
                      ("tags", list), ("logs", list), ("flags", int)):
        assert type(item[key]) is kind, (key, item)
    assert HEX32.fullmatch(item["traceID"]) and HEX16.fullmatch(item["spanID"])
    assert item["traceID"] == trace["traceID"] and item["processID"] in trace["processes"]
    assert item["warnings"] is None or isinstance(item["warnings"], list)
    assert NOW // 1000 <= item["startTime"] < NOW // 1000 + 10**6, "not microseconds"
    for reference in item["references"]:
        assert reference["refType"] in ("CHILD_OF", "FOLLOWS_FROM")
        assert HEX32.fullmatch(reference["traceID"]) and HEX16.fullmatch(reference["spanID"])
    for tag in item["tags"] + [tag for log in item["logs"] for tag in log["fields"]]:
        is_tag(tag)
    for log in item["logs"]:
        assert type(log["timestamp"]) is int


def is_legacy_trace(trace):
    assert trace["spans"] and HEX32.fullmatch(trace["traceID"])
    for item in trace["spans"]:
        is_legacy_span(item, trace)
    for process in trace["processes"].values():
        assert isinstance(process["serviceName"], str)
        for tag in process["tags"]:
            is_tag(tag)


def traces_are(*ids, missing=()):
    """Those traces; for each that is asked for by name and not there an error, and status 200."""
    def check(body):
        for trace in body["data"]:
            is_legacy_trace(trace)
        errors = [{"msg": "trace not found", "traceID": one} for one in missing] or None
        enveloped(body, body["data"], 0, errors)
        assert sorted(trace["traceID"] for trace in body["data"]) == sorted(ids), body
    return check


def the_checkout(body):
    """What the pages draw: parents, kinds, errors, logs, attributes with their types."""
    traces_are(ONE)(body)
    trace = body["data"][0]
    by_id = {item["spanID"]: item for item in trace["spans"]}
    pay = by_id[f"{3:016x}"]
    assert trace["processes"][pay["processID"]]["serviceName"] == "pay"
    assert pay["references"] == [{"refType": "CHILD_OF", "traceID": ONE, "spanID": f"{2:016x}"}]
    assert (pay["startTime"], pay["duration"]) == (NOW // 1000 + 1000, 50000)
    tags = {tag["key"]: (tag["type"], tag["value"]) for tag in pay["tags"]}
    for key, wanted in (("span.kind", ("string", "server")), ("error", ("bool", True)),
                        ("otel.status_code", ("string", "ERROR")),
                        ("otel.status_description", ("string", "no")),
                        ("http.response.status_code", ("int64", 500)), ("big", ("int64", str(2**60))),
                        ("ratio", ("float64", 0.5)), ("otel.scope.name", ("string", "test"))):
        assert tags[key] == wanted, (key, tags)
    log = pay["logs"][0]
    assert log["timestamp"] == NOW // 1000 + 2000
    assert {"key": "exception.message", "type": "string", "value": "reset"} in log["fields"]
    assert by_id[f"{1:016x}"]["references"] == []


def edges_are(*edges):
    return lambda body: enveloped(body, [
        {"parent": parent, "child": child, "callCount": count} for parent, child, count in edges],
        len(edges) and 0)


# ---- v3


def same(expected):
    def check(body):
        assert body == expected, body
    return check


def refused_v3(code, words):
    def check(body):
        assert set(body) == {"error"} and body["error"]["httpCode"] == code, body
        assert words in body["error"]["message"], body
    return check


def is_value(value):
    kind, inner = next(iter(value.items()))
    assert len(value) == 1
    assert isinstance(inner, {"stringValue": str, "boolValue": bool, "intValue": str,
                              "doubleValue": (int, float), "arrayValue": dict, "kvlistValue": dict,
                              "bytesValue": str}[kind]), value


def is_otlp_span(item):
    assert HEX32.fullmatch(item["traceId"]) and HEX16.fullmatch(item["spanId"])
    assert item.get("parentSpanId") is None or HEX16.fullmatch(item["parentSpanId"])
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(item[key], str) and 0 <= int(item[key]) < 2**64
    assert type(item.get("kind", 0)) is int and type(item.get("status", {}).get("code", 0)) is int
    for event in item.get("events", []):
        assert isinstance(event["timeUnixNano"], str)
    for link in item.get("links", []):
        assert HEX32.fullmatch(link["traceId"]) and HEX16.fullmatch(link["spanId"])
    for one in item.get("attributes", []):
        is_value(one["value"])


def spans_of(*ids):
    """{"result":{"resourceSpans":[...]}} by the rules of the page's schemas."""
    def check(body):
        assert set(body) == {"result"}, body
        found = set()
        for resource in body["result"]["resourceSpans"]:
            assert [one["value"]["stringValue"] for one in resource["resource"]["attributes"]
                    if one["key"] == "service.name"]
            for scope in resource["scopeSpans"]:
                for item in scope["spans"]:
                    is_otlp_span(item)
                    found.add(item["traceId"])
        assert found == set(ids), found
    return check


def summaries_of(*ids):
    def check(body):
        assert set(body) == {"summaries"}, body
        assert [one["traceId"] for one in body["summaries"]] == list(ids), body
        for one in body["summaries"]:
            for key in ("spanCount", "errorSpanCount", "orphanSpanCount"):
                assert type(one[key]) is int
            for key in ("minStartTimeUnixNano", "maxEndTimeUnixNano"):
                assert isinstance(one[key], str) and one[key].isdigit()
            for service in one["services"]:
                assert isinstance(service["name"], str) and type(service["spanCount"]) is int
    return check


OLD, NEW, GRAFANA = "Jaeger's page up to v1 and early v2", "Jaeger's page of 2026", "Grafana"
GRAFANA_V3 = "Grafana over v3"

ROWS = [
    # lists for the search form; Grafana's "save and test" is the first of them
    (OLD, "GET", "/api/services", 200, data_is("a/b c", "front", "pay")),
    (GRAFANA, "GET", "/api/services", 200, data_is("a/b c", "front", "pay")),
    (OLD, "GET", "/api/services/front/operations", 200,
     data_is("GET /", "POST /checkout", "POST /pay")),
    (OLD, "GET", "/api/operations?service=a%2Fb%20c", 200,
     data_is({"name": "odd", "spanKind": "internal"})),
    # every server here refuses a path that hides a slash; both other ways to ask take such a name
    (OLD, "GET", "/api/services/a%2Fb%20c/operations", 400, None),
    (GRAFANA, "GET", "/api/services/nobody/operations", 200, data_is()),
    (OLD, "GET", "/api/operations?service=front&spanKind=server", 200,
     data_is({"name": "GET /", "spanKind": "server"},
             {"name": "POST /checkout", "spanKind": "server"})),
    (OLD, "GET", "/api/operations", 400, refused(400, "parameter 'service' is required")),

    # search
    (OLD, "GET", "/api/traces?end={end_us}&limit=20&lookback=1h&maxDuration&minDuration"
     "&service=front&start={start_us}", 200, traces_are(ONE, TWO)),
    (OLD, "GET", "/api/traces?end={end_us}&limit=1&lookback=1h&maxDuration=&minDuration="
     "&service=front&start={start_us}", 200, traces_are(TWO)),
    (OLD, "GET", "/api/traces?limit=20&lookback=custom&maxDuration=1.5s&minDuration=100us"
     "&operation=POST%20%2Fcheckout&service=front&start={start_us}&end={end_us}"
     "&tags=%7B%22http.response.status_code%22%3A%22200%22%7D", 200, traces_are(ONE)),
    (OLD, "GET", "/api/traces?service=pay&tag=error%3Atrue&tag=card%3Avisa", 200, traces_are(ONE)),
    (OLD, "GET", "/api/traces?service=pay&tag=error%3Atrue&tag=card%3Aother", 200, traces_are()),
    (GRAFANA, "GET", "/api/traces?end={end_us}&limit=20&minDuration=1ms&operation=POST+%2Fcheckout"
     "&service=front&start={start_us}&tags=%7B%22http.response.status_code%22%3A%22200%22%7D", 200,
     traces_are(ONE)),
    (GRAFANA, "GET", "/api/traces?service=front&start=1&end=2", 200, traces_are()),
    (OLD, "GET", "/api/traces?limit=20", 400, refused(400, "parameter 'service' is required")),
    (OLD, "GET", "/api/traces?service=front&minDuration=2s&maxDuration=1s", 400,
     refused(400, "maxDuration")),
    (OLD, "GET", "/api/traces?service=front&minDuration=ten", 400, refused(400, "minDuration")),
    (OLD, "GET", "/api/traces?service=front&tag=loose", 400, refused(400, "key:value")),
    (OLD, "GET", "/api/traces?service=front&tags=%7B", 400, refused(400, "JSON")),

    # by id; several at once is how the old page compares
    (OLD, "GET", "/api/traces/" + ONE, 200, the_checkout),
    (OLD, "GET", "/api/traces/" + ONE + "?prettyPrint=true", 200, the_checkout),
    (OLD, "GET", "/api/traces/" + ONE + "?raw=true&prettyPrint=true", 200, the_checkout),
    (OLD, "GET", "/api/traces/1", 200, the_checkout),
    (GRAFANA, "GET", "/api/traces/" + ONE + "?end={end_us}&start={start_us}", 200, the_checkout),
    (GRAFANA, "GET", "/api/traces/" + NOT_THERE, 404, refused(404, "trace not found")),
    (OLD, "GET", "/api/traces/zz", 400, refused(400, "hex")),
    (OLD, "GET", f"/api/traces?traceID={ONE}&traceID={TWO}", 200, traces_are(ONE, TWO)),
    (OLD, "GET", f"/api/traces?traceID={NOT_THERE}&traceID={TWO}", 200,
     traces_are(TWO, missing=[NOT_THERE])),
    (OLD, "GET", f"/api/traces?traceID={ONE}&traceID=zz", 400, refused(400, "traceID")),

    # the graph of services; Grafana's node graph
    (OLD, "GET", "/api/dependencies?endTs={end_ms}&lookback=604800000", 200,
     edges_are(("front", "pay", 1))),
    (GRAFANA, "GET", "/api/dependencies?endTs={end_ms}&lookback=3600000", 200,
     edges_are(("front", "pay", 1))),
    (OLD, "GET", "/api/dependencies?endTs={end_ms}&lookback=3600000&service=pay", 200,
     edges_are(("front", "pay", 1))),
    (OLD, "GET", "/api/dependencies?endTs={end_ms}&lookback=3600000&service=other", 200,
     edges_are()),
    (GRAFANA, "GET", "/api/dependencies?endTs=1000&lookback=1000", 200, edges_are()),
    (OLD, "GET", "/api/dependencies?endTs=x", 400, refused(400, "endTs")),

    # what a Jaeger without that part answers: the page hides it on 501
    (OLD, "GET", "/api/metrics/latencies?service=front&quantile=0.95&endTs={end_ms}"
     "&lookback=3600000&step=60000&ratePer=600000&spanKind=server&groupByOperation=true", 501,
     refused(501, "metrics")),
    (OLD, "GET", "/api/metrics/calls?service=front&endTs={end_ms}", 501, refused(501, "metrics")),
    (OLD, "GET", "/api/metrics/errors?service=front&endTs={end_ms}", 501, refused(501, "metrics")),
    (OLD, "GET", "/api/metrics/minstep", 501, refused(501, "metrics")),
    (OLD, "GET", "/api/quality-metrics?hours=1&service=front", 501, refused(501, "metrics")),
    (OLD, "POST", "/api/archive/" + ONE, 501, refused(501, "archive")),
    (OLD, "GET", "/api/throughput?service=front", 404, None),

    # a file that somebody opens in the page
    (OLD, "POST", "/api/transform", 200, traces_are(f"{9:032x}", f"{10:032x}")),

    (NEW, "GET", "/api/v3/services", 200, same({"services": ["a/b c", "front", "pay"]})),
    (NEW, "GET", "/api/v3/operations?service=pay", 200,
     same({"operations": [{"name": "POST /pay", "spanKind": "server"}]})),
    (NEW, "GET", "/api/v3/operations?service=a%2Fb%20c", 200,
     same({"operations": [{"name": "odd", "spanKind": "internal"}]})),
    (NEW, "GET", "/api/v3/operations?service=nobody", 200, same({"operations": []})),
    (NEW, "GET", "/api/v3/operations", 400, refused_v3(400, "service")),
    (NEW, "GET", "/api/v3/trace-summaries?query.service_name=front&query.start_time_min={start}"
     "&query.start_time_max={end}&query.num_traces=20", 200, summaries_of(TWO, ONE)),
    (NEW, "GET", "/api/v3/trace-summaries?query.service_name=front&query.span_name=GET+%2F"
     "&query.start_time_min={start}&query.start_time_max={end}", 200, summaries_of(TWO)),
    (NEW, "GET", "/api/v3/trace-summaries?query.serviceName=front&query.operationName=GET+%2F"
     "&query.startTimeMin={start}&query.startTimeMax={end}&query.searchDepth=20"
     "&query.durationMin=1ms&query.durationMax=1.5s", 200, summaries_of(TWO)),
    (NEW, "GET", "/api/v3/trace-summaries?query.service_name=front&query.attributes="
     "%7B%22http.response.status_code%22%3A%22200%22%7D", 200, summaries_of(ONE)),
    (NEW, "GET", "/api/v3/trace-summaries?query.service_name=nobody", 200, same({"summaries": []})),
    (NEW, "GET", "/api/v3/traces/" + ONE, 200, spans_of(ONE)),
    (NEW, "GET", "/api/v3/traces/" + quote(base64.b64encode(bytes.fromhex(ONE)).decode(), safe=""),
     200, spans_of(ONE)),
    (NEW, "GET", "/api/v3/traces/" + NOT_THERE, 404, refused_v3(404, "no trace found")),
    (NEW, "GET", "/api/v3/traces/zz", 400, refused_v3(400, "trace id")),
    (NEW, "GET", "/api/v3/dependencies?startTime={start}&endTime={end}", 200,
     same({"dependencies": [{"parent": "front", "child": "pay", "callCount": "1"}]})),
    (NEW, "GET", "/api/v3/dependencies?start_time={end}&end_time={start}", 400,
     refused_v3(400, "endTime")),

    (GRAFANA_V3, "GET", "/api/v3/services", 200, same({"services": ["a/b c", "front", "pay"]})),
    (GRAFANA_V3, "GET", "/api/v3/traces?query.operation_name=POST+%2Fcheckout"
     "&query.service_name=front&query.start_time_min={start}&query.start_time_max={end}", 200,
     spans_of(ONE)),
    (GRAFANA_V3, "GET", "/api/v3/traces?query.service_name=front"
     "&query.start_time_min={start_offset}&query.start_time_max={end_offset}", 200,
     spans_of(ONE, TWO)),
    (GRAFANA_V3, "GET", "/api/v3/traces?query.service_name=nobody&query.start_time_min={start}"
     "&query.start_time_max={end}", 404, refused_v3(404, "no traces found")),
    (GRAFANA_V3, "GET", "/api/v3/traces/" + ONE + "?start_time={start}&end_time={end}", 200,
     spans_of(ONE)),
]


class Clients(Case):
    flags = ("--settle-ms", "50")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        status = [{"key": "http.response.status_code", "value": {"intValue": "200"}}]
        pay = attributes(card="visa", exception__type="io") + [
            {"key": "http.response.status_code", "value": {"intValue": "500"}},
            {"key": "big", "value": {"intValue": str(2**60)}},
            {"key": "ratio", "value": {"doubleValue": 0.5}}]
        cls.collector.post(request(
            front=[span(1, 1, 0, "POST /checkout", 2, NOW, 100, attributes=status),
                   span(1, 2, 1, "POST /pay", 3, NOW, 60)],
            pay=[span(1, 3, 2, "POST /pay", 2, NOW + 10**6, 50, attributes=pay,
                      status={"code": 2, "message": "no"}, events=[
                          {"name": "exception", "timeUnixNano": str(NOW + 2 * 10**6),
                           "attributes": attributes(exception__message="reset")}])]))
        cls.collector.post(request(front=[span(2, 1, 0, "GET /", 2, NOW + 10**8, 10)]))
        cls.collector.post(request(**{"a/b c": [span(3, 1, 0, "odd", 0, NOW + 10**7, 1)]}))
        cls.collector.wait(lambda status: status["spans_stored"] == 5)
        start, end = NOW - 60 * 10**9, NOW + 60 * 10**9
        cls.words = {
            "start": rfc3339(start), "end": rfc3339(end), "start_us": start // 1000,
            "end_us": end // 1000, "end_ms": end // 10**6,
            # with a zone, and not encoded: the '+' comes as it is
            "start_offset": rfc3339(start)[:-1] + "+00:00", "end_offset": rfc3339(end)[:-1] + "+00:00"}

    def test_rows(self):
        for client, method, path, status, check in ROWS:
            path = re.sub(r"\{(\w+)\}", lambda found: str(self.words[found.group(1)]), path)
            with self.subTest(f"{client}: {method} {path}"):
                answered, headers, body = self.collector.request(
                    self.collector.query, method, path,
                    FILE if path == "/api/transform" else None)
                self.assertEqual(answered, status, body)
                self.assertEqual(headers["Content-Type"], "application/json")
                if check:
                    check(json.loads(body))

    def test_pretty_print_is_for_people(self):
        for words, lines in (("", False), ("?prettyPrint=false", False), ("?prettyPrint=true", True)):
            body = self.collector.request(self.collector.query, "GET", f"/api/traces/{ONE}{words}")[2]
            self.assertEqual(body.count(b"\n") > 50, lines, words)

    def test_a_file_that_is_none(self):
        for body, status in ((b"{", 400), (b"", 400), (b"[]", 400), (b'{"resourceSpans":[]}', 200)):
            with self.subTest(body):
                answered, _, answer = self.collector.request(
                    self.collector.query, "POST", "/api/transform", body)
                self.assertEqual(answered, status, answer)
                self.assertIn("data", json.loads(answer))
        self.assertEqual(self.collector.status()["spans_received"], 5)

    def test_at_most_so_many_ids(self):
        for count, status in ((64, 200), (65, 400)):
            query = "&".join([f"traceID={ONE}"] * count)
            self.assertEqual(self.collector.get(f"/api/traces?{query}")[0], status)


if __name__ == "__main__":
    main()
