#!/usr/bin/env python3
"""A service's propagation from outside, by the contract of the W3C trace-context harness: headers go
in as raw bytes, in odd casing, repeated, with white space; what arrives where the service calls is
compared. Rows of B3 and of the route's own bounds besides."""
import http.server
import json
import re
import socket
import sys
import threading
import time

from sink import Sink
from stack import SLOW, Stack, main

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
GOOD = f"traceparent: 00-{TRACE}-{PARENT}-00"
SENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")
LONG = "k" * 256


class Callbacks:
    """Keeps (path, headers, body) of each request; `pause_s` before it answers with `status`."""

    def __init__(self):
        seen = self.seen = []
        outer = self
        self.pause_s, self.status = 0, 200

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.pause_s)
                seen.append((self.path, self.headers, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/back"):
        return f"http://127.0.0.1:{self.port}{path}"


def post(port, headers, body):
    """Sends the lines as they are; the answer's status and JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = ["POST /test HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            "Accept: application/json", f"Content-Length: {len(data)}", "Connection: close",
            *headers]
    with socket.create_connection(("127.0.0.1", port), 10 * SLOW) as client:
        client.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + data)
        answer = b""
        while part := client.recv(65536):
            answer += part
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(text) if text else None


class Harness:
    """A service started with the route, and what it calls."""

    def __init__(self, **variables):
        self.sink = Sink()
        self.callbacks = Callbacks()
        self.stack = Stack(only=["cart", "catalog"], flags=["--w3c-test"], variables=dict(
            variables, OTEL_SDK_DISABLED="false", OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_EXPORTER_OTLP_ENDPOINT=self.sink.url))
        self.port = self.stack.ports["cart"]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stack.__exit__(kind, value, trace)
        finally:
            self.callbacks.close()
            self.sink.close()

    def ask(self, headers, count=1):
        """Headers of the calls that the service made, after it answered."""
        self.callbacks.seen.clear()
        calls = [{"url": self.callbacks.url(f"/{i}"), "arguments": []} for i in range(count)]
        status, answer = post(self.port, headers, calls)
        assert (status, answer) == (200, {"answered": count}), (headers, status, answer)
        assert [(path, body) for path, _, body in self.callbacks.seen] == \
            [(f"/{i}", b"[]") for i in range(count)], self.callbacks.seen
        return [got for _, got, _ in self.callbacks.seen]


def parent_of(headers):
    """The one valid traceparent: version, trace id, parent id, flags."""
    values = headers.get_all("traceparent", [])
    assert len(values) == 1 and SENT.fullmatch(values[0]), values
    return values[0].split("-")


def state_of(headers):
    """Members over all lines, in order."""
    lines = headers.get_all("tracestate", [])
    return [member.strip() for line in lines for member in line.split(",") if member.strip()]


# ---- whether the trace goes on: (name, headers, goes on)

def parent(version="00", trace=TRACE, span=PARENT, flags="00", more=""):
    return [f"traceparent: {version}-{trace}-{span}-{flags}{more}"]


PARENTS = [
    ("it starts anew without headers", [], False),
    ("it goes on without a tracestate", parent(), True),
    ("it goes on when it is sampled", parent(flags="01"), True),
    ("it starts anew with two parents", parent() + parent(span="1234567890123457"), False),
    ("it starts anew with the same parent twice", parent() * 2, False),
    ("it starts anew with another name",
     [line.replace("traceparent", name) for line in parent()
      for name in ("trace-parent", "trace.parent", "trace_parent")], False),
    *[(f"it knows {name}", [parent()[0].replace("traceparent", name)], True)
      for name in ("TraceParent", "TrAcEpArEnT", "TRACEPARENT")],
    ("it starts anew with version 00 and more", parent(more="-00"), False),
    ("it starts anew with version 00 and a dash", parent(more="-"), False),
    ("it starts anew with version 00 and a dot", parent(more=".what"), False),
    ("it goes on with a later version", parent("cc"), True),
    ("it goes on with a later version and more", parent("cc", more="-what-is-this"), True),
    ("it goes on with a later version and a dash", parent("cc", more="-"), True),
    ("it starts anew with a later version and a dot", parent("cc", more=".what-is-this"), False),
    ("it starts anew with version ff", parent("ff"), False),
    *[(f"it starts anew with version {version!r}", parent(version), False)
      for version in (".0", "0.", "CC", "0x", "000", "0000", "0", "", " 0")],
    *[(f"it starts anew with trace id {trace!r}", parent(trace=trace), False)
      for trace in ("0" * 32, "." + TRACE[1:], TRACE[:-1] + ".", "A" + TRACE[1:], TRACE + "0",
                    TRACE + "01", TRACE[1:], TRACE[2:], "", "g" + TRACE[1:])],
    *[(f"it starts anew with parent id {span!r}", parent(span=span), False)
      for span in ("0" * 16, "." + PARENT[1:], PARENT[:-1] + ".", "F" + PARENT[1:], PARENT + "0",
                   PARENT + "01", PARENT[1:], PARENT[2:], "")],
    *[(f"it starts anew with flags {flags!r}", parent(flags=flags), False)
      for flags in (".0", "0.", "0A", "001", "0100", "1", "")],
    *[(f"it goes on with white space {before!r} {after!r}",
       [f"traceparent:{before}00-{TRACE}-{PARENT}-00{after}"], True)
      for before, after in (("", ""), (" ", " "), ("\t", "\t"), (" \t ", ""), ("", " \t "),
                            ("\t \t", "\t \t"))],
    ("it starts anew with nothing in it", ["traceparent:"], False),
    ("it starts anew with a list", [f"{GOOD},{GOOD[13:]}"], False),
]


def test_it_goes_on_with_valid_parents_alone():
    with Harness() as harness:
        for name, headers, goes_on in PARENTS:
            version, trace, span, _ = parent_of(harness.ask(headers)[0])
            assert version == "00" and span != PARENT, name
            assert (trace == TRACE) == goes_on, (name, trace)


# ---- tracestate: (name, lines beside a good parent, members that are sent on)

def members(count, length=1):
    return [f"k{i:02d}={'v' * length}" for i in range(count)]


ALLOWED_KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
ALLOWED_VALUE = "".join(chr(c) for c in range(0x20, 0x7f) if chr(c) not in ",=")

STATES = [
    ("it passes a list on", ["foo=1,bar=2"], ["foo=1", "bar=2"]),
    ("it drops other names", ["!trace-state: foo=1", "!trace.state: foo=1"], []),
    *[(f"it knows {name}", [f"!{name}: foo=1"], ["foo=1"])
      for name in ("TraceState", "TrAcEsTaTe", "TRACESTATE")],
    ("it takes an empty line", ["foo=1", ""], ["foo=1"]),
    ("it takes an empty line before", ["", "foo=1"], ["foo=1"]),
    ("it takes an empty line alone", [""], []),
    ("it joins lines in order", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
     ["foo=1", "bar=2", "rojo=1", "congo=2", "baz=3"]),
    ("it keeps the first of equal keys", ["foo=1", "foo=1"], ["foo=1"]),
    ("it keeps the first of equal keys with other values", ["foo=1,bar=3,foo=2"],
     ["foo=1", "bar=3"]),
    ("it takes every character of a key", [f"{ALLOWED_KEY}=1"], [f"{ALLOWED_KEY}=1"]),
    ("it takes every character of a key with a tenant", [f"{ALLOWED_KEY}@a-z0-9_-*/=1"],
     [f"{ALLOWED_KEY}@a-z0-9_-*/=1"]),
    ("it takes every character of a value", [f"foo={ALLOWED_VALUE}"], [f"foo={ALLOWED_VALUE}"]),
    ("it takes white space around members", ["foo=1 \t , \t bar=2, \t baz=3"],
     ["foo=1", "bar=2", "baz=3"]),
    ("it takes white space around lines", ["foo=1\t \t", "\t bar=2 \t"], ["foo=1", "bar=2"]),
    ("it takes white space alone between commas", ["foo=1, \t ,,bar=2"], ["foo=1", "bar=2"]),
    *[(f"it drops all for the key {key!r}", [f"foo=1,{key}=2"], [])
      for key in ("foo ", "FOO", "foo.bar", "Foo", "@foo", "@", "_foo", "-foo", "f!", "")],
    *[(f"it takes the key {key!r}", [f"{key}=1"], [f"{key}=1"])
      for key in ("foo@", "foo@@bar", "a@b@c", "0a", "9@x")],
    ("it takes a key of 256", [f"{LONG}=1"], [f"{LONG}=1"]),
    ("it takes a key of 256 with a tenant", [f"{LONG[:241]}@{LONG[:14]}=1"],
     [f"{LONG[:241]}@{LONG[:14]}=1"]),
    ("it drops all for a key of 257", [f"foo=1,{LONG}k=2"], []),
    ("it takes 32 members", [",".join(members(32))], members(32)),
    ("it takes 32 members over lines", members(32), members(32)),
    ("it drops all for 33 members", [",".join(members(33))], []),
    ("it drops all for 33 members over lines", members(33), []),
    ("it drops all for an empty value", ["foo=1,bar="], []),
    ("it drops all for = in a value", ["foo=1,bar=a=b"], []),
    ("it drops all for == ", ["foo=bar=baz"], []),
    ("it drops all for a member without =", ["foo=1,bar"], []),
    ("it drops all for 8-bit text", ["foo=\xfc"], []),
    ("it takes a value of 256", ["foo=" + "v" * 256], ["foo=" + "v" * 256]),
    ("it drops all for a value of 257", ["foo=" + "v" * 257], []),
    ("it keeps 512 characters", [",".join([*members(3, 124), "x=" + "v" * 123])],
     [*members(3, 124), "x=" + "v" * 123]),
    ("it lets the last go at 513", [",".join([*members(3, 124), "x=" + "v" * 124])],
     members(3, 124)),
    ("it lets long members go first beyond 512", [",".join([*members(4, 150), "x=1", "y=2"])],
     [*members(3, 150), "x=1", "y=2"]),
    ("it lets the last go beyond 512", [",".join(members(6, 100))], members(4, 100)),
]


def test_it_passes_valid_states_on():
    with Harness() as harness:
        for name, lines, expected in STATES:
            headers = [line[1:] if line[:1] == "!" else f"tracestate: {line}" for line in lines]
            for order in ([GOOD, *headers], [*headers, GOOD]):
                got = harness.ask(order)[0]
                assert parent_of(got)[1] == TRACE, name
                assert state_of(got) == expected, (name, state_of(got))


def test_it_drops_a_state_without_a_parent():
    with Harness() as harness:
        for headers in (["tracestate: foo=1"], ["tracestate: foo=1", "tracestate: bar=2"],
                        [GOOD, GOOD, "tracestate: foo=1"],
                        parent("ff") + ["tracestate: foo=1"], parent(span="0" * 16) +
                        ["tracestate: foo=1"]):
            got = harness.ask(headers)[0]
            assert parent_of(got)[1] != TRACE and state_of(got) == [], headers


def test_it_gives_each_call_a_parent_of_its_own():
    with Harness() as harness:
        for headers, goes_on in (([GOOD], True), ([], False), (parent("ff"), False)):
            got = [parent_of(each) for each in harness.ask(headers, 3)]
            assert len({span for _, _, span, _ in got}) == 3, got
            assert len({trace for _, trace, _, _ in got}) == 1, got
            assert all((trace == TRACE) == goes_on for _, trace, _, _ in got), got


def test_it_keeps_the_flags():
    with Harness() as harness:
        for given, sent in (("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"),
                            ("04", "00"), ("a5", "01")):
            assert parent_of(harness.ask(parent(flags=given))[0])[3] == sent, given
        assert parent_of(harness.ask([])[0])[3] == "03"


def test_it_lets_no_header_in():
    with Harness() as harness:
        for value, kept in (("k=v%0d%0aX-Evil: 1", False), ("k=v%0d%0aX-Evil:1", True),
                            ("k=\"v", False), ("k=a b", False), ("k=v;p=\xfc", False)):
            got = harness.ask([GOOD, f"baggage: good=1,{value},last=2"])[0]
            assert got["X-Evil"] is None
            assert got.get_all("baggage") == \
                ["good=1,k=v%0d%0aX-Evil:1,last=2" if kept else "good=1,last=2"], value
        status, _ = post(harness.port, [GOOD, "baggage: k=v\rX-Evil: 1"], [])
        assert status == 400, status  # the server takes no bare CR at all
        got = harness.ask([GOOD, "Baggage: a = %C3%BC ; p = 1", "baggage: b=2,,a=3;q"])[0]
        assert got.get_all("baggage") == ["b=2,a=3;q"], got.get_all("baggage")


# ---- B3: (name, headers, trace id or None for a new one, state)

B3_TRACE, B3_SPAN = "463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312"
PADDED = "0" * 16 + B3_TRACE[16:]
MULTI = [f"X-B3-TraceId: {B3_TRACE}", f"x-b3-spanid: {B3_SPAN}"]

B3 = [
    ("it takes b3", [f"b3: {B3_TRACE}-{B3_SPAN}-1"], B3_TRACE, "1"),
    ("it takes B3", [f"B3:\t{B3_TRACE}-{B3_SPAN}-0 "], B3_TRACE, "0"),
    ("it keeps debug", [f"b3: {B3_TRACE}-{B3_SPAN}-d-05e3ac9a4f6e3b90"], B3_TRACE, "d"),
    ("it fills a short id up", [f"b3: {B3_TRACE[16:]}-{B3_SPAN}-1"], PADDED, "1"),
    ("it takes X-B3", MULTI + ["X-B3-Sampled: 1"], B3_TRACE, "1"),
    ("it takes X-B3 unsampled", MULTI + ["X-B3-Sampled: 0", "X-B3-ParentSpanId: x"], B3_TRACE,
     "0"),
    ("it keeps debug of X-B3", MULTI + ["X-B3-Flags: 1"], B3_TRACE, "d"),
    ("it prefers b3", MULTI + [f"b3: {TRACE}-{B3_SPAN}-1"], TRACE, "1"),
    ("it goes on to X-B3 after a bad b3", MULTI + ["X-B3-Sampled: 1", "b3: bad"], B3_TRACE, "1"),
    ("it starts anew with b3: 0", MULTI + ["b3: 0"], None, "1"),
    ("it starts anew with a bad b3", [f"b3: {B3_TRACE}-{B3_SPAN}-2"], None, "1"),
    ("it starts anew with an upper-case id", [f"b3: {B3_TRACE.upper()}-{B3_SPAN}-1"], None, "1"),
    ("it does not look at a traceparent", [GOOD], None, "1"),
]


def test_it_speaks_b3():
    with Harness(OTEL_PROPAGATORS="b3,b3multi,baggage") as harness:
        for name, headers, trace, state in B3:
            got = harness.ask(headers + ["baggage: k=v"])[0]
            sent_trace, span, sent_state = got["b3"].split("-")
            assert sent_state == state and span != B3_SPAN, (name, got["b3"])
            assert sent_trace == trace or (trace is None and sent_trace not in (B3_TRACE, TRACE)), \
                (name, got["b3"])
            assert (got["X-B3-TraceId"], got["X-B3-SpanId"]) == (sent_trace, span), name
            assert (got["X-B3-Sampled"], got["X-B3-Flags"]) == \
                ((None, "1") if state == "d" else (state, None)), name
            assert got["X-B3-ParentSpanId"] is None and got["traceparent"] is None, name
            assert got["baggage"] == "k=v", name


def test_it_passes_on_what_it_does_not_record():
    """A disabled provider makes no spans: what comes in goes on as it is."""
    with Harness() as harness:
        harness.stack.variables["OTEL_SDK_DISABLED"] = "true"
        harness.stack.stop("cart")
        harness.stack.start("cart")
        got = harness.ask([*parent(flags="03"), "tracestate: foo=1", "baggage: k=v"])[0]
        assert parent_of(got) == ["00", TRACE, PARENT, "03"], got
        assert state_of(got) == ["foo=1"] and got["baggage"] == "k=v"
        assert harness.ask([])[0]["traceparent"] is None


# ---- the route itself

def test_it_answers_after_its_calls():
    with Harness() as harness:
        harness.callbacks.pause_s = 0.3
        harness.ask([GOOD], 3)  # looks right after the answer
        harness.callbacks.pause_s, harness.callbacks.status = 0, 500
        harness.ask([GOOD], 2)  # whatever they are answered


def test_it_calls_on_through_others():
    """Arguments of a call are what the next service is asked."""
    with Harness() as harness:
        inner = [{"url": harness.callbacks.url("/inner"), "arguments": [{"a": [[1, None]]}, "x"]}]
        outer = [{"url": f"http://localhost:{harness.stack.ports['catalog']}/test",
                  "arguments": inner}]
        assert post(harness.port, [GOOD, "tracestate: foo=1"], outer)[0] == 200
        path, got, body = harness.callbacks.seen[-1]
        assert path == "/inner" and json.loads(body) == [{"a": [[1, None]]}, "x"]
        assert parent_of(got)[1] == TRACE and state_of(got) == ["foo=1"]


def test_it_refuses_what_it_must():
    with Harness() as harness:
        back = harness.callbacks.url()
        target = {"url": back, "arguments": []}
        rows = [
            (b"", 400), (b"[", 400), (b"{}", 400), (b"1", 400), (b"[" * 100 + b"]" * 100, 400),
            ([1], 400), ([{"arguments": []}], 400), ([{"url": back}], 400),
            ([{"url": 1, "arguments": []}], 400), ([target, {"url": back}], 400),
            ([], 200), ([target] * 32, 200), ([target] * 33, 422), (b" " * 70000, 413),
            ([target, {"url": f"http://127.0.0.1:{free_port()}/", "arguments": []}], 502),
        ]
        for url in ("http://example.com/", "http://10.0.0.1/", "https://127.0.0.1/", "file:///etc",
                    "http://[::2]/", "http://0.0.0.0/", "http://user@127.0.0.1/", "127.0.0.1",
                    "http://127.0.0.1.example.com/", "http://localhost.example.com/", "",
                    "http://169.254.169.254/latest", "gopher://127.0.0.1/", "http://2130706433.x/"):
            rows.append(([target, {"url": url, "arguments": []}], 422))
        for body, expected in rows:
            harness.callbacks.seen.clear()
            status, answer = post(harness.port, [GOOD], body)
            assert status == expected, (body, status, answer)
            if expected not in (200, 502):
                assert harness.callbacks.seen == [], body  # nothing was called


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_it_is_not_there_unless_asked_for():
    callbacks = Callbacks()
    with Stack(only=["cart"]) as stack:
        status, _ = post(stack.ports["cart"], [GOOD],
                         [{"url": callbacks.url(), "arguments": []}])
        assert status == 404 and callbacks.seen == [], status
    callbacks.close()


if __name__ == "__main__":
    sys.exit(main(*[test for name, test in list(globals().items()) if name.startswith("test_")]))
