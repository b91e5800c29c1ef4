#!/usr/bin/env python3
"""What must hold of a run, and of traces in a file or behind an address: `expect.thresholds` of
`culprit run`, `culprit diagnose --thresholds`."""
import json
import os
import re
import sys
import tempfile

from culprit import Up, culprit
from schema_kit import validate
from stack import ROOT, main

LOAD = ["--rate", "10", "--duration", "2"]
CHECKOUT = {"service": "frontend", "operation": "POST /checkout"}
SELECTS = {"service": "inventory", "operation": "SELECT *", "within": CHECKOUT}
QUOTES = {"service": "pricing", "operation": "GET *", "within": CHECKOUT}


def scenario(**changes):
    """Six quotes one after another, which is expected."""
    with open(f"{ROOT}/scenarios/pricing-sequential.json", encoding="utf-8") as file:
        return {**json.load(file), **changes}


def expecting(thresholds):
    expect = scenario()["expect"]
    return {"expect": {**expect, "thresholds": thresholds}}


def written(directory, name, what):
    path = f"{directory}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(what, file, indent=1)
    return path


def run(target, what, *words):
    """(finished process, its JSON)"""
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, "scenario.json", what)
        out = f"{directory}/run.json"
        done = culprit("run", path, *LOAD, *words, "--target", target, "--json", out)
        if not os.path.exists(out):
            raise AssertionError(done)
        with open(out, encoding="utf-8") as file:
            return done, json.load(file)


def schema_of(name):
    """With what it refers to in other files."""
    with open(f"{ROOT}/scenarios/schema/{name}.schema.json", encoding="utf-8") as file:
        text = file.read()
    for other in set(re.findall(r'"([a-z-]+)\.schema\.json#', text)):
        with open(f"{ROOT}/scenarios/schema/{other}.schema.json", encoding="utf-8") as file:
            more = json.load(file)["$defs"]
        schema = json.loads(text.replace(f"{other}.schema.json#", "#"))
        assert not set(more) & set(schema["$defs"]), "two meanings of one name"
        schema["$defs"].update(more)
        text = json.dumps(schema)
    return json.loads(text)


def check_schema(told):
    validate(told, schema_of("run-report"))


def lines_of(done, word):
    return [line.strip() for line in done.stdout.splitlines() if line.strip().startswith(word)]


def span_count(up, trace_id, service, name):
    trace = up.get("query", f"/api/traces/{trace_id}")["data"][0]
    services = {key: one["serviceName"] for key, one in trace["processes"].items()}
    return sum(services[span["processID"]] == service and span["operationName"].startswith(name)
               for span in trace["spans"])


