#!/usr/bin/env python3
"""`culprit load --coordinator` and `--worker`: several processes that come to what one comes to."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from culprit import CULPRIT
from load_flow_test import check_shop, plan, shop, written
from load_kit import Done, Server, friendly, load
from stack import ROOT, SLOW, main, wait_until

TOKEN = "a-token-of-the-test"
ENVIRONMENT = {**os.environ, "CULPRIT_TOKEN": TOKEN}


def spawn(*words, command="load", **more):
    more = {"env": ENVIRONMENT, "cwd": ROOT, **more}
    return subprocess.Popen([CULPRIT, command, *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


class Run:
    """A coordinator on a port of the kernel's choice, and workers that are told where it is."""

    def __init__(self, directory, count, *words, host="127.0.0.1", command="load"):
        self.path, self.workers, self.command = f"{directory}/report.json", [], command
        self.coordinator = spawn("--coordinator", f"{host}:0", "--workers", str(count), "--json",
                                 self.path, *(["--quiet"] if command == "load" else []), *words,
                                 command=command)
        self.first = self.coordinator.stderr.readline()
        self.url = re.search(r"http://.*$", self.first).group()
        assert self.url.startswith(f"http://{host}:"), self.first
        self.port = int(self.url.rpartition(":")[2])

    def work(self, count=1, **more):
        for _ in range(count):
            self.workers.append(spawn("--worker", self.url, **{"command": self.command, **more}))
        return self.workers[-1]

    def wait(self):
        return Done(self.coordinator, *self.coordinator.communicate(timeout=60 * SLOW), self.path)

    def wait_workers(self):
        """Exit status and standard error of each."""
        said = [child.communicate(timeout=60 * SLOW)[1] for child in self.workers]
        return [(child.returncode, words) for child, words in zip(self.workers, said)]

    def ask(self, method, path, body=None, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10 * SLOW)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@contextlib.contextmanager
def running(count, *words, **more):
    with tempfile.TemporaryDirectory() as directory:
        run = Run(directory, count, *words, **more)
        try:
            yield run
        finally:
            for child in [run.coordinator, *run.workers]:
                if child.poll() is None:
                    child.kill()
                child.stdout.close()
                child.stderr.close()
                child.wait()


def counts(report):
    return {step["name"]: step["outcomes"] for step in report["steps"]}


def bucket_sum(histogram):
    return sum(histogram["buckets"][1::2])


def test_three_workers_send_what_one_process_sends():
    with Server(shop) as server, written(plan(server.url)) as path:
        alone = load(path)
        check_shop(server, alone, 30)
        server.requests.clear()
        with running(3, path) as run:
            run.work(3)
            done = run.wait()
            assert [status for status, _ in run.wait_workers()] == [0, 0, 0]
        check_shop(server, done, 30)  # each number once, with its own row of the feeder
    assert counts(done.report) == counts(alone.report)
    workers = done.report["workers"]
    assert [w["requests"] for w in workers] == [30, 30, 30], workers
    assert {w["state"] for w in workers} == {"done"} and len({w["pid"] for w in workers}) == 3
    for step in done.report["steps"]:
        assert bucket_sum(step["histograms"]["latency"]) == 30
        assert sum(slot["due"] for slot in step["timeline"]["slots"]) == 30
    assert "workers" not in alone.report


def test_threads_and_chance_change_nothing():
    words = ("--rate", "150", "--duration", "1", "--poisson", "--seed", "7", "--body",
             "${number} ${nonce}", "--threads", "2")
    bodies = []
    for count in (0, 2):
        with Server(friendly) as server:
            if count == 0:
                done = load(server.url, *words)
            else:
                with running(count, server.url, *words) as run:
                    run.work(count)
                    done = run.wait()
            assert done.status == 0, str(done)
            numbers, nonces = zip(*(request[3].split() for request in server.requests))
            assert len(set(nonces)) == 1, set(nonces)
            bodies.append(sorted(int(n) for n in numbers))
    assert bodies[0] == bodies[1] == list(range(len(bodies[0]))), bodies


