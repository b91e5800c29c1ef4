#!/usr/bin/env python3
"""`culprit compare` on the report of a run, and on what it would be if more took longer or failed."""
import copy
import functools
import json
import os
import subprocess
import sys
import tempfile

from culprit import CULPRIT
from load_kit import Server, friendly, load
from stack import ROOT, SLOW, main

SCHEMA = f"{ROOT}/scenarios/schema/compare-report.schema.json"


@functools.cache
def measured():
    with Server(friendly) as server:
        done = load(f"{server.url}/", "--rate", "100", "--duration", "4")
    assert done.report["all"]["requests"] == 400, str(done)
    return done.report


def report():
    """Of a run whose generator was never late, whatever else this machine did."""
    one = copy.deepcopy(measured())
    one["trustworthy"] = True
    for step in one["steps"]:
        late = step["histograms"]["late"]
        late.update(sum_ns=0, min_ns=0, max_ns=0, saturated=0, buckets=[0, late["count"]])
    return one


def doubled(one):
    """Everything took twice as long: one power of two up in all buckets of latencies."""
    for step in one["steps"]:
        latency = step["histograms"]["latency"]
        for key in ("sum_ns", "min_ns", "max_ns"):
            latency[key] *= 2
        latency["buckets"] = up(latency["buckets"], 256)
        for slot in step["timeline"]["slots"]:
            slot["buckets"] = up(slot["buckets"], 32)
    return one


def up(pairs, by):
    assert min(pairs[0::2], default=by * 2) >= by * 2, pairs
    return [value + (0 if i % 2 else by) for i, value in enumerate(pairs)]


def failing(one):
    """One request in ten is answered wrongly."""
    for step in one["steps"]:
        step["outcomes"]["ok"] -= 40
        step["outcomes"]["unexpected status"] += 40
        for i, slot in enumerate(step["timeline"]["slots"][:40]):
            slot["failed"] += 1
    return one


class Compared:
    def __init__(self, before, after, *words):
        """Each a list of reports, or of texts."""
        with tempfile.TemporaryDirectory() as directory:
            lists = []
            for side, reports in (("before", before), ("after", after)):
                paths = [f"{directory}/{side}-{i}.json" for i in range(len(reports))]
                for path, one in zip(paths, reports):
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(one if isinstance(one, str) else json.dumps(one))
                lists.append(",".join(paths))
            done = subprocess.run([CULPRIT, "compare", *lists, "--json", f"{directory}/c.json",
                                   "--markdown", f"{directory}/c.md", *words], timeout=30 * SLOW,
                                  capture_output=True, text=True, check=False)
            self.status, self.out, self.talk = done.returncode, done.stdout, done.stderr
            self.json = self.markdown = None
            if os.path.exists(f"{directory}/c.json"):
                with open(f"{directory}/c.json", encoding="utf-8") as file:
                    self.json = json.load(file)
                with open(f"{directory}/c.md", encoding="utf-8") as file:
                    self.markdown = file.read()

    def __str__(self):
        return f"{self.status}\n{self.out}\n{self.talk}"

    @property
    def step(self):
        return self.json["parts"][0]["steps"][0]


def test_a_run_is_no_slower_than_itself():
    done = Compared([report()], [report()])
    assert done.status == 0 and done.step["result"] == "same", str(done)
    assert done.step["median_ms"]["change"] == 1 and done.step["tail_share"]["change"] == 0
    assert "No regression: medians up by " in done.out, str(done)


def test_what_takes_twice_as_long_is_a_regression():
    done = Compared([report()], [doubled(report())])
    assert done.status == 99 and done.step["result"] == "slower", str(done)
    assert 1.99 < done.step["median_ms"]["change"] < 2.01, done.step
    assert 1.99 < done.step["p99_ms"]["change"] < 2.01, done.step
    assert done.json["verdict"] == "fail" and "got slower: median " in done.out, str(done)
    assert "**slower**" in done.markdown, done.markdown
    done = Compared([doubled(report())], [report()])
    assert done.status == 0 and done.step["result"] == "faster", str(done)


def test_it_asks_for_as_much_as_it_is_told():
    done = Compared([report()], [doubled(report())], "--min-change", "900", "--resolve", "10000")
    assert done.status == 0 and done.json["least_change"] == 9, str(done)
    assert not done.step["median_ms"]["counts"], done.step


def test_failures_are_a_regression():
    done = Compared([report()], [failing(report())])
    assert done.status == 99 and done.step["result"] == "fails more", str(done)
    assert done.step["failed_share"]["after"] == 0.1, done.step


def test_several_runs_a_side_are_compared_together():
    done = Compared([report()] * 3, [doubled(report())] * 3)
    assert done.status == 99 and done.step["requests"] == [1200, 1200], str(done)
    assert len(done.json["before"]) == len(done.json["after"]) == 3


def compare(*words, cwd=None):
    return subprocess.run([CULPRIT, "compare", *words], capture_output=True, text=True, cwd=cwd,
                          timeout=30 * SLOW, check=False)


