#!/usr/bin/env python3
"""A service exports its spans over https: the receiver's certificate is always verified, ours is
shown where it is asked for, and nothing ever goes out in the clear instead."""
import gzip
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import sink
from stack import SLOW, Stack, main, wait_until

SERVICE = "catalog"


class Authority:
    """A certificate authority of our own, with certificates for a receiver and a client."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.file = f"{directory}/{name}.pem"
        self.key = f"{directory}/{name}.key"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key,
                     "-out", self.file)

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)

    def issue(self, name, subject_alternative):
        """(certificate, key) files."""
        base = f"{self.directory}/{self.name}-{name}"
        with open(f"{base}.ext", "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={subject_alternative}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-keyout", f"{base}.key", "-out", f"{base}.csr")
        self.openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.file, "-CAkey", self.key,
                     "-CAcreateserial", "-days", "2", "-extfile", f"{base}.ext",
                     "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"


class TlsSink:
    """Receives OTLP over TLS. `client_ca`: asks for a certificate of that authority. `silent`: never
    answers."""

    def __init__(self, certificate, key, client_ca=None, silent=False):
        self.lock = threading.Lock()
        self.kept, self.heads, self.clients = [], [], []
        self.connections = 0
        self.ending = threading.Event()
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                self.request.settimeout(30)
                self.request.do_handshake()
                super().setup()
                with keeper.lock:
                    keeper.connections += 1
                    keeper.clients.append(self.request.getpeercert())

            def do_POST(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if silent:
                    with keeper.lock:
                        keeper.heads.append((self.path, dict(self.headers)))
                    keeper.ending.wait(60)
                    return
                if self.headers.get("Content-Encoding") == "gzip":
                    data = gzip.decompress(data)
                is_json = self.headers["Content-Type"] == "application/json"
                rows = read_json(data) if is_json else list(sink.spans(data))
                with keeper.lock:
                    keeper.heads.append((self.path, dict(self.headers)))
                    keeper.kept.extend(rows)
                body = b"{}" if is_json else b""
                self.send_response(200)
                self.send_header("Content-Type", self.headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # handshakes that fail are what is tested
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self):
        with self.lock:
            return len(self.kept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()


def read_json(data):
    rows = []
    for resource_spans in json.loads(data)["resourceSpans"]:
        for scope_spans in resource_spans["scopeSpans"]:
            rows.extend({"name": span["name"]} for span in scope_spans["spans"])
    return rows


def variables(url, **more):
    return {"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_EXPORTER_OTLP_TIMEOUT": str(2000 * SLOW),
            **{f"OTEL_EXPORTER_OTLP_{name.upper()}": value for name, value in more.items()}}


def request_some(stack, count):
    for _ in range(count):
        status, _, _ = stack.ask(SERVICE, "GET", "/products")
        assert status == 200, status


def failed_spans(stack):
    _, text, _ = stack.ask(SERVICE, "GET", "/metrics")
    found = re.findall(r'^otel_sdk_exporter_span_exported_total\{[^}]*error_type="[^"]+"[^}]*\} '
                       r'(\d+)', text.decode(), re.M)
    return sum(int(number) for number in found)


def check_refused(environment, words):
    """Nothing arrives, it is counted, and the log says why."""
    with Stack(only=[SERVICE], variables=environment) as stack:
        request_some(stack, 3)
        wait_until(lambda: failed_spans(stack) >= 3, 20, "the spans are given up")
        log = stack.log(SERVICE)
        assert any(word in log for word in words), log


def test_it_exports_over_tls():
    with TlsSink(*server) as receiver:
        with Stack(only=[SERVICE], variables=variables(
                f"https://localhost:{receiver.port}", certificate=authority.file)) as stack:
            request_some(stack, 5)
            wait_until(lambda: receiver.count() >= 5, 20, "spans arrive")
            request_some(stack, 5)
            wait_until(lambda: receiver.count() >= 10, 20, "more spans arrive")
            assert failed_spans(stack) == 0
        names = [row["name"] for row in receiver.kept]
        assert names.count("GET /products") == 10, names
        assert receiver.connections == 1, receiver.connections  # kept alive
        path, head = receiver.heads[0]
        assert path == "/v1/traces"
        assert head["User-Agent"].startswith("culprit-trace/")
        assert "OTel-OTLP-Exporter-C/" in head["User-Agent"]
        assert head["Content-Type"] == "application/x-protobuf" and "Expect" not in head


def test_it_exports_json_with_gzip_and_headers_over_tls():
    with TlsSink(*server) as receiver:
        with Stack(only=[SERVICE], variables=variables(
                f"https://127.0.0.1:{receiver.port}", certificate=authority.file,
                compression="gzip", protocol="http/json", headers="x-key=a%20b,x-none=")) as stack:
            request_some(stack, 5)
            wait_until(lambda: receiver.count() >= 5, 20, "spans arrive")
        _, head = receiver.heads[0]
        assert head["Content-Encoding"] == "gzip" and head["Content-Type"] == "application/json"
        assert head["x-key"] == "a b" and head["x-none"] == "", head


def test_it_trusts_nobody_by_itself():
    with TlsSink(*server) as receiver:
        check_refused(variables(f"https://localhost:{receiver.port}"), ["certificate"])
        assert receiver.heads == []


def test_it_does_not_trust_another_authority():
    with TlsSink(*server) as receiver:
        check_refused(variables(f"https://localhost:{receiver.port}", certificate=other.file),
                      ["certificate"])
        assert receiver.heads == []


def test_it_does_not_trust_a_certificate_of_another_name():
    with TlsSink(*elsewhere) as receiver:
        check_refused(variables(f"https://localhost:{receiver.port}", certificate=authority.file),
                      ["certificate subject name", "subjectAltName", "no alternative certificate"])
        assert receiver.heads == []


def test_it_shows_its_own_certificate():
    with TlsSink(*server, client_ca=authority.file) as receiver:
        with Stack(only=[SERVICE], variables=variables(
                f"https://localhost:{receiver.port}", certificate=authority.file,
                client_certificate=client[0], client_key=client[1])) as stack:
            request_some(stack, 3)
            wait_until(lambda: receiver.count() >= 3, 20, "spans arrive")
        subject = dict(part[0] for part in receiver.clients[0]["subject"])
        assert subject["commonName"] == "client", subject


def test_it_is_refused_without_a_certificate():
    with TlsSink(*server, client_ca=authority.file) as receiver:
        check_refused(variables(f"https://localhost:{receiver.port}", certificate=authority.file),
                      ["could not be exported"])
        assert receiver.heads == []


def test_it_is_refused_with_a_certificate_of_another_authority():
    with TlsSink(*server, client_ca=authority.file) as receiver:
        check_refused(variables(f"https://localhost:{receiver.port}", certificate=authority.file,
                                client_certificate=stranger[0], client_key=stranger[1]),
                      ["could not be exported"])
        assert receiver.heads == []


def test_it_says_nothing_in_the_clear():
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def listen():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    heard.append(connection.recv(65536))
        threading.Thread(target=listen, daemon=True).start()
        check_refused(variables(f"https://127.0.0.1:{listener.getsockname()[1]}",
                                certificate=authority.file), ["could not be exported"])
        listener.shutdown(socket.SHUT_RDWR)
    assert heard, "nobody came"
    for said in heard:
        assert said == b"" or said[0] == 0x16, said[:40]  # a TLS handshake record


def test_it_does_not_start_with_files_that_are_not_there():
    for wrong in ({"certificate": "/nowhere/ca.pem"},
                  {"client_certificate": "/nowhere/c.pem", "client_key": client[1]},
                  {"client_key": client[1]}):
        try:
            with Stack(only=[SERVICE], variables=variables("https://localhost:4318", **wrong)):
                pass
        except AssertionError as error:
            assert "ended with 1" in str(error), error
            assert "cannot be read" in str(error) or "without a certificate" in str(error), error
        else:
            raise AssertionError(f"started with {wrong}")


def test_it_ends_in_time_though_nobody_answers():
    with TlsSink(*server, silent=True) as receiver:
        environment = variables(f"https://localhost:{receiver.port}", certificate=authority.file)
        environment["OTEL_EXPORTER_OTLP_TIMEOUT"] = "60000"
        stack = Stack(only=[SERVICE], variables=environment)
        try:
            request_some(stack, 3)
            wait_until(lambda: receiver.heads, 20, "a batch is on its way")
            began = time.monotonic()
            assert stack.stop(SERVICE) == 0
            assert time.monotonic() - began < 12 * SLOW  # five seconds for the flush
            assert '"reason":"deadline passed"' in stack.log(SERVICE)  # it was not left behind
        finally:
            stack.close(check=False)


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("there is no openssl command")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="culprit-tls-") as place:
        os.mkdir(f"{place}/other")
        authority, other = Authority(place, "authority"), Authority(f"{place}/other", "other")
        server = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        elsewhere = authority.issue("elsewhere", "DNS:elsewhere.example")
        client = authority.issue("client", "DNS:client")
        stranger = other.issue("stranger", "DNS:stranger")
        sys.exit(main(*[test for name, test in list(globals().items())
                        if name.startswith("test_it_")]))
