#!/usr/bin/env python3
"""Exit statuses and words of `culprit`, and its commands `faults` and `diagnose`."""
import json
import os
import sys
import tempfile
import time

from culprit import Up, culprit
from stack import main

HELP = [["--help"], ["up", "--help"], ["run", "--help"], ["load", "--help"], ["demo", "--help"],
        ["diagnose", "--help"], ["faults", "--help"], ["--version"]]
MISUSE = [[], ["nonsense"], ["up", "--nonsense"], ["up", "word"], ["up", "--ports", "some"],
          ["run"], ["run", "a", "b"], ["run", "baseline", "--rate", "x"],
          ["run", "baseline", "--rate", "-1"], ["run", "baseline", "--threads", "0"],
          ["run", "no-such-scenario"],
          ["run", "/nonexistent.json"], ["demo", "word"], ["demo", "--only", "no-such-scenario"],
          ["load"], ["load", "a", "b"], ["load", "/nonexistent.json"], ["load", "ftp://x/"],
          ["load", "http://127.0.0.1:1/", "--users", "2", "--rate", "2"],
          ["load", "http://127.0.0.1:1/", "--stages", "1:x"],
          ["load", "http://127.0.0.1:1/", "--engine", "none"],
          ["load", "https://127.0.0.1:1/", "--engine", "epoll"],
          ["load", "http://127.0.0.1:1/", "--header", "no colon"],
          ["load", "http://127.0.0.1:1/", "--connections", "2", "--threads", "3"],
          ["diagnose"], ["diagnose", "/nonexistent"], ["diagnose", "x", "--last", "soon"],
          ["faults"], ["faults", "break", "--target", "x"],
          ["faults", "set", "--target", "x"], ["faults", "list", "--target", "/nonexistent"],
          ["faults", "set", "nodot", "--target", "x"]]


def write(directory, name, text):
    path = f"{directory}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_it_helps_on_standard_output():
    for words in HELP:
        done = culprit(*words)
        assert done.returncode == 0 and done.stdout and not done.stderr, (words, done)
        assert max(len(line) for line in done.stdout.splitlines()) <= 100, words


def test_it_ends_with_2_when_misused():
    environment = {k: v for k, v in os.environ.items() if k != "CULPRIT_TARGET"}
    for words in MISUSE:
        done = culprit(*words, env=environment)
        assert done.returncode == 2 and not done.stdout and done.stderr, (words, done)


def test_it_says_what_a_url_begins_with():
    for word in ("127.0.0.1:1/x", "ftp://127.0.0.1:1/", "/nonexistent.json"):
        done = culprit("load", word)
        assert done.returncode == 2, done
        assert f"{word}: no such flow file, and no URL: those begin with http" in done.stderr, done


def test_it_names_the_flag_whose_number_is_wrong():
    for words in (["--rate", "-5"], ["--users", "70000"], ["--think", "4e6"]):
        done = culprit("load", "http://127.0.0.1:1/", *words)
        assert done.returncode == 2 and f"culprit load: {words[0]} is " in done.stderr, done


def test_it_names_file_line_and_key_of_a_wrong_scenario():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory, "x.json", '{"schema": "culprit.scenario/1",\n"nmae": "x"}')
        done = culprit("run", path)
        assert done.returncode == 2, done
        assert f'{path}:2: key "nmae": nobody knows it' in done.stderr, done.stderr


def test_it_ends_with_1_when_nobody_is_there():
    nobody = "http://127.0.0.1:1"
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory, "up.json", json.dumps(
            {"endpoints": {"frontend": nobody, "otlp": nobody, "query": nobody}}))
        for words in (["run", "baseline", "--target", path], ["faults", "list", "--target", path],
                      ["demo", "--target", path], ["diagnose", nobody]):
            done = culprit(*words)
            assert done.returncode == 1 and "refused" in done.stderr, (words, done)


def test_it_refuses_traces_that_are_none():
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("a.json", "{"), ("b.json", "[1, 2]"), ("c.bin", "\x01\x02"),
                           ("d.json", "")):
            path = write(directory, name, text)
            done = culprit("diagnose", path)
            assert done.returncode == 2 and path in done.stderr, (name, done)


def span(number, parent, kind, name, start_ms, end_ms, trace):
    start = 1_700_000_000_000 + trace * 1000
    return {"traceId": f"{trace + 1:032x}", "spanId": f"{number:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "", "name": name, "kind": kind,
            "startTimeUnixNano": str((start + start_ms) * 1_000_000),
            "endTimeUnixNano": str((start + end_ms) * 1_000_000)}


def healthy_traces(count):
    spans = [s for t in range(count) for s in (
        span(1, 0, 2, "POST /checkout", 0, 100, t), span(2, 1, 3, "GET /a", 10, 50, t),
        span(3, 1, 3, "GET /b", 10, 60, t))]
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return json.dumps({"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]})


def test_it_diagnoses_a_file():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory, "traces.json", healthy_traces(30))
        done = culprit("diagnose", path, "--baseline", path, "--json", f"{directory}/out.json")
        assert done.returncode == 0, done
        assert "90 spans, 30 whole requests" in done.stdout and "no finding" in done.stdout, done
        with open(f"{directory}/out.json", encoding="utf-8") as file:
            out = json.load(file)
        assert out["schema"] == "culprit.diagnose/1" and out["findings"] == []


def test_it_switches_faults_and_diagnoses_an_address():
    with Up() as up:
        target = ["--target", up.path]
        before = up.rows()
        done = culprit("faults", "set", "pricing.sequential_calls", *target)
        assert done.returncode == 0, done
        assert up.rows() == {**before, "pricing.sequential_calls": True}
        done = culprit("faults", "list", *target)
        assert "pricing.sequential_calls  on" in done.stdout, done.stdout
        done = culprit("faults", "set", "checkout.lost_context=payment", *target)
        rows = up.rows()
        assert rows["checkout.lost_context"] == "payment", rows
        assert not rows["pricing.sequential_calls"], rows
        done = culprit("faults", "set", "pricing.nonsense", *target)
        assert done.returncode == 2 and "it has sequential_calls" in done.stderr, done
        assert culprit("faults", "reset", *target).returncode == 0
        assert up.rows() == before
        done = culprit("diagnose", up.told["endpoints"]["query"])
        assert done.returncode == 2 and "no trace" in done.stderr, done
        up.get("frontend", "/products?limit=1")
        time.sleep(1)  # the exporters' delay
        done = culprit("diagnose", up.told["endpoints"]["query"], "--last", "1m")
        assert done.returncode == 0 and "1 whole request" in done.stdout, done


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