def test_a_comma_may_be_part_of_a_name():
    with tempfile.TemporaryDirectory() as directory:
        for name in ("a", "a,b", "c"):
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                json.dump(report(), file)
        done = compare("--before", "a,b", "--before", "a", "--after", "c", "--json", "-",
                       cwd=directory)
        assert done.returncode == 0, done
        assert json.loads(done.stdout)["before"] == ["a,b", "a"], done.stdout
        done = compare("a,b", "c", cwd=directory)
        assert done.returncode == 2 and '"a,b" is a file, and so is "a"' in done.stderr, done
        os.remove(f"{directory}/a")
        assert compare("a,b", "c", cwd=directory).returncode == 0
        for words in (("--before", "c"), ("--after", "c", "c"), ("--before", "c", "c", "c"),
                      ("--before", "c", "--after", "c", "c")):
            done = compare(*words, cwd=directory)
            assert done.returncode == 2 and "which report before" in done.stderr, (words, done)


def changed(**keys):
    return {**report(), **keys}


AS_IT_WAS = {"duration_s": 4, "rate": 100, "to": 100}


def renamed():
    one = report()
    one["steps"][0]["name"] = "other"
    return one


def test_what_is_not_comparable_is_not_compared():
    for after, words in ((changed(seed=7), "is of another sequence of requests"),
                         (changed(interrupted=True), "is of a run that was cut short"),
                         (as_run(["healthy"]), "is another kind of report"),
                         (changed(aborted=True), "is of a run that a threshold ended early"),
                         (changed(workers=[{"state": "lost"}]), "is of a run that lost a worker"),
                         (changed(arrivals={"spacing": "poisson", "stages": [AS_IT_WAS]}),
                          "another load: even arrivals before, Poisson after"),
                         (changed(arrivals={"spacing": "even", "stages": [{
                             **AS_IT_WAS, "to": 101}]}),
                          "another load: 4 s at 100/s before, 4 s at 100 to 101/s after"),
                         (renamed(), "the reports are of different steps")):
        done = Compared([report()], [after])
        assert done.status == 97 and words in done.out, str(done)
        assert done.json["verdict"] == "inconclusive" and words in done.json["conclusion"]
    done = Compared([report()], [changed(trustworthy=False)])
    assert done.status == 97 and done.step["tail_share"] is None, str(done)


def as_run(names, slow=()):
    """A report of `culprit run` with such windows."""
    windows = []
    for name in names:
        one = doubled(report()) if name in slow else report()
        windows.append({"name": name, "load": {"elapsed_s": 4, "steps": one["steps"]}})
    return {"schema": "culprit.run/1", "scenario": "x", "seed": 1, "verdict": "pass",
            "cut_short": "", "windows": windows}


def test_reports_that_do_not_say_how_they_were_driven_are_compared_by_what_was_sent():
    before, after = report(), report()
    del before["arrivals"], after["arrivals"]
    assert Compared([before], [after]).status == 0
    assert Compared([before], [report()]).status == 0


def test_windows_of_runs_are_compared_with_their_namesakes():
    names = ["healthy", "step 1: slow"]
    before, after = as_run(names), as_run(names[::-1], slow=["step 1: slow"])
    done = Compared([before], [after])
    assert done.status == 99, str(done)
    assert [(p["name"], p["verdict"]) for p in done.json["parts"]] == [
        ("healthy", "pass"), ("step 1: slow", "fail")], done.json
    assert "\n### healthy\n" in done.markdown, done.markdown
    done = Compared([before], [as_run(["healthy"])])
    assert done.status == 97 and 'have the window "step 1: slow"' in done.out, str(done)


def test_wrong_words_and_files_say_where():
    good = json.dumps(report())
    for before, words, status in ((["{"], "before-0.json:1: ", 2),
                                  (["[]"], "must be the JSON report", 2),
                                  (['{"schema": "else/1"}'], '"schema" is neither', 2),
                                  ([good[:len(good) // 2]], "before-0.json:1: ", 2),
                                  ([report()] * 17, "more than 16 reports", 2)):
        done = Compared(before, [report()])
        assert done.status == status and words in done.talk and done.json is None, str(done)
    for words in ((), ("one.json",), ("a", "b", "c"), ("/nowhere/a", "/nowhere/b"), ("a,,b", "c"),
                  ("--resolve", "0", "a", "b")):
        done = compare(*words)
        assert done.returncode == 2 and done.stderr.startswith("culprit compare: "), (words, done)


def check(value, schema, root):
    """Keys and types as the schema has them; a schema that is not written to proves nothing."""
    if "$ref" in schema:
        check(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float),
             "integer": int, "boolean": bool, "null": type(None)}
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    assert not types or any(isinstance(value, kinds[t]) for t in types), (value, schema)
    assert "enum" not in schema or value in schema["enum"], (value, schema)
    assert "const" not in schema or value == schema["const"], (value, schema)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), (value, schema)
        for key, inner in value.items():
            check(inner, schema["properties"][key], root)
    for inner in value if isinstance(value, list) else []:
        check(inner, schema.get("items", {}), root)


def test_the_schema_describes_what_is_written():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    for done in (Compared([report()], [doubled(report())]), Compared([report()], [renamed()]),
                 Compared([report()], [changed(trustworthy=False)])):
        check(done.json, schema, schema)


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_")]))
