#!/usr/bin/env python3
"""Walks through the page as README's "The first fault, in ten minutes" says, on a run of its own, in
a real Chromium, and takes the pictures that README shows. Each step checks that there is to see what
README promises; it ends with status 1 at the first that is not.

usage: pictures.py [--out DIR]    CULPRIT_BIN names the programs' directory"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/integration", f"{ROOT}/tests/e2e"]
import browser
import png

BIN = os.environ.get("CULPRIT_BIN", f"{ROOT}/build/release/bin")
QUOTES = ["GET /vat", "GET /duty", "GET /rate", "GET /fee", "GET /coupon", "GET /loyalty"]
PICTURE_MAX_BYTES = 150 * 1000
WIDE, TALL = 1200, 640
# Where a call's bar begins and ends, as shares of the view, by name, of pricing's rows.
BARS = """return Object.fromEntries([...document.querySelectorAll('.row')].filter((row) =>
  row.querySelector('b').textContent === 'pricing' && row.querySelector('.bar')).map((row) =>
  [row.querySelector('.name').textContent, [parseFloat(row.querySelector('.bar').style.left),
   parseFloat(row.querySelector('.bar').style.left)
   + parseFloat(row.querySelector('.bar').style.width)]]))"""


def check(holds, words):
    if not holds:
        raise AssertionError(words)


def milliseconds(text):
    number, unit = re.search(r"([\d.]+)\s*(µs|ms|s)\b", text).groups()
    return float(number) * {"µs": 0.001, "ms": 1, "s": 1000}[unit]


class Walk:
    """One walk over the page at `base`."""

    def __init__(self, base, out):
        self.base, self.out = base, out
        self.seen = browser.Browser(WIDE, TALL)

    def size(self, height):
        self.seen.cdp("Emulation.setDeviceMetricsOverride", width=WIDE, height=height,
                      deviceScaleFactor=1, mobile=False)

    def picture(self, name, height=TALL):
        """The window as it is then, with nothing hovered over."""
        self.size(height)
        self.seen.wait("new Promise((done) => setTimeout(() => done(true), 300))")
        path = f"{self.out}/{name}.png"
        self.seen.screenshot(path)
        self.size(TALL)
        with open(path, "rb+") as file:
            small = png.shrink(file.read())
            file.seek(0)
            file.truncate()
            file.write(small)
        check(len(small) < PICTURE_MAX_BYTES, f"{path} has {len(small)} bytes")
        print(f"{path}  {os.path.getsize(path) // 1000} kB")

    def text(self, selector):
        return self.seen.run("return document.querySelector(arguments[0]).innerText", selector)

    def follow(self, words):
        """The link of the bar with these words."""
        self.seen.run("[...document.querySelectorAll('#nav a')].find((one) => "
                      "one.textContent === arguments[0]).click()", words)

    def checkouts(self):
        return "[...document.querySelectorAll('td.root a')].filter((one) => " \
               "one.innerText.includes('POST /checkout'))"

    def open_checkout(self, which):
        self.seen.wait(f"{self.checkouts()}.length > 100")
        self.seen.run(f"{self.checkouts()}.at(arguments[0]).click()", which)
        self.seen.wait("document.querySelector('.row')")
        return milliseconds(self.text(".trace-head .figures"))

    def bars(self):
        """pricing's calls in view; those further down are scrolled to."""
        self.seen.run("const list = document.querySelector('.rows'); list.scrollTop = 14 * 24")
        self.seen.wait("[...document.querySelectorAll('.row .name')].some((one) =>"
                       " one.textContent === 'GET /loyalty')")
        bars = self.seen.run(BARS)
        return sorted(bars[name] for name in QUOTES)

    # ---- the steps, as README has them

    def step_1(self):
        self.seen.open(f"{self.base}/search?last=all")
        self.seen.wait(f"{self.checkouts()}.length > 100")
        self.picture("traces")

    def step_2(self):
        self.slow = self.open_checkout(0)
        path = self.text(".went").replace("\n", " ")
        share = re.search(r"Critical path\s+pricing\s+[\d.]+\s*ms\s+(\d+)%", path)
        check(share and int(share.group(1)) > 85, f"not pricing: {path}")
        bars = self.bars()
        check(all(later[0] >= earlier[1] - 0.6 for earlier, later in zip(bars, bars[1:])),
              f"no staircase: {bars}")
        self.picture("trace", 900)

    def step_3(self):
        self.seen.run("history.back()")
        fast = self.open_checkout(-1)
        check(fast < self.slow / 3, f"before the change it took {fast} ms, then {self.slow} ms")
        bars = self.bars()
        check(max(start for start, _ in bars) < min(end for _, end in bars),
              f"not side by side: {bars}")

    def step_4(self):
        self.seen.run("history.back()")
        self.seen.wait("location.pathname === '/search'")
        self.follow("Map")
        self.seen.wait("document.querySelectorAll('.node').length > 20")
        p99 = dict(self.seen.run("return [...document.querySelectorAll('.node')].map((one) =>"
                                 " [one.querySelector('.title').textContent,"
                                 " one.querySelector('.small').textContent])"))
        slow = milliseconds(p99["pricing"].split("p99")[1])
        for partner in ("tax", "fx", "promo"):
            one = milliseconds(p99[partner].split("p99")[1])
            check(one < slow / 2, f"{partner} takes {one} ms, pricing {slow} ms")
        self.picture("map", 860)

    def drag(self, begin, end):
        """Over the points, from one share of their width to another."""
        box = self.seen.run("const box = document.querySelector('canvas').getBoundingClientRect();"
                            "return [box.left, box.top + box.height / 2, box.width]")
        place = lambda share: int(box[0] + 52 + (box[2] - 64) * share)
        move = lambda share, ms: {"type": "pointerMove", "duration": ms, "x": place(share),
                                  "y": int(box[1])}
        self.seen.ask("POST", "/actions", actions=[{
            "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [
                move(begin, 0), {"type": "pointerDown", "button": 0}, move((begin + end) / 2, 50),
                move(end, 50), {"type": "pointerUp", "button": 0}]}])

    def step_5(self):
        self.follow("Compare")
        self.seen.wait("document.querySelector('canvas') && document.querySelector('.by-hand')")
        self.drag(0.08, 0.5)
        self.seen.wait("document.querySelector('.key.before') && document.querySelector('canvas')"
                       " && document.querySelector('.by-hand')")
        self.drag(0.58, 0.99)
        self.seen.wait("document.querySelector('.finding') && document.querySelector('.delta')")
        found = self.text(".finding header").replace("\n", " ")
        check(re.match(r"(?i)sequential calls\s+pricing\s+POST /quotes", found), found)
        check(len(self.seen.run("return [...document.querySelectorAll('.finding')].map((one) =>"
                                " one.id)")) == 1, "more than one finding")
        self.picture("compare", 900)

    def step_6(self):
        self.seen.click(".exemplars a")
        self.seen.wait("document.querySelector('.row.selected') "
                       "&& document.querySelector('.row-detail')")
        self.seen.click(".tabs button:nth-child(2)")
        self.seen.wait("document.querySelector('.flame button')")
        names = self.seen.run("return [...document.querySelectorAll('.flame button')].map((one) =>"
                              " one.textContent)")
        check(sum(f"pricing {quote}" in names for quote in QUOTES) >= 5, f"not side by side: {names}")
        self.picture("flame", 480)

    def all(self):
        try:
            for step in (self.step_1, self.step_2, self.step_3, self.step_4, self.step_5,
                         self.step_6):
                step()
        finally:
            self.seen.stop()


def walk(store, out):
    opened = subprocess.Popen([f"{BIN}/culprit", "open", "--listen", "127.0.0.1:0", store],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        for line in opened.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                Walk(found.group(), out).all()
                return
    finally:
        opened.terminate()
        opened.wait(20)


def main():
    parser = argparse.ArgumentParser(description="takes the pictures of the page that README shows")
    parser.add_argument("--out", default=f"{ROOT}/tests/e2e/pictures")
    parser.add_argument("--store", help="a run of pricing-sequential that was kept, else one is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pictures-") as directory:
        store = arguments.store or f"{directory}/first.db"
        if not arguments.store:
            with open(f"{directory}/answer.txt", "wb") as answer:
                subprocess.run([f"{BIN}/culprit", "run", "pricing-sequential", "--keep", store],
                               stdin=subprocess.DEVNULL, stdout=answer, check=True)
        walk(store, arguments.out)


if __name__ == "__main__":
    main()
