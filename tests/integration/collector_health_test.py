#!/usr/bin/env python3
"""The collector's health: it says when spans were lost, here or before they got here."""
import http.server
import os
import socket
import sqlite3
import tempfile
import threading
import time
import unittest

import collector_kit
from collector_kit import Collector, request, span

LOST = """# TYPE otel_sdk_exporter_span_exported_total counter
otel_sdk_processor_span_processed_total{otel_component_name="b/0",error_type="queue_full"} 3
otel_sdk_processor_span_processed_total 90
otel_sdk_exporter_span_exported_total{error_type="failed"} 4
otel_sdk_exporter_span_exported_total{error_type="rejected"} 5
otel_sdk_exporter_log_exported_total{error_type="failed"} 6
"""


class Sender:
    """Says `metrics` of itself; None: takes the connection and says nothing."""

    def __init__(self, metrics):
        sender = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                sender.paths.append(self.path)
                body = metrics.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.paths = []
        self.server = None
        if metrics is None:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
            return
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        else:
            self.socket.close()


class HealthTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="collector-")
        self.addCleanup(self.directory.cleanup)

    def start(self, *flags, **senders):
        for sender in senders.values():
            self.addCleanup(sender.stop)
        os.environ["CULPRIT_ENDPOINTS"] = ",".join(f"{name}=127.0.0.1:{sender.port}"
                                                   for name, sender in senders.items())
        self.addCleanup(os.environ.pop, "CULPRIT_ENDPOINTS", None)
        collector = Collector(self.directory.name, *flags)
        self.addCleanup(collector.stop)
        return collector

    def health(self, collector):
        status, told = collector.get("/api/culprit/health")
        self.assertEqual(status, 200)
        return told

    def test_it_is_complete_when_nothing_was_lost(self):
        collector = self.start(cart=Sender("x 1\n"))
        self.assertEqual(self.health(collector), {
            "complete": True, "spans_lost": 0, "logs_lost": 0, "silent": [],
            "collector": {"spans_refused": 0, "spans_dropped": 0, "logs_lost": 0,
                          "requests_refused": 0},
            "senders": [{"name": "cart", "spans_lost": 0, "logs_lost": 0}]})

    def test_it_adds_what_senders_say_they_lost(self):
        collector = self.start(cart=Sender(LOST), **{" auth": Sender("")})
        told = self.health(collector)
        self.assertFalse(told["complete"])
        self.assertEqual(told["spans_lost"], 7)
        self.assertEqual(told["senders"], [{"name": "cart", "spans_lost": 7, "logs_lost": 6},
                                           {"name": "auth", "spans_lost": 0, "logs_lost": 0}])

    def test_it_adds_what_it_refused_itself(self):
        collector = self.start()
        collector.post(request(front=[span(1, 1), span(0, 2)]))
        told = self.health(collector)
        self.assertEqual((told["complete"], told["spans_lost"]), (False, 1))
        self.assertEqual(told["collector"]["spans_refused"], 1)

    def test_it_is_not_complete_when_a_request_was_refused(self):
        collector = self.start()
        collector.post(b"no JSON")
        told = self.health(collector)
        self.assertEqual((told["complete"], told["spans_lost"]), (False, 0))
        self.assertEqual(told["collector"]["requests_refused"], 1)

    def test_it_names_who_is_silent_and_does_not_wait_for_long(self):
        gone = Sender(None)
        collector = self.start(mute=Sender(None), gone=gone, cart=Sender(LOST))
        gone.stop()
        began = time.monotonic()
        told = self.health(collector)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(told["silent"], ["mute", "gone"])
        self.assertEqual(told["spans_lost"], 7)

    def test_it_keeps_what_was_lost_with_the_traces(self):
        collector = self.start(cart=Sender(LOST), auth=Sender(""))
        collector.post(request(front=[span(1, 1), span(0, 2)]))
        collector.post(b"no JSON")
        first = self.health(collector)
        self.assertEqual((first["spans_lost"], first["logs_lost"]), (8, 6))
        self.assertEqual(collector.stop(), 0)

        opened = self.start("--no-ingest")
        kept = self.health(opened)
        self.assertEqual(kept, {**first, "senders": [{"name": "cart", "spans_lost": 7,
                                                      "logs_lost": 6}]})
        self.assertEqual(opened.stop(), 0)

        # cart lost the same seven, or seven others: seven at least; tax was not there before
        again = self.start(tax=Sender(LOST.replace(" 3\n", " 30\n")), cart=Sender(LOST))
        again.post(request(front=[span(0, 3)]))
        told = self.health(again)
        self.assertEqual(told["senders"], [{"name": "tax", "spans_lost": 34, "logs_lost": 6},
                                           {"name": "cart", "spans_lost": 7, "logs_lost": 6}])
        self.assertEqual(told["collector"], {**first["collector"], "spans_refused": 2})
        self.assertEqual(told["spans_lost"], 34 + 7 + 2)

    def test_it_opens_a_store_that_keeps_no_losses(self):
        self.start().stop()
        with sqlite3.connect(f"{self.directory.name}/traces.db") as store:
            store.execute("DROP TABLE loss")
        store.close()
        self.assertTrue(self.health(self.start("--no-ingest"))["complete"])

    def test_it_asks_senders_once_a_second_at_most(self):
        cart = Sender(LOST)
        collector = self.start(cart=cart)
        began = time.monotonic()
        for _ in range(5):
            self.health(collector)
        self.assertLessEqual(len(cart.paths), 1 + int(time.monotonic() - began))
        self.assertEqual(set(cart.paths), {"/metrics"})


if __name__ == "__main__":
    collector_kit.main()
