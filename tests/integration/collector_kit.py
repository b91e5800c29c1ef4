"""What the collector's tests share: a real collector on free ports, and OTLP spans to send it."""
import collections
import gzip
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from stack import BIN, ROOT, SLOW

START_S = 20 * SLOW
JSON_TYPE = "application/json"
PROTO_TYPE = "application/x-protobuf"


class Collector:
    """Ended by stop(); the directory is the caller's."""

    def __init__(self, directory, *flags):
        self.directory = directory
        self.log = open(f"{directory}/collector.log", "ab+")
        at = self.log.tell()
        self.process = subprocess.Popen(
            [f"{BIN}/collector", "--listen", "127.0.0.1:0", "--query", "127.0.0.1:0",
             "--data", directory, *flags], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)
        self.otlp = self.query = None
        try:
            self.wait_ready(at)
        except BaseException:
            self.process.kill()  # nobody has it yet who would
            self.process.wait()
            self.log.close()
            raise

    def wait_ready(self, at):
        deadline = time.monotonic() + START_S
        while self.otlp is None:
            assert self.process.poll() is None, self.read_log(at)
            assert time.monotonic() < deadline, f"not ready in time: {self.read_log(at)}"
            for line in self.read_log(at).splitlines():
                if '"msg":"ready"' in line:
                    ports = json.loads(line)
                    self.otlp, self.query = ports["otlp_port"], ports["query_port"]
            time.sleep(0.01)

    def read_log(self, at=0):
        with open(f"{self.directory}/collector.log", encoding="utf-8", errors="replace") as log:
            log.seek(at)
            return log.read()

    def stop(self, how=signal.SIGTERM):
        """The exit status; killed when it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.log.close()

    def request(self, port, method, path, body=None, headers=None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * SLOW)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def post(self, body, content_type=JSON_TYPE, path="/v1/traces", **headers):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(self.otlp, "POST", path, body,
                            {"Content-Type": content_type, **names})

    def get(self, path):
        """(status, JSON)"""
        status, _, body = self.request(self.query, "GET", path)
        return status, json.loads(body)

    def status(self):
        return self.get("/api/culprit/status")[1]

    def wait(self, what, limit_s=20):
        """Until what(status) holds; the status then."""
        deadline = time.monotonic() + limit_s * SLOW
        while True:
            status = self.status()
            if what(status):
                return status
            assert time.monotonic() < deadline, f"still {status}"
            time.sleep(0.02)

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


# ---- OTLP JSON

def span(trace, number, parent=0, name="op", kind=1, start=None, ms=5, **more):
    start = time.time_ns() if start is None else start
    return {"traceId": f"{trace:032x}", "spanId": f"{number:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "", "name": name, "kind": kind,
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + int(ms * 1e6)), **more}


def attributes(**values):
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}}
            for key, value in values.items()]


def request(**services):
    """request(front=[spans], cart=[spans])"""
    return {"resourceSpans": [{"resource": {"attributes": attributes(service__name=name)},
                               "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}
                              for name, spans in services.items()]}


# ---- OTLP protobuf

def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def proto_span(trace, number, extra=b""):
    return (field(1, trace.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big")) +
            field(5, b"op") + b"\x39" + (1).to_bytes(8, "little") + b"\x41" +
            (2).to_bytes(8, "little") + extra)


def proto_request(*spans, service=b"proto"):
    key_value = field(1, b"service.name") + field(2, field(1, service))
    return field(1, field(1, field(1, key_value)) +
                 field(2, b"".join(field(2, item) for item in spans)))


class Case(unittest.TestCase):
    """A collector for each class; `flags` are its own."""
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="collector-")
        cls.collector = Collector(cls.directory.name, *cls.flags)

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.collector.stop()
            log = cls.collector.read_log()
        finally:
            cls.directory.cleanup()
        assert code == 0, f"exit status {code}\n{log}"


def main():
    """Runs the module's tests and prints the closing lines that tests/run.py counts."""
    result = unittest.main(exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"[  PASSED  ] {result.testsRun - failed - len(result.skipped)} test(s).")
    for why, number in collections.Counter(why for _, why in result.skipped).items():
        print(f"skipped: {number} test(s): {why}")
    if failed:
        print(f"[  FAILED  ] {failed} test(s).")
    sys.exit(1 if failed else 0)
