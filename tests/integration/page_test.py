#!/usr/bin/env python3
"""The page on the query port: how its files are served, and what it draws in a real Chromium (left
out with a line where there is none), from good traces and from hostile ones."""
import concurrent.futures
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
from collector_kit import BIN, ROOT, Case, attributes, main, request, span

WEB = f"{ROOT}/services/collector/web"
NOW = time.time_ns() - 60 * 10**9
MS = 10**6
VIEWS = ["/", "/search", "/search?service=a", f"/trace/{1:032x}", "/findings?last=15m", "/map",
         "/flame?limit=20", "/compare"]
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
         "svg": "image/svg+xml"}
POLICY = {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
          "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
          "require-trusted-types-for 'script'"}
HUGE = 80000
LONG_AGO = NOW - 7200 * 10**9  # out of the other tests' sight
NO_BROWSER = "no chromium and chromedriver (make deps-page)"
EVIL = ['<img src=x onerror="window.hit=1">', "<script>window.hit=1</script>",
        "javascript:window.hit=1", '"><svg onload=window.hit=1>', "{{hit=1}}${window.hit=1}",
        "\u202eevil\u0000\u0007", "x" * 10000]


def iso(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


def checkout(trace, at, ms, slow):
    """front calls shop; shop asks three partners side by side, or one after the other."""
    front = [span(trace, 1, 0, "POST /checkout", 2, at, ms + 10),
             span(trace, 2, 1, "POST /quotes", 3, at + MS, ms + 8,
                  attributes=attributes(server__address="shop", http__request__method="POST"))]
    shop = [span(trace, 3, 2, "POST /quotes", 2, at + 2 * MS, ms + 6,
                 attributes=attributes(http__request__method="POST", http__route="/quotes"))]
    for i, peer in enumerate(("tax", "fx", "promo")):
        begin = at + 3 * MS + (i * ms // 3 * MS if slow else i * MS // 10)
        shop.append(span(trace, 4 + i, 3, f"GET /{peer}", 3, begin, ms / 3 if slow else ms - 1,
                         attributes=attributes(server__address=peer, http__request__method="GET",
                                               url__template=f"/{peer}")))
    return front, shop


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
                _, talk = opened.communicate(timeout=20)
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
                    _, talk = opened.communicate(timeout=20)
                    self.assertNotEqual(opened.returncode, 0)
                    self.assertIn(says, talk)
            with open(f"{directory}/other.db", "rb") as file:
                self.assertEqual(file.read(), before)
            self.assertEqual(os.listdir(directory), ["other.db"])


@unittest.skipUnless(browser.is_there(), NO_BROWSER)
class Seen(Case):
    """In a real browser."""
    flags = ("--settle-ms", "50")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.send_good()
        cls.send_hostile()
        cls.send_huge()
        cls.collector.wait(lambda status: status["spans_open"] == 0, 60)
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.stop()
        super().tearDownClass()

    @classmethod
    def send_good(cls):
        for number in range(1, 31):
            front, shop = checkout(number, NOW + number * 10**9, 90, True)
            if number == 1:
                shop[1].update(status={"code": 2, "message": "no answer"}, events=[
                    {"name": "exception", "timeUnixNano": str(NOW + 10**9 + 9 * MS),
                     "attributes": attributes(exception__message="reset by peer")}],
                               links=[{"traceId": f"{2:032x}", "spanId": f"{1:016x}"}])
            cls.collector.post(request(front=front, shop=shop))

    @classmethod
    def send_hostile(cls):
        services = {}
        for number, words in enumerate(EVIL, 1):
            services[words] = [span(
                0xe41, number, 0 if number == 1 else 1, words, 2, NOW, 10 + number,
                attributes=[{"key": words, "value": {"stringValue": words}}],
                events=[{"name": words, "timeUnixNano": str(NOW),
                         "attributes": [{"key": words, "value": {"stringValue": words}}]}],
                status={"code": 2, "message": words})]
        cls.collector.post(request(**services))
        deep = [span(0xdee9, number, number - 1, f"level {number}", 1, NOW, 50000 - number)
                for number in range(1, 5001)]
        cls.collector.post(request(deep=deep))

    @classmethod
    def send_huge(cls):
        """80,000 spans: a wide level, a deep one, markup in every name, all sorts of attributes."""
        spans = []
        for number in range(1, HUGE + 1):
            parent = 0 if number == 1 else 1 if number < HUGE // 2 else number // 3
            words = "needle" if number == HUGE else f"{EVIL[number % 2]} {number % 50}"
            spans.append(span(0xb16, number, parent, words, number % 6, LONG_AGO + number * 1000,
                              HUGE / 500 - number / 1000, attributes=attributes(
                                  evil=EVIL[number % len(EVIL)][:100], number=str(number))))
        for first in range(0, HUGE, 10000):
            cls.collector.post(request(**{f"huge{first // 40000}": spans[first:first + 10000]}))

    def open(self, path, ready):
        self.browser.open(f"http://127.0.0.1:{self.collector.query}{path}")
        return self.browser.wait(ready)

    def tearDown(self):
        """Whatever a test did: no error in the console, no script of others ran."""
        said = [one for one in self.browser.messages() if one["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(said, [])
        self.assertFalse(self.browser.run("return window.hit === 1"))

    def resize(self, width):
        self.browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=800,
                         deviceScaleFactor=1, mobile=False)

    def text(self, selector="main"):
        return self.browser.run("return document.querySelector(arguments[0]).innerText", selector)

    def test_search_lists(self):
        self.open("/search?last=1h&service=shop", "document.querySelectorAll('td.root a').length === 30")
        self.assertIn("30 traces", self.text(".figures"))
        self.browser.click("td.root a")
        self.browser.wait("location.pathname.startsWith('/trace/') && document.querySelector('.row')")
        self.browser.run("history.back()")
        self.browser.wait("location.pathname === '/search' && document.querySelector('td.root a')")

    def test_search_says_what_is_wrong(self):
        self.open("/search?last=1h&min=soon", "document.querySelector('.note.error')")
        self.assertIn("duration", self.text(".note.error"))
        errors = self.browser.messages()  # the 400 itself is in the console
        self.assertTrue(all("400" in one["message"] for one in errors), errors)

    def test_no_such_trace(self):
        self.open(f"/trace/{77:032x}", "document.querySelector('.note.error')")
        self.assertIn("No such trace", self.text(".note.error"))
        self.browser.messages()

    def test_waterfall(self):
        self.open(f"/trace/{1:032x}?span={4:016x}", "document.querySelector('.row-detail')")
        self.assertEqual(self.browser.run("return document.querySelectorAll('.row').length"), 6)
        detail = self.text(".row-detail")
        for words in ("GET /tax", "no answer", "reset by peer", f"{2:032x}", "server.address"):
            self.assertIn(words, detail)
        # The path's parts add up to the root's 100 ms; the partners hold 90 of them.
        self.assertRegex(self.text(".went"), r"shop\s+96\.0\s*ms\s+96%")

    def test_log_lines(self):
        """Under their span at one click, in the order of time, and all of a trace in a list."""
        def record(number, words, severity, at_ms, **more):
            return {"traceId": f"{3:032x}", "spanId": f"{number:016x}",
                    "timeUnixNano": str(NOW + 3 * 10**9 + at_ms * MS),
                    "severityNumber": severity, "body": {"stringValue": words},
                    "attributes": attributes(**more)}
        hostile = [record(2, words, 9, 8, evil=words) for words in EVIL]
        sent = {"resourceLogs": [{
            "resource": {"attributes": attributes(service__name="shop")},
            "scopeLogs": [{"logRecords": [
                record(2, "given up", 17, 7), record(2, "the bank is slow", 13, 6, peer="bank"),
                record(1, "begun", 9, 1), record(0x99, "of a span that is lost", 5, 9),
                *hostile]}]}]}
        self.assertEqual(self.collector.post(sent, path="/v1/logs")[0], 200)
        self.collector.wait(lambda status: status["logs_stored"] >= 4 + len(EVIL))
        self.open(f"/trace/{3:032x}", "document.querySelector('.row')")
        self.assertEqual(self.browser.run(  # what is loud shows on the bar
            "return [...document.querySelectorAll('.row .event.line')].map((one) => one.title)"),
            ["warn: the bank is slow", "error: given up"])
        self.browser.run("const field = document.querySelector('.finder input');"
                         "field.value = 'given up'; field.dispatchEvent(new Event('input'))")
        self.browser.wait("document.querySelector('.finder output').textContent === '1 match'")
        self.browser.run("document.querySelectorAll('.row')[1].click()")
        self.browser.wait("document.querySelector('.row-detail .logs')")
        lines = self.browser.run("return [...document.querySelectorAll('.row-detail .logs li')]"
                                 ".map((one) => [one.className, one.innerText])")
        self.assertEqual(len(lines), 2 + len(EVIL))
        self.assertEqual(lines[0][0], "warn")
        self.assertRegex(lines[0][1], r"ms\s*warn\s*the bank is slow\s+peer=bank")
        self.assertEqual(lines[1][0], "bad")
        self.assertIn("given up", lines[1][1])
        for (_, line), words in zip(lines[2:], EVIL):
            self.assertIn(words.strip()[:20].split("\n")[0], line)
        self.assertEqual(self.browser.run(
            "return document.querySelectorAll('.logs img, .logs script, .logs a').length"), 0)
        self.browser.run("[...document.querySelectorAll('.tabs button')].at(-1).click()")
        self.browser.wait("document.querySelector('.all-logs .logs')")
        lines = self.browser.run("return [...document.querySelectorAll('.all-logs li')]"
                                 ".map((one) => one.innerText)")
        self.assertEqual(len(lines), 4 + len(EVIL))
        self.assertIn("begun", lines[0])
        self.assertIn("of a span that is lost", lines[-1])
        self.assertEqual(self.browser.run("return document.querySelectorAll('.all-logs a').length"),
                         3 + len(EVIL))
        self.browser.click(".all-logs a")
        self.browser.wait("document.querySelector('.row-detail .logs')")
        self.open(f"/trace/{2:032x}", "document.querySelector('.row')")
        self.assertNotIn("log line", self.text())

    def test_keys(self):
        self.open(f"/trace/{2:032x}", "document.querySelector('.row')")
        chosen = "return document.querySelector('.row.selected')?.dataset.index"
        self.browser.press("\ue015")  # down
        self.assertEqual(self.browser.run(chosen), "1")
        self.browser.press("\ue012")  # left: fold
        self.browser.wait("document.querySelectorAll('.row').length === 2")
        self.browser.press("\ue014")  # right
        self.browser.wait("document.querySelectorAll('.row').length === 6")
        self.browser.press("\ue007")  # enter
        self.browser.wait("document.querySelector('.row-detail')")
        self.browser.press("/")
        self.assertEqual(self.browser.run("return document.activeElement.type"), "search")
        self.browser.press("f")
        self.browser.press("x")
        self.browser.wait("document.querySelector('.finder output').textContent === '1 match'")
        self.browser.press("\ue00c")  # escape
        self.browser.press("?")
        self.browser.wait("document.querySelector('dialog[open]')")
        self.browser.press("?")
        self.browser.wait("!document.querySelector('dialog')")

    def test_other_views(self):
        for path, ready in (("/map?last=1h", "document.querySelectorAll('.node').length >= 5"),
                            (f"/trace/{1:032x}?show=flame",
                             "document.querySelectorAll('.flame button').length >= 6"),
                            (f"/trace/{1:032x}?show=operations",
                             "document.querySelectorAll('tbody tr').length === 6"),
                            ("/flame?last=1h&service=shop",
                             "document.querySelectorAll('.flame button').length >= 6"),
                            ("/findings?last=1h", "document.querySelector('.findings, .note.info')"),
                            (f"/findings?start={iso(NOW)}&end={iso(NOW + 60 * 10**9)}&service=shop",
                             "document.querySelector('.finding .exemplars a')"),
                            (f"/compare?before_start={iso(NOW)}&before_end={iso(NOW + 9 * 10**9)}"
                             f"&after_start={iso(NOW + 9 * 10**9)}&after_end={iso(NOW + 60 * 10**9)}",
                             "document.querySelectorAll('.delta').length >= 2")):
            with self.subTest(path):
                self.open(path, ready)

    def test_finding_leads_to_its_span(self):
        self.open(f"/findings?start={iso(NOW)}&end={iso(NOW + 60 * 10**9)}&service=shop",
                  "document.querySelector('.exemplars a')")
        self.browser.click(".exemplars a")
        self.browser.wait("document.querySelector('.row.selected') "
                          "&& document.querySelector('.row-detail')")

    def test_a_finding_has_an_address(self):
        """Also one in short, and one whose time went on since."""
        begin = NOW / 10**9
        self.open(f"/findings?at={begin:.1f},60.5&service=shop",
                  "document.querySelector('.finding .own')")
        self.assertEqual(self.browser.run("return document.querySelectorAll('.chosen').length"), 0)
        self.browser.click(".finding .own")
        self.browser.wait("document.querySelector('.finding.chosen')")
        address = self.browser.run("return location.pathname + location.search")
        self.assertIn("finding=sequential_calls+shop+POST+%2Fquotes", address)
        self.assertNotIn("last=", address)
        self.open(address, "document.querySelector('.finding.chosen')")
        self.assertIn("chosen", self.browser.run("return document.activeElement.className"))
        self.open(address.replace("shop+", "none+"), "document.querySelector('.note.warn')")
        self.assertIn("not among those", self.text(".note.warn"))

    def test_the_address_of_a_trace_follows(self):
        self.open(f"/trace/{2:032x}", "document.querySelector('.row')")
        query = "return location.search"
        self.browser.press("\ue015")  # down
        self.browser.press("\ue007")  # enter: details
        self.browser.wait("document.querySelector('.row-detail')")
        self.assertEqual(self.browser.run(query), f"?span={2:016x}")
        self.browser.press("\ue007")
        self.assertEqual(self.browser.run(query), "")
        self.browser.click(".tabs button:nth-child(2)")
        self.assertEqual(self.browser.run(query), "?show=flame")
        self.browser.press("\ue014")  # right: the next tab
        self.assertEqual(self.browser.run(query), "?show=operations")

    def test_windows_by_hand(self):
        self.open("/compare?last=1h", "document.querySelector('.by-hand')")
        self.browser.run("document.querySelector('.by-hand').open = true")
        self.browser.click(".by-hand button")
        self.browser.wait("document.querySelectorAll('.delta').length >= 2")
        for name in ("before_start", "before_end", "after_start", "after_end"):
            self.assertIn(name, self.browser.run("return location.search"))

    def test_map_on_a_small_screen(self):
        """A list of calls in place of the drawing."""
        shown = ("return ['.map', '.call-tree'].map((one) => document.querySelector(one)"
                 ".checkVisibility())")
        self.open("/map?last=1h", "document.querySelector('.node')")
        self.assertEqual(self.browser.run(shown), [True, False])
        self.resize(400)
        try:
            self.assertEqual(self.browser.run(shown), [False, True])
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), 400)
            self.assertRegex(self.text(".call-tree"), r"front\s[^\n]*\n\s*shop\s")
        finally:
            self.resize(1280)

    def test_a_call_tells_its_figures(self):
        self.open("/map?last=1h", "document.querySelector('.node')")
        self.browser.run("""const call = [...document.querySelectorAll('.call')].find((one) =>
          one.querySelector('title').textContent.startsWith('front → shop'));
          call.dispatchEvent(new PointerEvent('pointerenter'));""")
        self.assertRegex(self.text(".map-words"), r"^front → shop: .*/s, 0 errors, p50 .*, p99 ")

    def test_hostile_text_stays_text(self):
        for path, ready in (("/search?last=1h&limit=500", "document.querySelector('td.root a')"),
                            (f"/trace/{0xe41:032x}", "document.querySelector('.row')"),
                            (f"/trace/{0xe41:032x}?show=flame", "document.querySelector('.flame button')"),
                            (f"/trace/{0xe41:032x}?show=operations", "document.querySelector('tbody')"),
                            ("/map?last=1h", "document.querySelector('.node')"),
                            ("/flame?last=1h", "document.querySelector('.flame button')"),
                            ("/findings?last=1h", "document.querySelector('.figures')")):
            with self.subTest(path):
                self.open(path, ready)
                self.assertEqual(self.browser.run(
                    "return document.querySelectorAll('main img, main script, main svg svg,"
                    " [onerror], [onload], a[href^=javascript]').length"), 0)

    def test_hostile_details(self):
        self.open(f"/trace/{0xe41:032x}", "document.querySelectorAll('.row').length === 7")
        for number in range(1, 4):
            self.browser.run("document.querySelectorAll('.row')[arguments[0]].click()", number)
            self.browser.wait(f"document.querySelectorAll('.row-detail').length === {number}")
        text = self.text(".rows")
        for words in EVIL[1:3]:
            self.assertIn(words, text)

    def test_nothing_reaches_out_of_the_window(self):
        for path, ready in (("/search?last=1h&limit=500", "document.querySelector('td.root a')"),
                            (f"/trace/{0xe41:032x}", "document.querySelector('.row')"),
                            (f"/trace/{0xe41:032x}?show=operations", "document.querySelector('tbody')"),
                            (f"/trace/{0xe41:032x}?span={7:016x}",
                             "document.querySelector('.row-detail')"),
                            ("/map?last=1h", "document.querySelector('.node')"),
                            ("/findings?last=1h", "document.querySelector('.figures')"),
                            ("/flame?last=1h", "document.querySelector('.flame button')")):
            self.open(path, ready)
            for width in (400, 1280):
                with self.subTest(f"{path} at {width}"):
                    self.resize(width)
                    self.assertLessEqual(self.browser.run(
                        "return document.documentElement.scrollWidth"), width)

    def test_deep_trace(self):
        self.open(f"/trace/{0xdee9:032x}", "document.querySelector('.row')")
        self.assertIn("5,000 deep", self.text(".trace-head"))
        self.browser.press("\ue010")  # end
        self.browser.wait("document.querySelector('.row.selected')?.dataset.index === '4999'")
        self.assertLess(self.browser.run("return document.querySelectorAll('.row').length"), 100)

    def test_a_trace_of_80000_spans(self):
        """What is asked of it happens, with a screenful of rows in the document at any time."""
        rows = "return document.querySelectorAll('.row').length"
        self.open(f"/trace/{0xb16:032x}", "document.querySelector('.row')")
        self.assertIn("80,000 spans", self.text(".trace-head"))
        self.assertLess(self.browser.run(rows), 100)
        self.browser.press("\ue010")  # end
        self.browser.wait("document.querySelector('.row.selected .name').textContent.includes('<')")
        for share in (0.1, 0.5, 0.9, 0):
            self.browser.run("const list = document.querySelector('.rows');"
                             "list.scrollTop = list.scrollHeight * arguments[0]", share)
            self.browser.wait("[...document.querySelectorAll('.row')].some((row) => {"
                              "const at = row.getBoundingClientRect().top - document.querySelector("
                              "'.rows').getBoundingClientRect().top; return at >= 0 && at < 24; })")
            self.assertLess(self.browser.run(rows), 100)
        self.browser.press("/")
        for key in "needle":
            self.browser.press(key)
        self.browser.wait("document.querySelector('.finder output').textContent === '1 match'")
        self.browser.press("\ue007")  # enter: to the match
        self.browser.wait("document.querySelector('.row.selected .name').textContent === 'needle'")
        self.browser.press("\ue00c")  # escape
        self.browser.press("\ue007")
        self.browser.wait("document.querySelector('.row-detail')?.innerText.includes('80000')")
        for tab, ready in ((2, ".flame button"), (3, "tbody tr"), (1, ".row")):
            self.browser.click(f".tabs button:nth-child({tab})")
            self.browser.wait(f"document.querySelector('{ready}')")
            self.assertLess(self.browser.run("return document.querySelectorAll('main *').length"),
                            12000)

    def path(self, spans):
        """id:start-end of the page's critical path; spans are (parent, service, kind, from, to)."""
        raw = [{"resource": {"attributes": attributes(service__name=service.split("@")[0]) + (
            attributes(host__id=service.split("@")[1]) if "@" in service else [])},
                "scopeSpans": [{"spans": [span(1, number, parent, "work", kind, NOW + start * 1000,
                                               (end - start) / 1000)]}]}
               for number, (parent, service, kind, start, end) in enumerate(spans, 1)]
        answer = self.browser.cdp("Runtime.evaluate", awaitPromise=True, returnByValue=True,
                                  expression=f"""(async () => {{
            const {{buildAll}} = await import("/assets/model.js");
            const {{criticalPath}} = await import("/assets/critical.js");
            return criticalPath(buildAll({json.dumps(raw)})[0].root).map(({{span, start, end}}) =>
              `${{parseInt(span.id, 16)}}:${{start / 1000}}-${{end / 1000}}`).join(" ");
        }})()""")
        return answer["result"]["value"]

    def test_critical_path(self):
        """The rows of tests/unit/critical_path_test.c: both must say the same."""
        with open(f"{ROOT}/tests/unit/critical_path_test.c", encoding="utf-8") as file:
            table = file.read().split("path_rows[] = {", 1)[1].split("\n};", 1)[0]
        kinds = {"I": 1, "S": 2, "C": 3, "OTLP_KIND_PRODUCER": 4, "OTLP_KIND_CONSUMER": 5}
        rows = re.findall(r'\{"(it [^"]+)",\s*\{(\{.*?\})\},\s*"([^"]*)"\}', table, re.DOTALL)
        self.assertGreater(len(rows), 8)
        self.open("/search", "document.querySelector('form')")
        for name, body, wanted in rows:
            spans = [(int(parent), service, kinds[kind], int(start), int(end))
                     for parent, service, kind, start, end in re.findall(
                         r'\{(\d+), "([^"]+)", (\w+), (\d+), (\d+)\}', body)]
            with self.subTest(name):
                self.assertEqual(self.path(spans), wanted)


    def test_critical_path_of_any_tree(self):
        """Spans that hang anywhere, overlap, stick out, go backwards: the path covers the root."""
        self.open("/search", "document.querySelector('form')")
        chance = random.Random(7)
        for _ in range(20):
            spans = [(0, "a@x", 2, 1000, 2000)]
            for number in range(1, chance.randrange(2, 40)):
                start = 900 + chance.randrange(1200)
                spans.append((chance.randrange(number) + 1, chance.choice(["a@x", "b@y", "c", "d@x"]),
                              chance.randrange(6), start, start - 20 + chance.randrange(800)))
            at = None
            for part in self.path(spans).split(" "):
                begin, end = map(float, part.split(":")[1].split("-"))
                self.assertTrue(at is None or at == begin, spans)
                self.assertGreater(end, begin)
                first, at = (begin if at is None else first), end
            self.assertAlmostEqual(at - first, 1000, places=3)

    def test_markup_is_refused(self):
        """The policy holds: text cannot become markup even where a program tries."""
        self.open("/search", "document.querySelector('form')")
        self.assertTrue(self.browser.run(
            "try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; }"))
        self.browser.messages()


@unittest.skipUnless(browser.is_there(), NO_BROWSER)
class Lost(Case):
    """Where spans were lost the page says so by itself, on every view."""
    flags = ("--settle-ms", "50")

    def test_warns(self):
        seen = browser.Browser()
        try:
            base = f"http://127.0.0.1:{self.collector.query}"
            shown = "!document.getElementById('loss').hidden"
            self.collector.post(request(a=[span(1, 1, 0, "whole", 2, NOW, 5)]))
            seen.open(f"{base}/search?last=1h")
            seen.wait("document.querySelector('td.root a')")
            seen.wait("performance.getEntriesByName(location.origin + '/api/culprit/health')"
                      ".some((one) => one.responseEnd > 0)")
            self.assertFalse(seen.run(f"return {shown}"))
            bad = span(2, 1, 0, "no id", 2, NOW, 5)
            bad["traceId"] = "0" * 32
            self.collector.post(request(a=[bad, bad]))
            self.collector.post(b"{")
            for path in ("/search?last=1h", "/map", f"/trace/{1:032x}"):
                seen.open(base + path)
                seen.wait(shown)
                words = seen.run("return document.getElementById('loss').innerText")
                self.assertIn("2 spans were lost", words)
                self.assertIn("2 refused by the collector", words)
                self.assertIn("1 batch", words)
            seen.click("#loss button")
            self.assertFalse(seen.run(f"return {shown}"))
        finally:
            seen.stop()


if __name__ == "__main__":
    main()