def test_users_are_shared():
    with Server(friendly) as server:
        with running(3, server.url, "--users", "7", "--think", "50", "--duration", "1", "--body",
                     "${number}") as run:
            run.work(3)
            done = run.wait()
        numbers = [int(request[3]) for request in server.requests]
    assert done.status == 0 and done.report["users"]["count"] == 7, str(done)
    assert len(set(numbers)) == len(numbers) and {n % 7 for n in numbers} == set(range(7))


def test_a_body_from_a_file_is_sent_along():
    with Server(friendly) as server, tempfile.NamedTemporaryFile("wb", suffix=".txt") as file:
        file.write("caf\u00e9 ${number}".encode())
        file.flush()
        with running(2, server.url, "--rate", "20", "--duration", "0.5", "--body",
                     f"@{file.name}") as run:
            run.work(2, cwd="/")
            done = run.wait()
        assert done.status == 0, str(done)
        assert sorted(request[3] for request in server.requests) == [
            f"caf\u00e9 {n}" for n in range(10)]


def wait_for_load(server, count):
    wait_until(lambda: len(server.requests) >= count, 30 * SLOW, f"{count} requests")


def test_a_worker_that_dies_is_named():
    with Server(friendly) as server:
        with running(3, server.url, "--rate", "60", "--duration", str(5 * SLOW), "--silence",
                     str(2 * SLOW), "--timeout", "2") as run:
            run.work(3)
            wait_for_load(server, 60 * 2 * SLOW)
            run.workers[1].send_signal(signal.SIGKILL)
            done = run.wait()
            rest = [run.workers[0], run.workers[2]]
            assert [child.wait(20 * SLOW) for child in rest] == [0, 0]
        assert done.status == 97, str(done)
        lost = [w for w in done.report["workers"] if w["state"] == "lost"]
        assert len(lost) == 1 and lost[0]["pid"] == run.workers[1].pid, done.report["workers"]
        assert 0 < lost[0]["requests"] < 100 * SLOW and lost[0]["last_heard_s"] > 0, lost
        whole = [w["requests"] for w in done.report["workers"] if w["state"] == "done"]
        assert whole == [100 * SLOW, 100 * SLOW], whole  # the others go on to the end
        assert done.report["all"]["requests"] == sum(whole) + lost[0]["requests"]
        assert done.report["verdict"] == "inconclusive"
        line = done.report["steps"][0]["timeline"]
        assert line["missing"] == lost[0]["requests"], line
        assert sum(slot["due"] for slot in line["slots"]) == sum(whole), line
        name = f"worker {lost[0]['worker']} ({lost[0]['host']}, pid {lost[0]['pid']})"
        assert name in done.out and f"{name}: lost" in done.talk, str(done)


def test_a_wrong_token_gets_nothing():
    with running(1, "http://127.0.0.1:9/", "--wait", str(2 * SLOW)) as run:
        for method, path in (("POST", "/-/workers"), ("GET", "/-/workers/clock"),
                             ("GET", "/-/workers/0/job"), ("GET", "/-/workers/0/files/0"),
                             ("POST", "/-/workers/0")):
            for token in (None, "", TOKEN[:-1], TOKEN + "x", "another-token-altogether"):
                status, words = run.ask(method, path, b"{" if method == "POST" else None, token)
                assert status == 401 and "job" not in words, (method, path, token, words)
        large = http.client.HTTPConnection("127.0.0.1", run.port, timeout=10 * SLOW)
        large.putrequest("POST", "/-/workers/0")
        large.putheader("Content-Length", str(32 << 20))
        large.endheaders()
        assert large.getresponse().status == 401  # not a byte of the body was waited for
        run.work(env={**ENVIRONMENT, "CULPRIT_TOKEN": "another-token-altogether"})
        (status, words), = run.wait_workers()
        assert status == 1 and "401" in words and "another-token" not in words, words
        done = run.wait()
        assert done.status == 1 and "0 of 1 workers" in done.talk, str(done)


