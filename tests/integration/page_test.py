#!/usr/bin/env python3
"""The page on the query port: how its files are served, what it asks, and how a kept store is opened;
without a browser."""
import concurrent.futures
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collector_kit import BIN, ROOT, Case, main, request, span
from page_kit import NOW, checkout, iso
from stack import SLOW

WEB = f"{ROOT}/services/collector/web"
VIEWS = ["/", "/search", "/search?service=a", f"/trace/{1:032x}", "/findings?last=15m", "/map",
         "/flame?limit=20", "/compare"]
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
         "svg": "image/svg+xml"}
POLICY = {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
          "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
          "require-trusted-types-for 'script'"}


class Served(Case):
    """Files, types, headers; needs no browser."""

    def get(self, path, **headers):
        return self.collector.request(self.collector.query, "GET", path, headers={
            name.replace("_", "-"): value for name, value in headers.items()})

    def test_views_are_the_page(self):
        with open(f"{WEB}/index.html", "rb") as file:
            index = file.read()
        for path in VIEWS:
            with self.subTest(path):
                status, headers, body = self.get(path)
                self.assertEqual((status, body), (200, index))
                self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")

    def test_every_file_is_compiled_in(self):
        for name in os.listdir(WEB):
            if name == "index.html":
                continue
            with self.subTest(name), open(f"{WEB}/{name}", "rb") as file:
                status, headers, body = self.get(f"/assets/{name}")
                self.assertEqual((status, body), (200, file.read()))
                self.assertEqual(headers["Content-Type"], TYPES[name.rsplit(".", 1)[1]])

    def test_headers(self):
        for path in ("/", "/assets/app.js", "/assets/base.css", "/favicon.ico"):
            with self.subTest(path):
                headers = self.get(path)[1]
                policy = {part.strip() for part in headers["Content-Security-Policy"].split(";")}
                self.assertLessEqual(POLICY, policy)
                self.assertNotIn("unsafe", headers["Content-Security-Policy"])
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "no-referrer")

    def test_etag(self):
        status, headers, body = self.get("/assets/app.js")
        self.assertRegex(headers["ETag"], r'^"[0-9a-f]{16}"$')
        for given in (headers["ETag"], f'W/"other", {headers["ETag"]}', "*"):
            with self.subTest(given):
                status, again, body = self.get("/assets/app.js", If_None_Match=given)
                self.assertEqual((status, body, again["ETag"]), (304, b"", headers["ETag"]))
        self.assertEqual(self.get("/assets/app.js", If_None_Match='"0123456789abcdef"')[0], 200)
        self.assertNotEqual(self.get("/assets/api.js")[1]["ETag"], headers["ETag"])

    def test_not_there(self):
        for path in ("/assets/none.js", "/assets/../main.c", "/assets/%2e%2e%2fmain.c", "/assets/",
                     "/assets/a/b", "/trace/1/2", "/other", "/search/x"):
            with self.subTest(path):
                self.assertIn(self.get(path)[0], (400, 404))
        for path in ("/", "/search", "/assets/app.js"):
            with self.subTest(f"POST {path}"):
                self.assertEqual(self.collector.request(self.collector.query, "POST", path)[0], 405)

    def test_files_are_strict(self):
        """Nothing inline, nothing from elsewhere, no way for text to become markup."""
        size = 0
        for name in os.listdir(WEB):
            with open(f"{WEB}/{name}", encoding="utf-8") as file:
                text = file.read()
            size += len(text.encode())
            with self.subTest(name):
                bare = text.replace("http://www.w3.org/2000/svg", "")
                self.assertNotRegex(bare, r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}")
                self.assertNotRegex(text, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write"
                                          r"|\beval\b|new Function|DOMParser|setHTML")
                if name.endswith(".html"):
                    self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=")
                if name.endswith(".js"):
                    self.assertTrue(text.startswith("// "), "no first comment")
                    self.assertLess(text.count("\n"), 320)
        self.assertLess(size, 150 * 1024)


