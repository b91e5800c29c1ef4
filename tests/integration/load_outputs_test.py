#!/usr/bin/env python3
"""What `culprit load` and `culprit report` make of a report: page, summary, percentiles. The page
also in a real Chromium (left out with a line where there is none)."""
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

import browser
from culprit import CULPRIT
from load_kit import ANSWER, Server, friendly, load
from stack import ROOT, SLOW, main

EVIL = ["</script><script>window.evil=1</script>", "<img src=x onerror=window.evil=1>",
        "a|b `c` \u2028 <!-- ${x} &amp;", "javascript:window.evil=1"]
FAILED = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"


def every_fifth_fails(server, connection):
    def answer(request):
        number = int(request[2]["x-number"])
        return FAILED if request[1] == "/1" and number % 5 == 0 else ANSWER
    server.each(connection, answer)


def plan(target):
    steps = [{"name": words, "path": f"/{i}"} for i, words in enumerate(EVIL)]
    return {"schema": "culprit.load/1", "name": "n " + EVIL[2], "target": target,
            "arrivals": {"stages": [{"duration_s": 1, "rate": 50}]},
            "headers": {"X-Number": "${number}"}, "flows": [{"name": "f", "steps": steps}],
            "thresholds": [{"metric": "error_share", "at_most": 0.01, "step": EVIL[1]},
                           {"metric": "p99_ms", "at_most": 30000}]}


@contextlib.contextmanager
def made():
    """A directory with all outputs of one run."""
    with tempfile.TemporaryDirectory() as directory, Server(every_fifth_fails) as server:
        with open(f"{directory}/plan.json", "w", encoding="utf-8") as file:
            json.dump(plan(server.url), file, ensure_ascii=False)
        words = [word for kind in ("html", "markdown", "hgrm")
                 for word in (f"--{kind}", f"{directory}/r.{kind}")]
        done = load(f"{directory}/plan.json", *words)
        assert done.status == 99, str(done)
        with open(f"{directory}/r.json", "w", encoding="utf-8") as file:
            json.dump(done.report, file)
        yield directory, done


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def tool(*words):
    return subprocess.run([CULPRIT, *words], capture_output=True, text=True, cwd=ROOT,
                          timeout=60 * SLOW, check=False)


def report(*words):
    return tool("report", *words)