def hello(instance, protocol=2):
    return json.dumps({"protocol": protocol, "instance": instance, "host": "h", "pid": 1})


def test_seats_are_for_those_who_were_asked_for():
    with running(1, "http://127.0.0.1:9/") as run:
        status, words = run.ask("POST", "/-/workers", hello("a" * 16, protocol=9))
        assert status == 426 and "version 9" in words, words
        for _ in range(2):
            status, words = run.ask("POST", "/-/workers", hello("a" * 16))
            assert status == 200 and json.loads(words)["worker"] == 0, words
        status, words = run.ask("POST", "/-/workers", hello("b" * 16))
        assert status == 409 and "there already" in words, words
        assert run.ask("GET", f"/-/workers/0/job?instance={'b' * 16}&round=1")[0] == 410
        assert run.ask("GET", f"/-/workers/7/job?instance={'a' * 16}&round=1")[0] == 410
        assert run.ask("GET", f"/-/workers/0/files/3?instance={'a' * 16}")[0] == 404
        assert run.ask("GET", f"/-/workers/0/job?instance={'a' * 16}")[0] == 400
        for number, kind in ((1, "load"), (2, "wait")):
            status, words = run.ask("GET", f"/-/workers/0/job?instance={'a' * 16}&round={number}")
            assert status == 200 and json.loads(words)["kind"] == kind, words
        assert run.ask("POST", "/-/workers/0", '{"instance": 3}')[0] == 400
        assert run.ask("POST", "/-/workers", "x" * 5000)[0] == 413
        run.work()
        (status, words), = run.wait_workers()
        assert status == 1 and "there already" in words, words
        run.coordinator.send_signal(signal.SIGINT)
        assert run.wait().status == 105


def test_a_worker_ends_where_its_coordinator_vanishes():
    with Server(friendly) as server:
        with running(2, server.url, "--rate", "40", "--duration", "600", "--silence",
                     str(2 * SLOW)) as run:
            run.work(2)
            wait_for_load(server, 40)
            run.coordinator.send_signal(signal.SIGKILL)
            for status, words in run.wait_workers():
                assert status == 1 and "nothing was heard of the coordinator" in words, words


def test_an_interrupt_stops_all_of_them():
    with Server(friendly) as server:
        with running(2, server.url, "--rate", "40", "--duration", "600") as run:
            run.work(2)
            wait_for_load(server, 40)
            run.coordinator.send_signal(signal.SIGINT)
            done = run.wait()
            assert [status for status, _ in run.wait_workers()] == [0, 0]
        assert done.status == 105 and done.report["interrupted"], str(done)
        assert done.report["all"]["requests"] == len(server.requests), str(done)
        assert done.outcomes == {"ok": len(server.requests)}


def test_a_worker_that_is_interrupted_makes_it_inconclusive():
    with Server(friendly) as server:
        with running(2, server.url, "--rate", "40", "--duration", str(3 * SLOW)) as run:
            run.work(2)
            wait_for_load(server, 20)
            run.workers[0].send_signal(signal.SIGTERM)
            done = run.wait()
            assert sorted(status for status, _ in run.wait_workers()) == [0, 105]
        assert done.status == 97, str(done)
        assert sorted(w["state"] for w in done.report["workers"]) == ["done", "interrupted"]
        assert done.report["all"]["requests"] == len(server.requests), str(done)


def test_a_broken_threshold_aborts_all_of_them():
    with Server(friendly) as server:
        with running(2, server.url, "--rate", "40", "--duration", "600", "--expect", "404",
                     "--errors", "0.5", "--abort") as run:
            run.work(2)
            done = run.wait()
            assert [status for status, _ in run.wait_workers()] == [0, 0]
    assert done.status == 99 and done.report["aborted"], str(done)