class Asked(Case):
    """The page's own questions: findings and graph over windows."""
    flags = ("--settle-ms", "50")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before, cls.after = NOW - 600 * 10**9, NOW - 300 * 10**9
        for number in range(40):
            for base, first, slow in ((cls.before, 1000, False), (cls.after, 2000, True)):
                front, shop = checkout(first + number, base + number * 10**9, 90 if slow else 30,
                                       slow)
                cls.collector.post(request(front=front, shop=shop))
        cls.collector.wait(lambda status: status["spans_stored"] == 80 * 6)

    def ask(self, what, **words):
        query = "&".join(f"{name}={quote(value)}" for name, value in words.items())
        return self.collector.get(f"/api/culprit/{what}?{query}")

    def windows(self, baseline=True):
        words = {"start": iso(self.after), "end": iso(self.after + 60 * 10**9)}
        if baseline:
            words.update(baseline_start=iso(self.before), baseline_end=iso(self.before + 60 * 10**9))
        return words

    def test_finds_what_changed(self):
        status, body = self.ask("findings", **self.windows())
        self.assertEqual(status, 200, body)
        self.assertEqual((body["window"]["traces"], body["baseline"]["traces"]), (40, 40))
        self.assertEqual((body["requests"], body["partial_traces"]), (40, 0))
        self.assertTrue(body["with_baseline"])
        found = [(one["kind"], one["service"], one["state"]) for one in body["findings"]]
        self.assertIn(("sequential_calls", "shop", "regression"), found)
        for one in body["findings"][0]["evidence"]["spans"]:
            self.assertEqual(self.collector.get(f"/api/v3/traces/{one['trace_id']}")[0], 200)

    def test_finds_nothing_where_nothing_is(self):
        status, body = self.ask("findings", start="2001-01-01T00:00:00Z", end="2001-01-02T00:00:00Z")
        self.assertEqual((status, body["window"]["traces"], body["findings"]), (200, 0, []))

    def test_limit_is_said(self):
        body = self.ask("findings", limit="10", **self.windows(False))[1]
        self.assertEqual((body["window"]["traces"], body["window"]["truncated"]), (10, True))
        body = self.ask("findings", **self.windows(False))[1]
        self.assertFalse(body["window"]["truncated"])

    def test_service(self):
        self.assertEqual(self.ask("findings", service="shop", **self.windows(False))[1]["requests"],
                         40)
        body = self.ask("findings", service="nobody", **self.windows(False))[1]
        self.assertEqual(body["window"]["traces"], 0)

    def test_graph(self):
        status, body = self.ask("graph", **self.windows())
        self.assertEqual(status, 200, body)
        edges = {(one["caller"], one["callee"]): one for one in body["window"]["edges"]}
        self.assertEqual(set(edges), {("front", "shop"), ("shop", "tax"), ("shop", "fx"),
                                      ("shop", "promo")})
        self.assertEqual(edges["front", "shop"]["calls"], 40)
        self.assertAlmostEqual(edges["front", "shop"]["p50_ms"], 96, delta=1)
        self.assertTrue(edges["shop", "tax"]["outside"])
        services = {one["service"]: one for one in body["window"]["services"]}
        self.assertAlmostEqual(services["front"]["p99_ms"], 100, delta=1)
        self.assertAlmostEqual(body["window"]["covered_ms"], 39000, delta=1)
        before = {one["service"]: one for one in body["baseline"]["services"]}
        self.assertAlmostEqual(before["front"]["p99_ms"], 40, delta=1)

    def test_many_at_once(self):
        """Each is answered, or told to come again; never an error."""
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda _: self.ask("findings", **self.windows()), range(48)))
        self.assertLessEqual({status for status, _ in answers}, {200, 503})
        self.assertIn(200, {status for status, _ in answers})
        self.assertEqual(self.ask("findings", **self.windows())[0], 200)

    def test_wrong_words(self):
        for words in ({"last": "soon"}, {"last": "5m", "start": iso(NOW)}, {"limit": "none"},
                      {"start": iso(NOW), "end": iso(NOW - 1)}, {"baseline_start": iso(NOW)}):
            for what in ("findings", "graph"):
                with self.subTest(f"{what} {words}"):
                    status, body = self.ask(what, **words)
                    self.assertEqual(status, 400)
                    self.assertEqual(body["error"]["httpCode"], 400)


class Kept(Case):
    """`culprit open` on what another collector left."""
    flags = ("--settle-ms", "50")

    def start(self, *words):
        return subprocess.Popen([f"{BIN}/culprit", "open", *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_open(self):
        self.collector.post(request(a=[span(7, 1, 0, "GET /kept", 2, NOW, 5)]))
        self.collector.wait(lambda status: status["spans_stored"] == 1)
        with tempfile.TemporaryDirectory(prefix="kept-") as directory:
            self.keep(directory)
            opened = self.start("--listen", "127.0.0.1:0", directory)
            try:
                self.assertIn("traces.db", opened.stdout.readline())
                opened.stdout.readline()
                port = int(re.search(r":(\d+)/", opened.stdout.readline()).group(1))
                status, _, body = self.collector.request(port, "GET", f"/api/v3/traces/{7:032x}")
                self.assertEqual(status, 200)
                self.assertIn(b"GET /kept", body)
                self.assertEqual(self.collector.request(port, "GET", "/search")[0], 200)
                self.assertEqual(self.collector.request(port, "POST", "/v1/traces", b"")[0], 404)
            finally:
                opened.terminate()
                _, talk = opened.communicate(timeout=20 * SLOW)
            self.assertEqual((opened.returncode, talk), (0, ""))

    def keep(self, directory):
        """A copy of the store while its collector runs, as sqlite makes it."""
        source = sqlite3.connect(f"{self.directory.name}/traces.db")
        target = sqlite3.connect(f"{directory}/traces.db")
        source.backup(target)
        source.close()
        target.close()

    def test_open_refuses(self):
        with tempfile.TemporaryDirectory(prefix="kept-") as directory:
            other = sqlite3.connect(f"{directory}/other.db")
            other.execute("CREATE TABLE orders(id)")
            other.commit()
            other.close()
            with open(f"{directory}/other.db", "rb") as file:
                before = file.read()
            for words, says in ((["--listen", "127.0.0.1:0", f"{directory}/other.db"], "not a store"),
                                ([f"{directory}/none.db"], "no store"), ([directory], "no store"),
                                ([], "which store"), (["--listen", "x:y:z", f"{directory}/other.db"],
                                                      "x:y:z")):
                with self.subTest(words):
                    opened = self.start(*words)
                    _, talk = opened.communicate(timeout=20 * SLOW)
                    self.assertNotEqual(opened.returncode, 0)
                    self.assertIn(says, talk)
            with open(f"{directory}/other.db", "rb") as file:
                self.assertEqual(file.read(), before)
            self.assertEqual(os.listdir(directory), ["other.db"])


if __name__ == "__main__":
    main()