def test_it_holds_a_run_against_its_thresholds():
    holding = {
        "load": [{"metric": "error_share", "at_most": 0}, {"metric": "rate", "at_least": 5},
                 {"metric": "p50_ms", "step": "check out", "at_most": 20000}],
        "coverage": [{"metric": "arrived", "at_least": 0.98},
                     {"metric": "connected", "at_least": 0.98},
                     {"metric": "as_expected", "at_least": 0.98},
                     {"metric": "spans_dropped", "at_most": 0}],
        "findings": [{"at_most": 0}, {"kind": "broken_propagation", "at_most": 0}],
        "spans": [{**QUOTES, "at_most": 6}, {**QUOTES, "at_least": 6}],
        "durations": [{"path": [CHECKOUT, {"service": "inventory"}], "metric": "p95_ms",
                       "at_most": 20000}],
        "edges": [{"from": "checkout", "to": "payment", "present": True},
                  {"from": "frontend", "to": "payment", "present": False}],
    }
    broken = {
        "load": [{"metric": "rate", "at_least": 5000}],
        "findings": [{"kind": "sequential_calls", "metric": "cost_ms", "at_most": 1}],
        "spans": [{**QUOTES, "at_most": 5}],
        "durations": [{"path": [CHECKOUT, {"service": "inventory"}], "metric": "p50_ms",
                       "at_most": 0.001}],
        "edges": [{"from": "checkout", "to": "bank", "present": True},
                  {"from": "*", "to": "fraud", "present": False}],
    }
    with Up() as up:
        done, told = run(up.path, scenario(
            **expecting(holding),
            healthy={"thresholds": {"spans": [{**SELECTS, "at_most": 1}],
                                    "findings": [{"at_most": 0}]}}))
        assert done.returncode == 0 and told["verdict"] == "pass", done
        assert len(lines_of(done, "holds:")) == 16 and not lines_of(done, "BROKEN"), done.stdout
        assert [t["outcome"] for t in told["thresholds"]] == 14 * ["holds"], told["thresholds"]
        healthy, faulty = told["windows"]
        assert (healthy["name"], faulty["name"]) == ("healthy", "faulty"), told["windows"]
        assert healthy["verdict"] == faulty["verdict"] == "pass", told["windows"]
        assert [t["value"] for t in healthy["thresholds"]] == [1, 0], healthy
        assert faulty["thresholds"] == told["thresholds"], faulty
        assert [s["name"] for s in faulty["load"]["steps"]] == ["fill the cart", "check out"]
        assert [s["outcomes"]["ok"] for s in faulty["load"]["steps"]] == [20, 20], faulty["load"]
        assert faulty["page"].startswith(f"{told['page']}/findings?at="), faulty["page"]
        check_schema(told)

        done, told = run(up.path, scenario(**expecting(broken)))
        assert done.returncode == 99 and told["verdict"] == "fail", done
        assert [t["outcome"] for t in told["thresholds"]] == 6 * ["broken"], told["thresholds"]
        spans = next(t for t in told["thresholds"] if t["kind"] == "spans")
        assert spans["value"] == 6 and spans["at_most"] == 5 and len(spans["traces"]) == 3, spans
        words = ("BROKEN: spans: frontend POST /checkout > pricing GET * at most 5 a trace, "
                 f"it is 6 (trace {spans['traces'][0]}")
        assert any(line.startswith(words) for line in lines_of(done, "BROKEN")), done.stdout
        assert any(reason.startswith(words) for reason in told["reasons"]), told["reasons"]
        assert [span_count(up, one, "pricing", "GET ") for one in spans["traces"]] == [6, 6, 6]
        absent, forbidden = [t for t in told["thresholds"] if t["kind"] == "edges"]
        assert absent["value"] == 0 and absent["traces"] == [], absent
        assert span_count(up, forbidden["traces"][0], "fraud", "POST") == 1, forbidden

        done, told = run(up.path, scenario(
            **expecting({}), healthy={"thresholds": {"spans": [{**SELECTS, "at_most": 0}]}}))
        assert done.returncode == 99 and told["verdict"] == "fail", done
        assert told["reasons"] == [] and told["windows"][0]["verdict"] == "fail", told
        assert "verdict on the healthy window: fail" in done.stdout, done.stdout

        # what nothing was measured for is no failure
        done, told = run(up.path, scenario(**expecting(
            {"load": [{"metric": "p50_ms", "step": "check out", "at_most": 0.001}],
             "durations": [{"path": [{"service": "no-such-service"}], "metric": "p50_ms",
                            "at_most": 1}]})))
        assert done.returncode == 97 and told["verdict"] == "inconclusive", done
        slow, nothing = told["thresholds"]
        assert nothing["outcome"] == "unsure" and nothing["value"] is None, told["thresholds"]
        # a generator that was late itself, on a busy machine, is not sure of it
        assert slow["outcome"] in ("broken", "unsure") and len(slow["traces"]) == 3, slow
        assert [span_count(up, one, "checkout", "POST /checkout") for one in slow["traces"]] == [
            1, 1, 1], slow


