#!/usr/bin/env python3
"""The page's views in a real Chromium (left out with a line where there is none)."""
import json
import os
import random
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import collector_health_test
import page_kit
from collector_kit import ROOT, Case, Collector, attributes, main, request, span
from page_kit import EVIL, MS, NO_BROWSER, NOW, iso


class Views(page_kit.Seen):
    """Each view, from good traces."""

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


@unittest.skipUnless(browser.is_there(), NO_BROWSER)
class LostLogs(unittest.TestCase):
    """Of log records too, and of a store that is opened later."""

    def test_warns(self):
        sender = collector_health_test.Sender(
            'otel_sdk_processor_log_processed_total{error_type="queue_full"} 5\n')
        self.addCleanup(sender.stop)
        os.environ["CULPRIT_ENDPOINTS"] = f"cart=127.0.0.1:{sender.port}"
        self.addCleanup(os.environ.pop, "CULPRIT_ENDPOINTS", None)
        with tempfile.TemporaryDirectory(prefix="collector-") as directory:
            for flags in ((), ("--no-ingest",)):
                collector = Collector(directory, *flags)
                self.addCleanup(collector.stop)
                seen = browser.Browser()
                self.addCleanup(seen.stop)
                seen.open(f"http://127.0.0.1:{collector.query}/search?last=1h")
                seen.wait("!document.getElementById('loss').hidden")
                words = seen.run("return document.getElementById('loss').innerText")
                self.assertIn("5 log records were lost (5 by cart, before", words)
                self.assertNotIn("span", words)
                collector.stop()
                os.environ["CULPRIT_ENDPOINTS"] = ""


if __name__ == "__main__":
    main()
