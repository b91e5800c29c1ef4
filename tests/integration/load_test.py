#!/usr/bin/env python3
"""`culprit load` against servers that behave and servers that do not: right counters, nothing
omitted, no hang, bounded memory."""
import resource
import signal
import sys
import time

from load_kit import ANSWER, Server, begin, friendly, load, read_request, trace_ids
from stack import SLOW, main, wait_until

MEMORY_KIB = 64 * 1024 * (4 if SLOW > 1 else 1)  # sanitizers need their own


def says_nothing(server, connection):
    read_request(connection)
    server.closing.wait(60)


def closes_at_once(_, connection):
    read_request(connection)


def closes_amid_the_body(_, connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")


def sends_garbage(_, connection):
    read_request(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def floods_headers(_, connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: and more\r\n" * 100)


def sends_one_endless_line(_, connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x" * 4096)


def never_ends_its_head(server, connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    server.closing.wait(60)


def drips(server, connection):
    read_request(connection)
    for byte in ANSWER * 100:
        connection.sendall(bytes([byte]))
        if server.closing.wait(0.02):
            return


def says_two_lengths(_, connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")


BAD = [
    (says_nothing, "timed out"),
    (closes_at_once, "connection closed"),
    (closes_amid_the_body, "connection closed"),
    (sends_garbage, "not HTTP"),
    (floods_headers, "not HTTP"),
    (sends_one_endless_line, "not HTTP"),
    (never_ends_its_head, "timed out"),
    (drips, "timed out"),
    (says_two_lengths, "not HTTP"),
]


def test_it_counts_what_bad_servers_do():
    for behave, outcome in BAD:
        with Server(behave) as server:
            done = load(f"{server.url}/", "--rate", "50", "--duration", "0.6", "--timeout", "0.5",
                        "--connections", "64")
            assert done.outcomes == {outcome: 30}, (behave.__name__, str(done))
            assert done.status == 99 and outcome in done.out, (behave.__name__, str(done))
            everything = done.report["all"]
            assert everything["censored"] == 30 and everything["p50_ms"] is None, everything
            assert done.report["peak_rss_kib"] < MEMORY_KIB, done.report


def test_it_counts_what_nobody_answers():
    with Server(friendly) as server:
        pass
    done = load(f"{server.url}/", "--rate", "50", "--duration", "0.2")
    assert done.outcomes == {"connect failed": 10} and done.status == 99, str(done)


def test_it_counts_what_was_never_sent():
    with Server(says_nothing) as server:
        done = load(f"{server.url}/", "--rate", "100", "--duration", "0.5", "--timeout", "0.3",
                    "--connections", "2")
        assert set(done.outcomes) == {"timed out", "never sent"}, str(done)
        assert sum(done.outcomes.values()) == 50, str(done)
        assert done.outcomes["timed out"] >= 2, str(done)
        assert len(done.report["thresholds"]) == 1 and done.status == 99, str(done)


def test_it_counts_what_is_in_flight_at_the_end():
    with Server(says_nothing) as server, \
            begin(f"{server.url}/", "--rate", "100", "--duration", "30") as (child, wait):
        time.sleep(0.5 * SLOW)
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert child.poll() is None  # what is in flight may still end
        server.closing.set()
        done = wait()
        assert done.status == 105 and done.report["interrupted"], str(done)
        assert set(done.outcomes) == {"connection closed"} and "Interrupted" in done.out, str(done)


def test_it_abandons_what_is_in_flight_when_a_threshold_is_broken():
    with Server(says_nothing) as server:
        done = load(f"{server.url}/", "--rate", "100", "--duration", "30", "--timeout", "1",
                    "--errors", "0.01", "--abort")
        assert done.status == 99 and done.report["aborted"], str(done)
        assert done.report["elapsed_s"] < 15 * SLOW, str(done)
        assert done.outcomes["in flight at the end"] > 0, str(done)
        assert done.outcomes["timed out"] > 0, str(done)


def stalls(server, connection):
    """One second in ten, everything stands still."""
    def answer(_):
        into = (time.monotonic() - server.began) % 10
        if 4 < into < 5:
            time.sleep(5 - into)
        return ANSWER
    server.each(connection, answer)


def test_it_omits_nothing_of_a_stall():
    with Server(stalls) as server:
        done = load(f"{server.url}/", "--rate", "100", "--duration", "9", "--connections", "4")
        everything = done.report["all"]
        assert done.status == 0 and everything["requests"] == 900, str(done)
        # A tenth of all requests were due while it stood still, most of them for long.
        assert everything["p99_ms"] > 800, str(done)
        assert everything["p95_ms"] > 300, str(done)
        # The naive figure: four requests of 900 saw it.
        assert everything["from_sending_ms"]["p99"] < everything["p99_ms"] / 2, str(done)
        assert everything["lag_ms"]["p99"] > 700, str(done)
        # It is the server that was late.
        assert everything["late_ms"]["p99"] < everything["lag_ms"]["p99"] / 2, str(done)


def test_it_repeats_the_requests_of_a_seed_and_never_the_trace_ids():
    seen = []
    for seed in ("3", "3", "4"):
        with Server(friendly) as server:
            done = load(f"{server.url}/${{random:1:1000000}}", "--rate", "200", "--duration", "0.5",
                        "--seed", seed)
            assert done.status == 0, str(done)
            seen.append((sorted(path for _, path, _, _ in server.requests),
                         set(trace_ids(server.requests))))
    assert seen[0][0] == seen[1][0] != seen[2][0] and len(seen[0][0]) == 100
    assert not seen[0][1] & seen[1][1]


def test_it_says_what_it_sends():
    with Server(friendly) as server:
        done = load(f"{server.url}/a?b=c", "--users", "1", "--duration", "0.1", "-X", "PATCH",
                    "-H", "X-One: 1", "-H", "X-Two: 2", "--body", "{}", "--no-trace")
        assert done.status == 0, str(done)
        method, path, headers, body = server.requests[0]
        assert (method, path, body) == ("PATCH", "/a?b=c", "{}")
        assert headers == {"host": f"127.0.0.1:{server.port}", "user-agent": "culprit",
                           "x-one": "1", "x-two": "2", "content-length": "2"}, headers


def test_it_closes_each_connection_when_asked():
    def behave(_, connection):
        read_request(connection)
        connection.sendall(ANSWER)
    with Server(behave) as server:
        done = load(f"{server.url}/", "--rate", "50", "--duration", "0.4", "--no-keep-alive")
        assert done.outcomes == {"ok": 20} and done.report["all"]["connects"] == 20, str(done)


def test_it_reads_the_answer_to_head():
    def behave(server, connection):
        server.each(connection, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for engine in ("epoll", "curl"):
        with Server(behave) as server:
            done = load(f"{server.url}/", "--users", "1", "--duration", "0.2", "-X", "HEAD",
                        "--engine", engine)
            assert done.status == 0 and set(done.outcomes) == {"ok"}, str(done)
            assert server.requests[0][0] == "HEAD" and done.report["all"]["connects"] == 1


def test_it_shares_the_work_among_threads():
    with Server(friendly) as server:
        done = load(f"{server.url}/${{number}}", "--rate", "300", "--duration", "1", "--threads",
                    "3")
        assert done.outcomes == {"ok": 300} and done.status == 0, str(done)
        assert sorted(int(path[1:]) for _, path, _, _ in server.requests) == list(range(300))


def test_users_wait_for_their_answers():
    def behave(server, connection):
        def answer(_):
            time.sleep(0.05)
            return ANSWER
        server.each(connection, answer)
    with Server(behave) as server:
        done = load(f"{server.url}/${{number}}", "--users", "4", "--duration", "1", "--think", "50")
        count = done.report["all"]["requests"]
        # Four users, a flow in at least 100 ms each.
        assert 4 <= count <= 44 and done.status == 0, str(done)
        numbers = [int(path[1:]) for _, path, _, _ in server.requests]
        assert len(set(numbers)) == count and set(numbers) >= {0, 1, 2, 3}


def test_it_opens_as_many_files_as_connections_need():
    def few_files(hard):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))

    def together(server, connection):
        """Answers nobody before all are there."""
        def answer(_):
            wait_until(lambda: len(server.requests) >= 60, 10, "60 users are there")
            return ANSWER
        server.each(connection, answer)
    with Server(together) as server:
        words = (f"{server.url}/", "--users", "60", "--connections", "60", "--duration", "0.2")
        done = load(*words, preexec_fn=few_files(200))
        assert done.status == 0 and done.report["all"]["connects"] == 60, str(done)
        done = load(*words, preexec_fn=few_files(50))
        assert done.status == 2 and "more files than this process may open" in done.talk, str(done)


def test_users_do_not_storm_a_server_that_is_down():
    with Server(friendly) as server:
        pass
    done = load(f"{server.url}/", "--users", "2", "--duration", "1")
    assert set(done.outcomes) == {"connect failed"} and sum(done.outcomes.values()) <= 22, str(done)


def test_a_stage_is_a_ramp_a_spike_or_a_pause():
    with Server(friendly) as server:
        done = load(f"{server.url}/", "--stages", "0.5:0-100,0.2:200,0.2:0,0.1:100", "--poisson")
        assert done.status == 0 and 40 <= done.report["all"]["requests"] <= 110, str(done)
        done = load(f"{server.url}/", "--stages", "0.5:0-100,0.2:200,0.2:0,0.1:100")
        assert done.report["all"]["requests"] == 75, str(done)


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_")]))
