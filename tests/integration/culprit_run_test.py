#!/usr/bin/env python3
"""`culprit run` and `culprit demo`: real services, real load, verdicts from the traces alone."""
import contextlib
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

from culprit import CULPRIT, Up, culprit
from stack import BIN, ROOT, SLOW, main

LOAD = ["--rate", "10", "--duration", "4"]
KEYS = {"schema", "verdict", "requests", "coverage", "spans", "latency_ms", "trace_latency_ms",
        "findings", "unexplained_ms"}


def run(target, scenario, *words):
    """(finished process, its JSON)"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/run.json"
        done = culprit("run", scenario, *LOAD, *words, "--target", target, "--json", path)
        if not os.path.exists(path):
            raise AssertionError(done)
        with open(path, encoding="utf-8") as file:
            return done, json.load(file)


def places(told):
    return [(f["kind"], f["service"], f["operation"]) for f in told["findings"]]


def check_whole(told, requests=80):
    assert KEYS <= set(told), KEYS - set(told)
    assert told["schema"] == "culprit.run/1" and told["requests"] == requests, told
    assert told["cut_short"] == "", told
    assert told["traces"] == 2 * requests, told
    assert told["coverage"] == 1 and told["failed"] == 0, told
    assert told["spans"]["found"] == told["spans"]["expected"] > 0, told["spans"]
    assert told["spans"]["dropped"] == 0, told["spans"]
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"] <= told["latency_ms"]["max"]
    assert 0 < told["trace_latency_ms"]["p50"] <= told["trace_latency_ms"]["p99"]


def test_it_finds_nothing_in_a_healthy_system():
    with Up() as up:
        before = up.rows()
        done, told = run(up.path, "baseline")
        assert done.returncode == 0, done
        check_whole(told)
        assert told["verdict"] == "pass" and told["findings"] == [] and told["connected"] == 1
        assert told["as_expected"] == 1 and told["spans"]["orphans"] == 0
        assert up.rows() == before


def test_it_warns_when_spans_were_lost():
    # a queue of one span in a service that ends several at a time
    with Up(environment={"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}) as up:
        done, told = run(up.path, "baseline")
        assert told["spans"]["dropped"] > 0, told["spans"]
        assert told["verdict"] == "inconclusive" and done.returncode == 97, done
        assert "spans were lost on their way (" in done.stdout, done.stdout
        health = up.get("query", "/api/culprit/health")
        assert not health["complete"] and health["spans_lost"] > 0, health
        losers = [row["name"] for row in health["senders"] if row["spans_lost"]]
        assert losers and any(name in done.stdout for name in losers), (losers, done.stdout)


def test_it_keeps_with_the_traces_that_spans_were_lost():
    with tempfile.TemporaryDirectory() as directory:
        store = f"{directory}/kept.db"
        done = culprit("run", "baseline", *LOAD, "--keep", store, env=dict(
            os.environ, OTEL_BSP_MAX_QUEUE_SIZE="1", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1"))
        assert "spans were lost on their way (" in done.stdout, done.stdout
        with opened(store) as get:
            health = get("/api/culprit/health")
        losers = [row["name"] for row in health["senders"] if row["spans_lost"]]
        assert not health["complete"] and losers, health
        assert any(name in done.stdout for name in losers), (losers, done.stdout)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_outputs(told, html, markdown, hgrm):
    """What is made of the report beside it."""
    embedded = re.search(r'<script type="application/json" id="report">(.*?)</script>', html)
    assert json.loads(embedded[1]) == told
    assert re.match(r"## \S+ pass: pricing-sequential\n", markdown), markdown
    assert "| sequential\\_calls | pricing POST /quotes" in markdown, markdown
    assert "#[Mean" in hgrm and "Total count    =           80]" in hgrm, hgrm


def test_it_finds_what_was_planted_and_nothing_else():
    with Up() as up:
        before = up.rows()
        outputs = {kind: f"{up.directory.name}/r.{kind}" for kind in ("html", "markdown", "hgrm")}
        done, told = run(up.path, "pricing-sequential",
                         *[word for kind, path in outputs.items() for word in (f"--{kind}", path)])
        assert done.returncode == 0, done
        check_outputs(told, **{kind: read(path) for kind, path in outputs.items()})
        check_whole(told)
        assert places(told) == [("sequential_calls", "pricing", "POST /quotes")], told["findings"]
        finding = told["findings"][0]
        assert finding["state"] == "regression" and len(finding["traces"][0]) == 32
        assert abs(told["predicted_saving_ms"] - told["measured_saving_ms"]) < 30 * SLOW, told
        assert up.rows() == before

        done, told = run(up.path, "lost-context", "--threads", "2")
        assert done.returncode == 0, done
        check_whole(told)
        assert places(told) == [("broken_propagation", "checkout", "POST /payments")]
        assert told["findings"][0]["peer"] == "payment"
        assert told["connected"] == 0.75 and told["spans"]["in_fragments"] > 0, told["spans"]
        assert up.rows() == before


def test_it_ends_with_99_when_the_expectation_is_wrong():
    with Up() as up, tempfile.TemporaryDirectory() as directory:
        with open(f"{ROOT}/scenarios/pricing-sequential.json", encoding="utf-8") as file:
            scenario = json.load(file)
        scenario["expect"]["findings"][0]["service"] = "payment"
        path = f"{directory}/wrong.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(scenario, file)
        done, told = run(up.path, path)
        assert done.returncode == 99 and told["verdict"] == "fail", done
        assert len(told["reasons"]) == 2, told["reasons"]


def demo(names, *words, program=CULPRIT):
    """A short demo of these scenarios alone: (finished process, its JSON)"""
    with tempfile.TemporaryDirectory() as directory:
        scenarios = f"{directory}/scenarios"
        os.mkdir(scenarios)
        for name in names:
            with open(f"{ROOT}/scenarios/{name}.json", encoding="utf-8") as file:
                scenario = json.load(file)
            scenario["environment"].update(rate=10, duration_s=3)
            with open(f"{scenarios}/{name}.json", "w", encoding="utf-8") as file:
                json.dump(scenario, file)
        done = culprit("demo", "--json", f"{directory}/demo.json", "--bin", BIN, *words,
                       program=program,
                       env=dict(os.environ, CULPRIT_SCENARIOS=scenarios))
        if not os.path.exists(f"{directory}/demo.json"):
            raise AssertionError(done)
        with open(f"{directory}/demo.json", encoding="utf-8") as file:
            return done, json.load(file)


def test_it_ends_a_demo_with_99_when_a_detector_is_broken():
    """The same scenario passes with the real one, above."""
    done, told = demo(["pricing-sequential"], program=f"{BIN}/../tests/culprit-blind")
    assert done.returncode == 99 and told["verdict"] == "fail", done
    assert told["runs"][0]["verdict"] == "fail" and told["runs"][0]["reasons"], told
    assert "sequential_calls at pricing \"POST /quotes\" was not found" in done.stdout, done.stdout


@contextlib.contextmanager
def opened(store):
    """`culprit open` on it: a function that gets JSON from a path."""
    child = subprocess.Popen([CULPRIT, "open", "--listen", "127.0.0.1:0", store], cwd=ROOT,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def get(path):
        with urllib.request.urlopen(base + path, timeout=20 * SLOW) as answer:
            return json.load(answer)
    try:
        base = next(re.search(r"http://127\.0\.0\.1:\d+", line).group() for line in child.stdout
                    if "http://" in line)
        yield get
    finally:
        child.terminate()
        child.wait(20 * SLOW)
        child.stdout.close()


def window(words, prefix=""):
    """start and end as the collector takes them, of the "1795892290.1,8.4" of an address."""
    start, length = (float(word) for word in words.split(","))
    told = [datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(
        timespec="milliseconds").replace("+00:00", "Z") for at in (start, start + length)]
    return f"{prefix}start={told[0]}&{prefix}end={told[1]}"


def check_addresses(text, store):
    """What demo's table links to, on the store that it kept: the traces, and what the page says of
    each window."""
    found = []
    with opened(store) as get:
        for link in re.findall(r"http://127\.0\.0\.1:16686(/\S+)", text):
            if link.startswith("/trace/"):
                assert get(f"/api/v3{link.replace('/trace/', '/traces/')}")["result"], link
            else:
                now, before = re.fullmatch(r"/findings\?at=([\d.,]+)&was=([\d.,]+)", link).groups()
                answer = get(f"/api/culprit/findings?{window(now)}&{window(before, 'baseline_')}")
                assert answer["requests"] >= 50 and answer["with_baseline"], (link, answer)
                found.append([one["kind"] for one in answer["findings"]])
    return found


def test_it_runs_all_scenarios_of_a_directory():
    with tempfile.TemporaryDirectory() as directory:
        store = f"{directory}/kept.db"
        done, told = demo(["baseline", "lost-context"], "--keep", store)
        assert f"open {store}" in done.stdout, done.stdout
        assert check_addresses(done.stdout, store) == [[], ["broken_propagation"]], done.stdout
    assert done.returncode == 0 and told["verdict"] == "pass", done
    assert [r["scenario"] for r in told["runs"]] == ["baseline", "lost-context"]
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 110
    assert [line for line in lines if line.startswith("lost-context") and "pass" in line]
    assert told["runs"][1]["findings"][0]["traces"][0] in done.stdout


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