def test_it_tells_of_each_step():
    steps = [{"title": title, "faults": faults, "expect": {"findings": [], "thresholds": {
        "spans": [{**QUOTES, "at_most": most}]}}}
             for title, faults, most in (("one", ["orders.missing_index"], 6), ("two", [], 5))]
    what = scenario(steps=steps)
    what["environment"]["arrivals"] = {"spacing": "poisson", "stages": [
        {"duration_s": 0.7, "rate": 4, "to": 20}, {"duration_s": 0.3, "rate": 10}]}
    for key in ("rate", "duration_s"):
        del what["environment"][key]
    for key in ("faults", "expect"):
        del what[key]
    with Up() as up, tempfile.TemporaryDirectory() as directory:
        path, out = written(directory, "steps.json", what), f"{directory}/run.json"
        done = culprit("run", path, "--target", up.path, "--json", out)
        with open(out, encoding="utf-8") as file:
            told = json.load(file)
        assert done.returncode in (97, 99) and told["verdict"] != "pass", done
        check_schema(told)
        assert [w["name"] for w in told["windows"]] == ["healthy", "step 1: one", "step 2: two"]
        assert [s["thresholds"][0]["outcome"] for s in told["steps"]] == ["holds", "broken"]
        flows = [w["load"]["steps"][0]["requests"] for w in told["windows"]]
        assert flows[0] == flows[1] == flows[2] > 3, flows
        assert "up to 20 checkouts/s in 2 stages, by chance, for 1 s" in done.stdout, done.stdout


def test_it_names_file_and_line_of_a_wrong_threshold():
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, "wrong.json", scenario(**expecting(
            {"spans": [{"service": "a", "operations": "b", "at_most": 1}]})))
        done = culprit("run", path)
        assert done.returncode == 2, done
        with open(path, encoding="utf-8") as file:
            line = 1 + [i for i, text in enumerate(file) if '"operations"' in text][0]
        assert f"{path}:{line}: key \"operations\": nobody knows it" in done.stderr, done.stderr
        path = written(directory, "load.json", {
            "schema": "culprit.thresholds/1",
            "thresholds": {"load": [{"metric": "rate", "at_least": 1}]}})
        done = culprit("diagnose", path, "--thresholds", path)
        assert done.returncode == 2 and f"{path}:5: key \"load\": traces alone" in done.stderr, done
        done = culprit("diagnose", path, "--thresholds", f"{directory}/nothing.json")
        assert done.returncode == 2 and "nothing.json" in done.stderr, done


def thresholds_file(directory, name, thresholds):
    return written(directory, name, {"schema": "culprit.thresholds/1", "thresholds": thresholds})


def test_it_holds_traces_behind_an_address_against_thresholds():
    with Up() as up, tempfile.TemporaryDirectory() as directory:
        query = up.told["endpoints"]["query"]
        done = culprit("run", "baseline", "--rate", "5", "--duration", "1", "--target", up.path)
        assert done.returncode == 0, done
        holding = thresholds_file(directory, "holding.json", {
            "coverage": [{"metric": "connected", "at_least": 1}],
            "findings": [{"at_most": 0}],
            "spans": [{**SELECTS, "at_most": 1}],
            "durations": [{"path": [CHECKOUT], "metric": "max_ms", "at_most": 60000}],
            "edges": [{"from": "orders", "to": "notification", "present": True}]})
        out = f"{directory}/out.json"
        done = culprit("diagnose", query, "--thresholds", holding, "--json", out)
        assert done.returncode == 0 and len(lines_of(done, "holds:")) == 5, done
        with open(out, encoding="utf-8") as file:
            told = json.load(file)
        assert told["verdict"] == "pass" and len(told["thresholds"]) == 5, told["thresholds"]

        broken = thresholds_file(directory, "broken.json", {
            "spans": [{"service": "inventory", "at_most": 0, "within": CHECKOUT}]})
        done = culprit("diagnose", query, "--thresholds", broken, "--json", out)
        assert done.returncode == 99, done
        with open(out, encoding="utf-8") as file:
            told = json.load(file)
        assert told["verdict"] == "fail", told
        trace = told["thresholds"][0]["traces"][0]
        assert f"BROKEN: spans: frontend POST /checkout > inventory at most 0 a trace, it is " \
            in done.stdout and trace in done.stdout, done.stdout
        assert span_count(up, trace, "inventory", "") == told["thresholds"][0]["value"], told

        unsure = thresholds_file(directory, "unsure.json", {
            "durations": [{"path": [{"service": "nobody"}], "metric": "p50_ms", "at_most": 1}]})
        done = culprit("diagnose", query, "--thresholds", unsure)
        assert done.returncode == 97, done


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
