#!/usr/bin/env python3
"""Every planted fault is found at the same place in traces of a program that says less: without the
attributes that no semantic convention knows (sqlite's counters), and without texts of statements and
counts of rows as well. What remains are times, the shape of the traces and the usual attributes; the
finding may be less sure, never elsewhere."""
import glob
import json
import sys
import tempfile
import time
import urllib.request

from culprit import Up, culprit
from stack import ROOT, SLOW, main

# Namespaces of the semantic conventions, and what Jaeger's form adds.
CONVENTIONS = ("client.", "db.", "error.", "http.", "messaging.", "network.", "otel.", "server.",
               "service.", "url.", "user_agent.")
JAEGER = ("error", "span.kind")


def is_convention(key):
    return key.startswith(CONVENTIONS) or key in JAEGER


KEPT = {"all": lambda key: True,
        "conventions": is_convention,
        "no statements": lambda key: is_convention(key) and
        not key.startswith(("db.query.", "db.response."))}
WINDOW_S = 3
GAP_US = 500000


def get(url, path):
    with urllib.request.urlopen(url + path, timeout=60 * SLOW) as answer:
        return json.load(answer)["data"]


def read_traces(url, since_us, peer):
    """The generator's traces since then, and those of `peer` where it is a service: fragments, if
    its context was lost."""
    traces = {}
    for service in {"loadgen", peer} & set(get(url, "/api/services")):
        found = get(url, f"/api/traces?service={service}&limit=10000&start={since_us}"
                         f"&end={int(time.time() * 1e6)}")
        traces.update((trace["traceID"], trace) for trace in found)
    return list(traces.values())


def start_of(trace):
    return min(span["startTime"] for span in trace["spans"])


def windows(traces, requests):
    """(healthy, faulty): the last two windows of `requests` checkouts each. Whatever belongs to a
    checkout, its cart or a fragment, begins near it; between windows is more than GAP_US."""
    checkouts = sorted(start_of(trace) for trace in traces
                       if any(span["operationName"] == "POST /checkout" and not span["references"]
                              for span in trace["spans"]))
    healthy_us, faulty_us = (checkouts[-n * requests] - GAP_US for n in (2, 1))
    return ([t for t in traces if healthy_us <= start_of(t) < faulty_us],
            [t for t in traces if start_of(t) >= faulty_us])


def strip(traces, keep):
    return [dict(trace, spans=[dict(span, tags=[tag for tag in span["tags"] if keep(tag["key"])])
                               for span in trace["spans"]]) for trace in traces]


def diagnose(healthy, faulty):
    with tempfile.TemporaryDirectory() as directory:
        for name, traces in (("healthy", healthy), ("faulty", faulty)):
            with open(f"{directory}/{name}.json", "w", encoding="utf-8") as file:
                json.dump({"data": traces}, file)
        done = culprit("diagnose", "--baseline", f"{directory}/healthy.json",
                       f"{directory}/faulty.json", "--json", f"{directory}/findings.json")
        assert done.returncode in (0, 99), done
        with open(f"{directory}/findings.json", encoding="utf-8") as file:
            return json.load(file)["findings"]


def run_both_windows(up, name, peer):
    """(healthy, faulty) of a scenario at its own rate."""
    since_us = int(time.time() * 1e6)
    path = f"{up.directory.name}/{name}.json"
    done = culprit("run", name, "--duration", str(WINDOW_S), "--target", up.path, "--json", path)
    assert done.returncode in (0, 99), done
    with open(path, encoding="utf-8") as file:
        requests = json.load(file)["requests"] // 2
    return windows(read_traces(up.told["endpoints"]["query"], since_us, peer), requests)


def planted_alone():
    """(name, expected finding) of the scenarios that plant one fault."""
    for path in sorted(glob.glob(f"{ROOT}/scenarios/*.json")):
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
        findings = scenario.get("expect", {}).get("findings", [])
        if len(findings) == 1:
            yield scenario["name"], findings[0]


def test_it_finds_the_same_place_in_traces_that_say_less():
    seen = set()
    with Up() as up:
        for name, expected in planted_alone():
            healthy, faulty = run_both_windows(up, name, expected.get("peer"))
            assert healthy and len(faulty) >= len(healthy) * 0.8, (name, len(healthy), len(faulty))
            for words, keep in KEPT.items():
                found = [f for f in diagnose(strip(healthy, keep), strip(faulty, keep))
                         if f["state"] == "regression" and f["confidence"] in ("strong", "proved")]
                print(f"  {name:24} {words:14}", ", ".join(
                    f"{f['kind']} ({f['confidence']}) {f['service']} {f['operation']}"
                    for f in found))
                assert {(f["service"], f["operation"]) for f in found} == \
                    {(expected["service"], expected["operation"])}, (name, words, found)
                seen.add(name)
    assert len(seen) >= 6, seen


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
