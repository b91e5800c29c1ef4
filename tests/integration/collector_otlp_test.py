#!/usr/bin/env python3
"""OTLP over HTTP as the specification has it, and what hostile senders try."""
import gzip
import json
import os
import signal
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import (Case, JSON_TYPE, PROTO_TYPE, field, main, proto_request, proto_span,
                           request, span, varint)

SANITIZED = os.environ.get("CULPRIT_VARIANT") in ("asan", "tsan")


def parse(body):
    """Fields of a protobuf message: number -> value or bytes."""
    out, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(body):
        tag = number()
        if tag & 7 == 0:
            out[tag >> 3] = number()
        else:
            length = number()
            out[tag >> 3] = body[at:at + length]
            at += length
    return out


def bomb(plain_bytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * (1 << 20)
    out = b"".join(packer.compress(zeros) for _ in range(plain_bytes >> 20))
    return out + packer.flush()


class Otlp(Case):
    flags = ("--settle-ms", "50")

    def test_answers_in_the_requests_encoding(self):
        for body, kind, empty in ((proto_request(proto_span(1, 1)), PROTO_TYPE, b""),
                                  (json.dumps(request(a=[span(1, 1)])), JSON_TYPE, b"{}")):
            status, headers, answer = self.collector.post(body, kind)
            self.assertEqual((status, headers["Content-Type"], answer), (200, kind, empty))

    def test_takes_media_type_parameters_and_case(self):
        status, headers, _ = self.collector.post("{}", "Application/JSON; charset=utf-8")
        self.assertEqual((status, headers["Content-Type"]), (200, JSON_TYPE))

    def test_empty_request_is_success(self):
        self.assertEqual(self.collector.post(b"", PROTO_TYPE)[0], 200)
        self.assertEqual(self.collector.post("{}")[0], 200)

    def test_bad_data_is_400_with_a_status_in_the_requests_encoding(self):
        status, headers, answer = self.collector.post(b"\x0a\xff", PROTO_TYPE)
        self.assertEqual((status, headers["Content-Type"]), (400, PROTO_TYPE))
        self.assertEqual(parse(answer)[1], 3)
        self.assertIn(b"OTLP", parse(answer)[2])
        status, headers, answer = self.collector.post("{\"resourceSpans\":\n7}")
        self.assertEqual((status, headers["Content-Type"]), (400, JSON_TYPE))
        self.assertEqual(json.loads(answer)["code"], 3)
        self.assertIn("line 2", json.loads(answer)["message"])

    def test_refused_spans_are_a_partial_success(self):
        before = self.collector.status()
        bad = span(2, 1)
        bad["traceId"] = "0" * 32
        status, _, answer = self.collector.post(request(a=[span(2, 2), bad]))
        self.assertEqual(status, 200)
        partial = json.loads(answer)["partialSuccess"]
        self.assertEqual(partial["rejectedSpans"], "1")
        self.assertTrue(partial["errorMessage"])
        status, _, answer = self.collector.post(
            proto_request(proto_span(2, 3), field(1, b"short")), PROTO_TYPE)
        self.assertEqual(parse(parse(answer)[1])[1], 1)
        after = self.collector.status()
        self.assertEqual(after["spans_refused"] - before["spans_refused"], 2)
        self.assertEqual(after["spans_accepted"] - before["spans_accepted"], 2)

    def test_other_types_and_codings_are_415(self):
        self.assertEqual(self.collector.post("x", "text/plain")[0], 415)
        self.assertEqual(self.collector.post("{}", Content_Encoding="br")[0], 415)
        self.assertEqual(self.collector.post("{}", Content_Encoding="gzip, gzip")[0], 415)

    def test_reads_gzip_of_one_and_of_many_members(self):
        plain = proto_request(proto_span(3, 1))
        for body in (gzip.compress(plain),
                     gzip.compress(plain[:10]) + gzip.compress(plain[10:])):
            self.assertEqual(
                self.collector.post(body, PROTO_TYPE, Content_Encoding="gzip")[0], 200)

    def test_broken_gzip_is_400(self):
        body = gzip.compress(proto_request(proto_span(3, 2)))
        broken = body[:-8] + bytes([body[-8] ^ 1]) + body[-7:]
        for wrong in (body[:-1], broken, b"no gzip", body + b"x"):
            self.assertEqual(
                self.collector.post(wrong, PROTO_TYPE, Content_Encoding="gzip")[0], 400)

    def test_a_gzip_bomb_costs_its_limit_only(self):
        body = bomb(1 << 30)
        before = self.collector.rss_kib()
        status, headers, answer = self.collector.post(body, PROTO_TYPE, Content_Encoding="gzip")
        self.assertEqual((status, headers["Content-Type"]), (413, PROTO_TYPE))
        self.assertEqual(parse(answer)[1], 8)
        if not SANITIZED:
            self.assertLess(self.collector.rss_kib() - before, (64 + 8) * 1024)

    def test_a_body_over_20_mib_is_413(self):
        status, _, answer = self.collector.post(b"\0" * (20 * 1024 * 1024 + 1), PROTO_TYPE)
        self.assertEqual(status, 413)
        self.assertEqual(parse(answer)[1], 8)

    def test_values_of_any_depth_do_no_harm(self):
        for depth, expected in ((64, 200), (65, 200), (1000000, 200)):
            parts, length = [], 3
            for _ in range(depth - 1):
                for tag in (b"\x0a", b"\x2a"):
                    head = tag + varint(length)
                    parts.append(head)
                    length += len(head)
            value = b"".join(reversed(parts)) + b"\x0a\x01x"
            extra = field(9, field(1, b"k") + field(2, value))
            answer = self.collector.post(proto_request(proto_span(0x40 + depth, 1, extra)),
                                         PROTO_TYPE)
            self.assertEqual(answer[0], expected)
        nested = '{"arrayValue":{"values":[' * 1000000
        body = json.dumps(request(a=[span(4, 1, attributes=[])])).replace(
            '"attributes": []', '"attributes": [{"key":"k","value":' + nested)
        packed = gzip.compress(body.encode())
        self.assertEqual(self.collector.post(packed, Content_Encoding="gzip")[0], 400)
        kept = self.collector.get(f"/api/v3/traces/{0x40 + 64:032x}")[1]
        emptied = self.collector.get(f"/api/v3/traces/{0x40 + 65:032x}")[1]
        self.assertIn('"stringValue": "x"', json.dumps(kept))
        self.assertNotIn('"stringValue": "x"', json.dumps(emptied))

    def test_garbage_is_never_more_than_an_error(self):
        for body in (b"\x0a" + varint(1 << 31), b"\x0a" + varint(1 << 63), b"\xff" * 11,
                     b"\x0a\x05\x12\x03\x12\x01\x0a", b"\x00", b"\x0b", b"{" * 1000,
                     b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"x"}]}]}]}'):
            for kind in (PROTO_TYPE, JSON_TYPE):
                self.assertIn(self.collector.post(body, kind)[0], (200, 400))
        self.assertEqual(self.collector.post("{}")[0], 200)

    def test_unknown_hosts_are_turned_away(self):
        status, _, _ = self.collector.request(self.collector.query, "GET", "/api/services",
                                              headers={"Host": "evil.example"})
        self.assertEqual(status, 421)

    def test_other_methods_are_405(self):
        self.assertEqual(
            self.collector.request(self.collector.otlp, "GET", "/v1/traces")[0], 405)


class Pressure(Case):
    """One MiB for open traces that never settle: the first fill it, the others are turned away."""
    flags = ("--settle-ms", "3600000", "--max-memory", str(1 << 20))

    def test_full_memory_is_503_with_retry_after_and_recovers(self):
        blob = "x" * 100000
        seen = set()
        for number in range(1, 60):
            status, headers, answer = self.collector.post(
                request(a=[span(number, 1, attributes=[
                    {"key": "blob", "value": {"stringValue": blob}}])]))
            seen.add(status)
            if status == 503:
                self.assertEqual(headers["Retry-After"], "1")
                self.assertEqual(json.loads(answer)["code"], 14)
        self.assertIn(200, seen)
        status = self.collector.wait(lambda s: s["open_bytes"] < s["open_bytes_max"] * 3 // 4)
        self.assertEqual(status["spans_received"],
                         status["spans_accepted"] + status["spans_refused"])
        self.assertEqual(self.collector.post(request(a=[span(99, 1)]))[0], 200)


if __name__ == "__main__":
    main()