def test_what_one_cannot_do_ends_it_before_the_start():
    with running(2, "http://no-such-host.invalid:1/") as run:
        run.work(2)
        done = run.wait()
        run.wait_workers()
    assert done.status != 0, str(done)
    assert done.report is None or done.report["verdict"] == "inconclusive"
    assert "no-such-host" in done.talk + done.out, str(done)


def test_words_that_do_not_fit():
    bare = {k: v for k, v in ENVIRONMENT.items() if k != "CULPRIT_TOKEN"}
    for words, environment, said in (
            (("--coordinator", "0", "http://a/"), ENVIRONMENT, "--workers"),
            (("--workers", "2", "http://a/"), ENVIRONMENT, "--coordinator"),
            (("--coordinator", "0", "--workers", "257", "http://a/"), ENVIRONMENT, "256"),
            (("--coordinator", "0", "--worker", "http://a"), ENVIRONMENT, "either"),
            (("--coordinator", "0", "--workers", "2", "http://a/"), bare, "token"),
            (("--worker", "http://127.0.0.1:9"), bare, "token"),
            (("--worker", "http://127.0.0.1:9", "http://a/"), ENVIRONMENT, "from the coordinator"),
            (("--worker", "http://127.0.0.1:9", "--rate", "5"), ENVIRONMENT, "from the coordinator"),
            (("--worker", "http://127.0.0.1:9", "--json", "r"), ENVIRONMENT, "from the coordinator"),
            (("--worker", "http://127.0.0.1:9", "--html", "r"), ENVIRONMENT, "from the coordinator"),
            (("--worker", "127.0.0.1:9"), ENVIRONMENT, "http://"),
            (("--worker", "http://127.0.0.1:9", "--token-file", "/dev/null"), bare, "16 to 256"),
            (("--worker", "http://127.0.0.1:9", "--token-file", "/no/such"), bare, "/no/such"),
            (("--coordinator", "nonsense", "--workers", "1", "http://a/"), ENVIRONMENT, "nonsense")):
        child = spawn(*words, env=environment)
        _, talk = child.communicate(timeout=20 * SLOW)
        assert child.returncode == 2 and said in talk, (words, child.returncode, talk)
    child = spawn("--worker", "http://127.0.0.1:9", "--wait", "0.5")
    _, talk = child.communicate(timeout=20 * SLOW)
    assert child.returncode == 1 and "127.0.0.1:9" in talk, talk


def test_a_token_from_a_file():
    with Server(friendly) as server, tempfile.NamedTemporaryFile("w") as file:
        file.write(TOKEN + "\n")
        file.flush()
        with running(1, server.url, "--rate", "20", "--duration", "0.5") as run:
            bare = {k: v for k, v in ENVIRONMENT.items() if k != "CULPRIT_TOKEN"}
            run.workers.append(spawn("--worker", run.url, "--token-file", file.name, env=bare))
            assert run.wait().status == 0


def test_workers_come_over_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        print("skipped: no IPv6 here")
        return
    with Server(friendly) as server:
        with running(1, server.url, "--rate", "20", "--duration", "0.5", host="[::1]") as run:
            run.work()
            assert run.wait().status == 0


if __name__ == "__main__":
    sys.exit(main(test_three_workers_send_what_one_process_sends,
                  test_threads_and_chance_change_nothing, test_users_are_shared,
                  test_a_body_from_a_file_is_sent_along, test_a_worker_that_dies_is_named,
                  test_a_wrong_token_gets_nothing, test_seats_are_for_those_who_were_asked_for,
                  test_a_worker_ends_where_its_coordinator_vanishes,
                  test_an_interrupt_stops_all_of_them,
                  test_a_worker_that_is_interrupted_makes_it_inconclusive,
                  test_a_broken_threshold_aborts_all_of_them,
                  test_what_one_cannot_do_ends_it_before_the_start, test_words_that_do_not_fit,
                  test_a_token_from_a_file, test_workers_come_over_ipv6))
