#!/usr/bin/env python3
"""The page in a real Chromium (left out with a line where there is none) on traces that somebody
made to do harm: markup and scripts in every name, names of 10 kB, 5,000 levels, 80,000 spans."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import page_kit
from collector_kit import attributes, main, request, span
from page_kit import EVIL, NOW

HUGE = 80000
LONG_AGO = NOW - 7200 * 10**9  # out of the other tests' sight


class Hostile(page_kit.Seen):
    """Text stays text, and what is asked for happens."""

    @classmethod
    def send(cls):
        super().send()
        cls.send_hostile()
        cls.send_huge()

    @classmethod
    def send_hostile(cls):
        """A service for each payload, which stands in every text that a span has."""
        services = {}
        for number, words in enumerate(EVIL, 1):
            pairs = [{"key": words, "value": {"stringValue": words}},
                     {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": words}]}}},
                     {"key": "map", "value": {"kvlistValue": {"values": [
                         {"key": words, "value": {"stringValue": words}}]}}}]
            services[words] = [span(
                0xe41, number, 0 if number == 1 else 1, words, 2, NOW, 10 + number,
                attributes=pairs, traceState=words,
                events=[{"name": words, "timeUnixNano": str(NOW), "attributes": pairs}],
                links=[{"traceId": f"{2:032x}", "spanId": f"{1:016x}", "attributes": pairs}],
                status={"code": 2, "message": words})]
        sent = request(**services)
        for one, words in zip(sent["resourceSpans"], EVIL):
            one["resource"]["attributes"].append({"key": words, "value": {"stringValue": words}})
            one["scopeSpans"][0]["scope"] = {"name": words, "version": words}
        assert cls.collector.post(sent)[0] == 200
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

    def check_bare(self):
        """Nothing in the document that the page did not make."""
        self.assertEqual(self.browser.run(
            "return document.querySelectorAll('main :is(img, script, iframe, style, base, meta, math),"
            " main svg svg, [onerror], [onload], [onmouseover], a[href^=javascript], a[href^=data]')"
            ".length"), 0)

    def test_hostile_text_stays_text(self):
        for path, ready in (("/search?last=1h&limit=500", "document.querySelector('td.root a')"),
                            (f"/trace/{0xe41:032x}", "document.querySelector('.row')"),
                            (f"/trace/{0xe41:032x}?show=flame", "document.querySelector('.flame button')"),
                            (f"/trace/{0xe41:032x}?show=operations", "document.querySelector('tbody')"),
                            ("/map?last=1h", "document.querySelector('.node')"),
                            ("/flame?last=1h", "document.querySelector('.flame button')"),
                            ("/findings?last=1h", "document.querySelector('.figures')"),
                            (f"/compare?before_at={NOW // 10**9 - 60},60&last=1h"
                             f"&after_at={NOW // 10**9},90", "document.querySelector('.delta')")):
            with self.subTest(path):
                self.open(path, ready)
                self.check_bare()

    def test_hostile_details(self):
        self.open(f"/trace/{0xe41:032x}", f"document.querySelectorAll('.row').length === {len(EVIL)}")
        for number, words in enumerate(EVIL, 1):
            self.open(f"/trace/{0xe41:032x}?span={number:016x}",
                      "document.querySelector('.row-detail')")
            self.browser.run("document.querySelectorAll('details').forEach((one) => {"
                             "one.open = true; })")
            for selector in (".row-detail h2", ".failure", ".pairs dt", ".pairs dd", ".events b",
                             ".events dd", ".links dd"):
                with self.subTest(f"{words[:40]}: {selector}"):
                    self.assertIn(words, self.browser.run(
                        "return document.querySelector(arguments[0]).textContent", selector))
            self.check_bare()

    def test_nothing_reaches_out_of_the_window(self):
        for path, ready in (("/search?last=1h&limit=500", "document.querySelector('td.root a')"),
                            (f"/trace/{0xe41:032x}", "document.querySelector('.row')"),
                            (f"/trace/{0xe41:032x}?show=operations", "document.querySelector('tbody')"),
                            (f"/trace/{0xe41:032x}?span={len(EVIL):016x}",
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

    def test_markup_is_refused(self):
        """The policy holds: text cannot become markup even where a program tries."""
        self.open("/search", "document.querySelector('form')")
        self.assertTrue(self.browser.run(
            "try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; }"))
        self.browser.messages()


if __name__ == "__main__":
    main()
