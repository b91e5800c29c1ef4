"""What the tests of the page share: traces of a small shop, and a collector with a browser on it."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
from collector_kit import Case, attributes, request, span

NOW = time.time_ns() - 60 * 10**9
MS = 10**6
NO_BROWSER = "no chromium and chromedriver (make deps-page)"
EVIL = ['<img src=x onerror="window.hit=1">', "<script>window.hit=1</script>",
        "javascript:window.hit=1", '"><svg onload=window.hit=1>', "{{hit=1}}${window.hit=1}",
        "</title><script>window.hit=1</script>", "' onmouseover='window.hit=1",
        '<a href="javascript:window.hit=1">x</a>', '<iframe srcdoc="<script>top.hit=1</script>">',
        "<svg/onload=window.hit=1>", "<math><style><img src=x onerror=window.hit=1></style>",
        "&lt;script&gt;window.hit=1&lt;/script&gt;", "data:text/html,<script>top.hit=1</script>",
        "<style>*{background:url(//x.invalid)}</style>", "<base href=//x.invalid>",
        "<meta http-equiv=refresh content=0;url=//x.invalid>", "__proto__", "constructor",
        "../../search?last=1h#x", "%3Cscript%3Ewindow.hit=1%3C/script%3E",
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


@unittest.skipUnless(browser.is_there(), NO_BROWSER)
class Seen(Case):
    """In a real browser. Whatever a test does: no error in the console, no script of others."""
    flags = ("--settle-ms", "50")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.send()
        cls.collector.wait(lambda status: status["spans_open"] == 0, 60)
        cls.browser = browser.Browser()

    @classmethod
    def send(cls):
        """Thirty checkouts; the first of them with an error, an event and a link."""
        for number in range(1, 31):
            front, shop = checkout(number, NOW + number * 10**9, 90, True)
            if number == 1:
                shop[1].update(status={"code": 2, "message": "no answer"}, events=[
                    {"name": "exception", "timeUnixNano": str(NOW + 10**9 + 9 * MS),
                     "attributes": attributes(exception__message="reset by peer")}],
                               links=[{"traceId": f"{2:032x}", "spanId": f"{1:016x}"}])
            cls.collector.post(request(front=front, shop=shop))

    @classmethod
    def tearDownClass(cls):
        cls.browser.stop()
        super().tearDownClass()

    def open(self, path, ready):
        self.browser.open(f"http://127.0.0.1:{self.collector.query}{path}")
        return self.browser.wait(ready)

    def resize(self, width):
        self.browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=800,
                         deviceScaleFactor=1, mobile=False)

    def tearDown(self):
        """Whatever a test did: no error in the console, no script of others ran."""
        said = [one for one in self.browser.messages() if one["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(said, [])
        self.assertFalse(self.browser.run("return window.hit === 1"))

    def text(self, selector="main"):
        return self.browser.run("return document.querySelector(arguments[0]).innerText", selector)
