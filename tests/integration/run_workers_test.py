#!/usr/bin/env python3
"""`culprit run --coordinator` and `--worker`: several generators that come to one verdict."""
import signal
import sys

from culprit import Up
from culprit_run_test import check_whole, places, run as run_alone
from load_outputs_test import values_of
from stack import SLOW, main
from workers_test import ENVIRONMENT, counts, running, spawn

LONG = ("--rate", "6", "--duration", str(20 * SLOW))


def coordinate(up, count, scenario, *words):
    return running(count, scenario, "--target", up.path, *words, command="run")


def read_until(run, word):
    """What the coordinator says up to the line with that word in it."""
    said = ""
    for line in run.coordinator.stderr:
        said += line
        if word in line:
            return said
    raise AssertionError(said)


def check_window(window, alone, requests):
    assert counts(window["load"]) == counts(alone["load"]), window
    assert [w["state"] for w in window["workers"]] == ["done", "done"], window["workers"]
    assert [w["requests"] for w in window["workers"]] == [requests, requests], window["workers"]
    assert {w["spans_lost"] for w in window["workers"]} == {0}, window["workers"]
    assert window["coverage"] == alone["coverage"], window["coverage"]
    for step in window["load"]["steps"]:
        assert sum(step["histograms"]["latency"]["buckets"][1::2]) == requests
        assert sum(slot["due"] for slot in step["timeline"]["slots"]) == requests


def check_saving(report):
    """The median of what a checkout took longer, flow by flow. Four fifths of one window's and four
    fifths of the other's share more than half of the flows: however slow the machine is, the median
    lies between where those end."""
    fast, slow = (sorted(values_of(w["load"]["steps"][-1:])) for w in report["windows"])
    fifth = len(fast) // 5
    least, most = slow[fifth] - fast[-fifth - 1], slow[-fifth - 1] - fast[fifth]
    exact_ms = 0.004 * (slow[-fifth - 1] + fast[-fifth - 1])  # of the histograms' buckets
    saved = report["measured_saving_ms"]
    assert least - exact_ms <= saved <= most + exact_ms, (least, saved, most)


def test_it_comes_to_the_verdict_of_one_process():
    with Up() as up:
        before = up.rows()
        alone, told_alone = run_alone(up.path, "pricing-sequential")
        with coordinate(up, 2, "pricing-sequential", "--rate", "10", "--duration", "4", "--wait",
                        str(60 * SLOW)) as run:
            run.work(2)
            done = run.wait()
            assert [status for status, _ in run.wait_workers()] == [0, 0]
        assert done.status == alone.returncode == 0, str(done)
        check_whole(done.report)
        assert places(done.report) == places(told_alone), done.report["findings"]
        for told in (told_alone, done.report):
            check_saving(told)
        assert [w["name"] for w in done.report["windows"]] == ["healthy", "faulty"]
        for window, other in zip(done.report["windows"], told_alone["windows"]):
            check_window(window, other, 40)
        pids = [{w["pid"] for w in window["workers"]} for window in done.report["windows"]]
        assert pids == [{child.pid for child in run.workers}] * 2, pids
        assert "workers" not in told_alone["windows"][0]
        assert up.rows() == before


def test_it_names_a_worker_that_dies():
    with Up() as up:
        before = up.rows()
        with coordinate(up, 2, "baseline", *LONG, "--silence", str(3 * SLOW)) as run:
            run.work(2)
            talk = read_until(run, "healthy")
            run.workers[1].send_signal(signal.SIGKILL)
            done = run.wait()
            assert run.workers[0].wait(20 * SLOW) == 0
        pid = f"pid {run.workers[1].pid}) lost"
        assert done.status == 97, str(done)
        assert pid in done.talk and pid in done.out, talk + str(done)
        assert done.report["verdict"] == "inconclusive" and "lost" in done.report["cut_short"]
        states = [w["state"] for w in done.report["windows"][0]["workers"]]
        assert sorted(states) == ["done", "lost"], states
        assert up.rows() == before


def test_it_ends_in_good_order_when_it_is_interrupted():
    with Up() as up:
        before = up.rows()
        with coordinate(up, 2, "pricing-sequential", *LONG) as run:
            run.work(2)
            read_until(run, "healthy")
            run.coordinator.send_signal(signal.SIGINT)
            done = run.wait()
            assert [status for status, _ in run.wait_workers()] == [0, 0]
        assert done.status == 105 and "healthy" in done.out, str(done)
        assert done.report["cut_short"] == "interrupted", done.report["cut_short"]
        assert up.rows() == before


def test_it_is_inconclusive_when_a_worker_is_interrupted():
    with Up() as up:
        with coordinate(up, 2, "baseline", *LONG) as run:
            run.work(2)
            read_until(run, "healthy")
            run.workers[0].send_signal(signal.SIGTERM)
            done = run.wait()
            assert sorted(status for status, _ in run.wait_workers()) == [0, 105]
        assert done.status == 97 and f"pid {run.workers[0].pid}) interrupted" in done.out, str(done)


def test_it_lets_in_nobody_without_the_token_or_with_another_job():
    with Up() as up:
        with coordinate(up, 1, "baseline", "--rate", "5", "--duration", "1") as run:
            for method, path in (("POST", "/-/workers"), ("GET", "/-/workers/0/job?round=1")):
                status, words = run.ask(method, path, None, "another-token-altogether")
                assert status == 401 and "kind" not in words, (path, words)
            run.work(env={**ENVIRONMENT, "CULPRIT_TOKEN": "another-token-altogether"})
            (status, words), = run.wait_workers()
            assert status == 1 and "401" in words, words
            run.work(command="load")
            done = run.wait()
            status, words = run.wait_workers()[1]
            assert status == 2 and "culprit run --worker" in words, words
            assert done.status == 1 and "cannot do it" in done.talk, str(done)


def test_it_says_what_words_do_not_fit():
    for words, said in ((("--worker", "http://127.0.0.1:9", "baseline"), "from the coordinator"),
                        (("--worker", "http://127.0.0.1:9", "--rate", "2"), "from the coordinator"),
                        (("--worker", "http://127.0.0.1:9", "--keep", "x"), "from the coordinator"),
                        (("--coordinator", "0", "baseline"), "--workers"),
                        (("--worker", "127.0.0.1:9"), "http://")):
        child = spawn(*words, command="run")
        _, talk = child.communicate(timeout=20 * SLOW)
        assert child.returncode == 2 and said in talk, (words, child.returncode, talk)


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
