#!/usr/bin/env python3
"""What the store promises: counters that add up, bounded size, nothing lost at a stop, a file that
opens after a kill."""
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import (BIN, Collector, PROTO_TYPE, field, main, proto_request, proto_span)
from stack import SLOW


def batch(first, spans=100):
    """`spans` spans of 10 a trace with some text that does not pack."""
    return proto_request(*(proto_span(first + i // 10, i + 1, field(
        9, field(1, b"k") + field(2, field(1, os.urandom(100).hex().encode()))))
        for i in range(spans)))


class Store(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="collector-")
        self.addCleanup(self.directory.cleanup)
        self.collector = None

    def tearDown(self):
        if self.collector and self.collector.process.poll() is None:
            self.collector.stop(signal.SIGKILL)

    def start(self, *flags):
        self.collector = Collector(self.directory.name, *flags)
        return self.collector

    def open_store(self):
        return contextlib.closing(sqlite3.connect(f"{self.directory.name}/traces.db"))

    def check_integrity(self):
        with self.open_store() as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            return store.execute("SELECT COUNT(*), COALESCE(SUM(span_count), 0) FROM trace"
                                 ).fetchone()

    def test_a_stop_writes_everything(self):
        collector = self.start("--settle-ms", "3600000")
        for number in range(20):
            self.assertEqual(collector.post(batch(1 + number * 10), PROTO_TYPE)[0], 200)
        self.assertEqual(collector.status()["spans_open"], 2000)
        self.assertEqual(collector.stop(), 0)
        self.assertFalse(os.path.exists(f"{self.directory.name}/traces.db-wal"))
        self.assertEqual(self.check_integrity(), (200, 2000))

    def test_a_stop_under_load_loses_nothing_acknowledged(self):
        collector = self.start("--settle-ms", "20")
        taken = []

        def send(sender):
            for number in range(10000):
                try:
                    if collector.post(batch((sender * 10000 + number) * 10 + 1),
                                      PROTO_TYPE)[0] != 200:
                        return
                    taken.append(100)
                except OSError:
                    return
                except Exception:  # the connection was closed before an answer came
                    return
        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(1, 4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20 * SLOW
        while len(taken) < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(collector.stop(), 0)
        for thread in threads:
            thread.join(30)
        self.assertGreaterEqual(self.check_integrity()[1], sum(taken))

    def test_what_was_stored_is_there_after_a_start(self):
        collector = self.start()
        collector.post(batch(1), PROTO_TYPE)
        collector.stop()
        collector = self.start()
        self.assertEqual(collector.get("/api/v3/services")[1]["services"], ["proto"])
        self.assertEqual(collector.get(f"/api/v3/traces/{1:032x}")[0], 200)
        self.assertEqual(collector.status()["traces_stored"], 10)
        self.assertEqual(collector.stop(), 0)

    def test_a_kill_during_ingest_leaves_a_good_file(self):
        for round_number in range(5):
            collector = self.start("--settle-ms", "0", "--sync", "off")
            for number in range(30):
                collector.post(batch(1 + (round_number * 30 + number) * 10), PROTO_TYPE)
            collector.stop(signal.SIGKILL)
            self.check_integrity()
        collector = self.start()
        self.assertEqual(collector.post(batch(1), PROTO_TYPE)[0], 200)
        self.assertEqual(collector.stop(), 0)
        self.assertGreater(self.check_integrity()[0], 0)

    def test_counters_add_up(self):
        collector = self.start("--settle-ms", "10")
        for number in range(50):
            collector.post(batch(1 + number * 10) + proto_request(field(1, b"none")), PROTO_TYPE)
        status = collector.wait(lambda s: s["spans_open"] == 0)
        self.assertEqual(status["spans_received"], 50 * 101)
        self.assertEqual(status["spans_received"],
                         status["spans_accepted"] + status["spans_refused"])
        self.assertEqual(status["spans_accepted"],
                         status["spans_stored"] + status["spans_open"] +
                         status["spans_dropped_store_error"] + status["spans_dropped_no_memory"])
        latency = status["trace_latency"]
        self.assertEqual(latency["count"], 5000)
        self.assertEqual(latency["buckets"][-1][1], 5000)
        metrics = collector.request(collector.query, "GET", "/metrics")[2].decode()
        self.assertIn("collector_spans_stored_total 5000\n", metrics)
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(self.check_integrity(), (500, 5000))

    def test_size_is_bounded_and_the_oldest_go_first(self):
        limit = 2 << 20
        collector = self.start("--settle-ms", "0", "--max-bytes", str(limit))
        for number in range(200):
            self.assertEqual(collector.post(batch(1 + number * 10), PROTO_TYPE)[0], 200)
        status = collector.wait(lambda s: s["spans_open"] == 0 and s["store_bytes"] <= limit)
        self.assertGreater(status["spans_evicted"], 0)
        self.assertEqual(collector.get(f"/api/v3/traces/{1:032x}")[0], 404)
        self.assertEqual(collector.get(f"/api/v3/traces/{2000:032x}")[0], 200)
        self.assertEqual(collector.stop(), 0)
        self.assertLess(os.path.getsize(f"{self.directory.name}/traces.db"), limit * 2)
        traces, spans = self.check_integrity()
        self.assertEqual(spans + status["spans_evicted"], 20000)
        self.assertEqual(traces, status["traces_stored"])
        with self.open_store() as store:
            self.assertEqual(store.execute(
                "SELECT COUNT(*) FROM trace_service WHERE rid NOT IN (SELECT rid FROM trace)"
            ).fetchone(), (0,))

    def test_a_store_that_fails_is_counted_not_hidden(self):
        collector = self.start("--settle-ms", "10")
        lock = sqlite3.connect(f"{self.directory.name}/traces.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        collector.post(batch(1), PROTO_TYPE)
        collector.wait(lambda s: s["spans_dropped_store_error"] > 0 and s["spans_open"] == 0, 90)
        lock.execute("ROLLBACK")
        lock.close()
        collector.post(batch(1001), PROTO_TYPE)
        status = collector.wait(lambda s: s["spans_stored"] == 100)
        self.assertEqual(status["spans_dropped_store_error"], 100)
        self.assertEqual(collector.stop(), 0)


class Start(unittest.TestCase):
    def run_collector(self, *arguments, **more):
        return subprocess.run([f"{BIN}/collector", *arguments], capture_output=True, text=True,
                              timeout=30 * SLOW, check=False, **more)

    def test_help_and_version_go_to_stdout(self):
        for flag in ("--help", "--version"):
            done = self.run_collector(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("collector", done.stdout)

    def test_wrong_use_is_2(self):
        for arguments in (["--nonsense"], ["operand"], ["--sync", "maybe"], ["--max-bytes", "1"],
                          ["--max-bytes", "x"]):
            done = self.run_collector(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("collector:", done.stderr)

    def test_a_port_in_use_and_a_bad_store_are_1(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.run_collector("--listen", f"127.0.0.1:{port}", "--query", "127.0.0.1:0",
                                      "--data", directory)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(port), done.stderr)
            with open(f"{directory}/bad.db", "wb") as bad:
                bad.write(b"not a database" * 1000)
            done = self.run_collector("--listen", "127.0.0.1:0", "--query", "127.0.0.1:0",
                                      "--store", f"{directory}/bad.db")
            self.assertEqual(done.returncode, 1)
            self.assertIn("database", done.stderr)

    def test_sockets_from_the_parent_and_check(self):
        with tempfile.TemporaryDirectory() as directory:
            sockets = [socket.socket() for _ in range(2)]
            for item in sockets:
                item.bind(("127.0.0.1", 0))
                item.listen()
            ports = [item.getsockname()[1] for item in sockets]
            high = [os.dup2(item.fileno(), 20 + i) for i, item in enumerate(sockets)]

            def prepare():
                os.dup2(high[0], 3)
                os.dup2(high[1], 4)
            process = subprocess.Popen(
                [f"{BIN}/collector", "--data", directory], preexec_fn=prepare, close_fds=False,
                env=dict(os.environ, LISTEN_FDS="2"), stderr=subprocess.DEVNULL)
            for fd in high:
                os.close(fd)
            for item in sockets:
                item.close()
            try:
                deadline = time.monotonic() + 20 * SLOW
                while self.run_collector("--check", "--query",
                                         f"127.0.0.1:{ports[1]}").returncode != 0:
                    self.assertLess(time.monotonic(), deadline)
                    self.assertIsNone(process.poll())
                    time.sleep(0.05)
            finally:
                process.terminate()
                self.assertEqual(process.wait(30 * SLOW), 0)
            self.assertEqual(
                self.run_collector("--check", "--query", f"127.0.0.1:{ports[1]}").returncode, 1)


if __name__ == "__main__":
    main()