class Page(HTMLParser):
    VOID = {"meta", "link", "br", "img", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.embedded = [], [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.id = dict(attrs).get("id")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.embedded[self.id or self.open[-1]] = data


def test_the_page_is_whole_and_needs_nothing():
    with made() as (directory, done):
        text = text_of(f"{directory}/r.html")
    page = Page(text)
    assert page.tags.count("script") == 2 and page.tags.count("html") == 1, page.tags
    assert not set(page.tags) & {"link", "img", "iframe", "base", "object"}, page.tags
    assert not [name for name, _ in page.attributes if name in ("src", "href")], page.attributes
    policy = dict(page.attributes)["content"]
    assert "default-src 'none'" in "".join(v for _, v in page.attributes if v), policy
    data = page.embedded.pop("report")
    assert json.loads(data) == done.report
    for code in page.embedded.values():
        addresses = set(re.findall(r"https?://[\w.]+[^\s\"']*", code))
        assert addresses <= {"http://www.w3.org/2000/svg"}, addresses
        assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(|@import|url\(", code)


def test_the_page_is_made_later_from_the_report():
    with made() as (directory, done):
        later = report(f"{directory}/r.json", "--html", f"{directory}/later.html")
        assert later.returncode == 0 and not later.stdout, later
        page = Page(text_of(f"{directory}/later.html"))
        assert json.loads(page.embedded["report"]) == done.report


def test_the_summary_is_text():
    with made() as (directory, done):
        summary = text_of(f"{directory}/r.markdown")
        later = report(f"{directory}/r.json")
    assert later.returncode == 0 and later.stdout == summary, later
    assert len(summary) < 5000, len(summary)
    assert re.match("## \\S+ fail: n a", summary), summary
    rows = [line for line in summary.split("\n") if line.startswith("|")]
    tables = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert tables == {5, 11}, rows  # no name made a cell more
    outside = re.sub(r"&#\d+;|&gt;", "", summary)
    assert not re.search(r"[<>]|(?<!\\)`", outside), summary
    assert "| **10** |" in summary and "10 × unexpected status" in summary, summary
    assert "at most 0.01" in summary and "**broken**" in summary and "holds" in summary, summary


def percentiles(text):
    """What a plotter reads: rows of (value, percentile, count), and the footer's numbers."""
    rows, footer = [], {}
    for line in text.splitlines():
        numbers = line.split()
        if line.startswith("#["):
            for name, value in re.findall(r"([A-Z][A-Za-z ]*?)\s*=\s*([0-9.]+)", line):
                footer[name] = float(value)
        elif numbers and numbers[0] != "Value":
            assert len(numbers) in (3, 4), line
            rows.append((float(numbers[0]), float(numbers[1]), int(numbers[2])))
            if len(numbers) == 4:
                assert abs(float(numbers[3]) - 1 / (1 - rows[-1][1])) < 0.01 * float(numbers[3])
    return rows, footer


def check_percentiles(text, values_ms):
    """Against the values themselves, as far as a histogram of 0.2 % knows them."""
    rows, footer = percentiles(text)
    values = sorted(values_ms)
    assert [row[1] for row in rows] == sorted(row[1] for row in rows) and rows[-1][1] == 1, rows
    assert rows[0][1] == 0 and len(rows) > 15, rows
    for value, level, count in rows:
        rank = max(1, round(level * len(values) + 0.499999))
        assert values[min(rank, len(values)) - 1] <= value + 1e-6, (value, level)
        assert count >= rank - 1, (rank, count)
        assert sum(1 for one in values if one <= value * 1.0041 + 1e-6) >= count, (value, count)
    assert rows[-1][2] == footer["Total count"] == len(values), footer
    assert abs(footer["Max"] - values[-1]) <= 0.001 + values[-1] * 0.002, footer
    mean = sum(values) / len(values)
    assert abs(footer["Mean"] - mean) <= 0.001 + mean * 0.002, (footer, mean)
    deviation = (sum((one - mean) ** 2 for one in values) / len(values)) ** 0.5
    assert abs(footer["StdDeviation"] - deviation) <= 0.002 + deviation * 0.01, (footer, deviation)
    assert footer["Buckets"] == 32 and footer["SubBuckets"] == 512, footer


def values_of(steps):
    """By the words of the report's schema."""
    values = []
    for step in steps:
        buckets = step["histograms"]["latency"]["buckets"]
        for index, count in zip(buckets[::2], buckets[1::2]):
            shift = index // 256 - 1 if index >= 512 else 0
            lowest = (256 + index % 256) << shift if index >= 512 else index
            middle = (lowest + ((1 << shift) - 1) / 2) / 1e6
            most = step["histograms"]["latency"]["max_ns"] / 1e6
            values += [min(middle, most)] * int(count)
    return values


def test_percentiles_are_what_plotters_read():
    with made() as (directory, done):
        check_percentiles(text_of(f"{directory}/r.hgrm"), values_of(done.report["steps"]))
        one = report(f"{directory}/r.json", "--hgrm", "-", "--step", EVIL[1])
        assert one.returncode == 0, one
        check_percentiles(one.stdout, values_of(done.report["steps"][1:2]))


def test_it_says_what_is_wrong_with_a_report():
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/x.json"
        for text, words in (("{", "x.json:1:"), ('{"schema":"culprit.load-report/9"}', "schema"),
                            ('{"schema":"culprit.load-report/1",\n"name":3}', 'x.json:2: key "name"')):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = report(path, "--html", f"{directory}/x.html")
            assert done.returncode == 2 and words in done.stderr, done
        assert report(f"{directory}/none.json").returncode in (1, 2)
        assert report().returncode == 2
    with made() as (directory, _):
        done = report(f"{directory}/r.json", "--hgrm", "-", "--step", "nobody")
        assert done.returncode == 2 and 'no step "nobody"' in done.stderr, done


def test_standard_output_is_an_outputs_alone():
    with Server(friendly) as server, tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/r.json"
        words = ["load", server.url, "--rate", "20", "--duration", "1", "-q"]
        done = tool(*words, "--json", "-", "--hgrm", path)
        assert json.loads(done.stdout)["all"]["requests"] == 20 and "20 flows" in done.stderr, done
        done = tool(*words, "--markdown", "-", "--json", path)
        assert done.stdout.startswith("## ") and "20 flows" in done.stderr, done
        done = tool("compare", path, path, "--json", "-")
        assert json.loads(done.stdout)["before"] == [path] and "p50" in done.stderr, done


def test_it_sends_nothing_where_nothing_can_be_written():
    with Server(every_fifth_fails) as server:
        for kind in ("json", "html", "markdown", "hgrm"):
            for path, words in (("/nowhere/r", "/nowhere/r: cannot be written: No such file"),
                                (ROOT, "is a directory")):
                done = tool("load", server.url, "-q", f"--{kind}", path)
                assert done.returncode == 2 and words in done.stderr, done
    assert not server.requests


def check_in_browser(window, done):
    assert window.wait("document.querySelectorAll('svg').length === 4")
    assert window.run("return window.evil") is None
    assert window.run("return document.querySelectorAll('main :is(img, script, iframe, [onerror],"
                      " a)').length") == 0
    assert window.run("return document.querySelector('.badge').textContent") == "FAIL"
    names = window.run("return [...document.querySelectorAll('section table')][0].innerText")
    assert all(words.replace("\u2028", "") in names.replace("\u2028", "") for words in EVIL), names
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")
    drawn = window.run("return [...document.querySelectorAll('svg')].map((one) =>"
                       " one.querySelectorAll('path, rect, circle').length)")
    assert all(count > 0 for count in drawn), drawn
    shown = window.run(
        "const first = document.querySelector('.plot'); const box = first.getBoundingClientRect();"
        "first.dispatchEvent(new PointerEvent('pointermove', {clientX: box.x + box.width / 2}));"
        "return first.querySelector('.tip').innerText")
    assert re.search("p99\n[0-9.]+\\s*(µs|ms|s)$", shown.strip()), shown
    window.run("const one = document.querySelector('.controls select'); one.value = '1';"
               "one.dispatchEvent(new Event('change'))")
    bars = window.run("return [...document.querySelectorAll('figure')][1].querySelector('details')"
                      ".textContent")
    assert "failed" in bars, bars
    assert done.report["steps"][1]["outcomes"]["unexpected status"] == 10


def test_a_browser_shows_the_page_and_runs_no_name():
    if not browser.is_there():
        print("no Chromium: the page is not opened")
        return
    with made() as (directory, done):
        for width, dark in ((1280, False), (400, True)):
            window = browser.Browser(width=width, height=900, dark=dark)
            try:
                window.open(f"file://{directory}/r.html")
                check_in_browser(window, done)
                assert not [one for one in window.messages() if one["level"] == "SEVERE"]
            finally:
                window.stop()


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_")]))
