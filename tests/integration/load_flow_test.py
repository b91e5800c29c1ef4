#!/usr/bin/env python3
"""`culprit load` with flow files, over both engines, over TLS and HTTP/2."""
import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

from load_kit import ANSWER, Server, friendly, load, trace_ids
from schema_kit import validate
from stack import ROOT, SLOW, free_port, main, wait_until

USERS = 'name,secret\nann,a1\nbob,"b,2"\ncid,"c""3"\n'


def plan(target, **changes):
    """Log in, look at what one has, buy it."""
    document = {
        "schema": "culprit.load/1", "name": "flow", "target": target,
        "arrivals": {"stages": [{"duration_s": 1, "rate": 30}]},
        "feeders": {"user": {"file": "users.csv"}},
        "headers": {"X-All": "n${number}"},
        "flows": [{"name": "buy", "steps": [
            {"name": "log in", "method": "POST", "path": "/login",
             "json": {"name": "${user.name}", "secret": "${user.secret|json}"},
             "take": {"token": {"json": "/session/token"}, "where": {"header": "location"},
                      "csrf": {"after": "csrf=", "before": ";"}},
             "check": {"status": [200, 201], "headers": {"content-type": "json"},
                       "json": {"/ok": True}}},
            {"name": "look", "path": "${where}?q=${user.name|url}",
             "headers": {"Authorization": "Bearer ${token}"}, "check": {"body": ["goods"]}},
            {"name": "buy", "method": "POST", "path": "/buy", "body": "csrf=${csrf|url}",
             "think_ms": 20}]}]}
    document.update(changes)
    return document


def shop(server, connection):
    def answer(request):
        method, path, headers, body = request[:4]
        if path == "/login":
            who = json.loads(body)["name"]
            told = json.dumps({"ok": True, "session": {"token": f"t-{who}\n"},
                               "x": f"csrf={who} {headers['x-all']};"})
            return (f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                    f"Location: /of/{who}\r\nContent-Length: {len(told)}\r\n\r\n{told}").encode()
        if method == "GET":
            return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"3\r\ngoo\r\n2\r\nds\r\n0\r\n\r\n")
        return ANSWER
    server.each(connection, answer)


@contextlib.contextmanager
def written(document, **files):
    with tempfile.TemporaryDirectory() as directory:
        for name, text in {"plan.json": json.dumps(document), "users.csv": USERS, **files}.items():
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        yield f"{directory}/plan.json"


def check_shop(server, done, count):
    assert done.outcomes == {"ok": 3 * count} and done.status == 0, str(done)
    assert done.report["flows"] == {"due": count, "ok": count, "failed": 0, "cut": 0,
                                    "turned_away": 0}, done.report["flows"]
    by_number = {}
    for request in server.requests:
        by_number.setdefault(int(request[2]["x-all"][1:]), []).append(request)
    assert sorted(by_number) == list(range(count))
    secrets = [("ann", "a1"), ("bob", "b,2"), ("cid", 'c"3')]
    for number, (login, look, buy) in by_number.items():
        name, secret = secrets[number % 3]
        assert json.loads(login[3]) == {"name": name, "secret": secret}, login
        assert login[2]["content-type"] == "application/json"
        assert look[:2] == ("GET", f"/of/{name}?q={name}"), look
        assert look[2]["authorization"] == f"Bearer t-{name}", look  # and no line end in it
        assert buy[:2] == ("POST", "/buy") and buy[3] == f"csrf={name}%20n{number}", buy
    trace_ids(server.requests)


def test_both_engines_walk_through_a_flow():
    p50 = []
    for engine in ("epoll", "curl"):
        with Server(shop) as server, written(plan(server.url)) as path:
            done = load(path, "--engine", engine)
            check_shop(server, done, 30)
            p50.append(done.report["all"]["p50_ms"])
            steps = {s["name"]: s["requests"] for s in done.report["steps"]}
            assert steps == {"log in": 30, "look": 30, "buy": 30}, steps
            assert done.report["all"]["received_bytes"] > 3 * 30 * 38, done.report["all"]
    assert max(p50) < 20 * SLOW * min(p50), p50  # of one order


def test_the_report_is_what_its_schema_says():
    with open(f"{ROOT}/scenarios/schema/load-report.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    with Server(shop) as server, written(plan(server.url)) as path:
        reports = [load(path).report, load(server.url, "--users", "2", "--duration", "0.2",
                                           "--expect", "404").report]
    for report in reports:
        validate(report, schema)
        assert ("users" in report) != ("arrivals" in report), sorted(report)
    assert set(reports[0]) | {"users", "workers"} == set(schema["properties"]), sorted(reports[0])


def test_the_report_holds_all_of_its_histograms_and_slots():
    with Server(shop) as server, written(plan(server.url)) as path:
        report = load(path).report
    for step in report["steps"]:
        for histogram in step["histograms"].values():
            assert sum(histogram["buckets"][1::2]) == histogram["count"], histogram
        assert step["histograms"]["latency"]["count"] == step["requests"] == 30, step
        slots = step["timeline"]["slots"]
        assert sum(slot["due"] for slot in slots) == 30, slots
        for slot in slots:
            assert sum(slot["buckets"][1::2]) + slot["censored"] == slot["due"], slot
        assert sum(1 for slot in slots if slot["due"]) > 1, slots


def test_both_engines_count_a_bad_server_alike():
    def closes(_, connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

    def garbage(_, connection):
        connection.recv(65536)
        connection.sendall(b"220 mail.example ESMTP\r\n")

    def silent(server, connection):
        connection.recv(65536)
        server.closing.wait(30)

    def refuses(server, connection):
        server.each(connection, lambda _: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    for behave in (closes, garbage, silent, refuses):
        seen = []
        for engine in ("epoll", "curl"):
            with Server(behave) as server:
                done = load(f"{server.url}/", "--rate", "40", "--duration", "0.5", "--timeout",
                            "0.4", "--engine", engine)
                seen.append((done.status, done.outcomes))
        assert seen[0] == seen[1] and seen[0][0] == 99, (behave.__name__, seen)


def test_a_wrong_answer_ends_its_flow_and_is_told():
    with Server(friendly) as server, written(plan(server.url)) as path:
        done = load(path)
        assert done.status == 99 and done.outcomes == {"unexpected answer": 30}, str(done)
        assert "30 x not so: header content-type contains json" in done.out, done.out
        assert done.report["flows"]["failed"] == 30 and len(server.requests) == 30
    with Server(friendly) as server:
        changed = plan(server.url)
        changed["flows"][0]["steps"][0]["check"] = {"status": 200}
        with written(changed) as path:
            done = load(path)
            assert done.outcomes == {"unexpected answer": 30}, str(done)
            assert "30 x not so: a value was not in the answer" in done.out, done.out


def test_flows_come_by_weight():
    flows = [{"name": name, "weight": weight, "steps": [{"name": name, "path": f"/{name}"}]}
             for name, weight in (("often", 9), ("seldom", 1))]
    with Server(friendly) as server, \
            written(plan(server.url, flows=flows, arrivals={"stages": [
                {"duration_s": 1, "rate": 300}]})) as path:
        done = load(path)
        counts = [s["requests"] for s in done.report["steps"]]
        assert sum(counts) == 300 and 10 <= counts[1] <= 60, counts


def test_thresholds_are_of_steps_and_give_the_exit_status():
    limits = [{"metric": "p50_ms", "step": "buy", "at_most": 10000},
              {"metric": "rate", "at_least": 1}]
    with Server(shop) as server, written(plan(server.url, thresholds=limits)) as path:
        done = load(path)
        assert done.status == 0 and [t["holds"] for t in done.report["thresholds"]] == [True] * 3
    limits[1] = {"metric": "rate", "at_least": 1000000}
    with Server(shop) as server, written(plan(server.url, thresholds=limits)) as path:
        done = load(path)
        assert done.status == 99 and "BROKEN: rate at least 1e+06" in done.out, str(done)


def test_an_answer_over_the_limit_is_none():
    def endless(_, connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    for engine in ("epoll", "curl"):
        with Server(endless) as server:
            limited = plan(server.url, limits={"body_max_bytes": 1000000},
                           flows=[{"name": "f", "steps": [{"name": "s", "path": "/"}]}])
            with written(limited) as path:
                done = load(path, "--engine", engine)
                assert done.outcomes == {"not HTTP": 30}, str(done)


def test_it_names_file_line_and_key():
    broken = json.dumps(plan("http://h:1"), indent=1)
    broken = broken.replace("${csrf|url}", "${crsf}")
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("p.json", broken), ("users.csv", USERS)):
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        done = load(f"{directory}/p.json")
        line = broken[:broken.rindex('"name": "buy"')].count("\n")  # where the step begins
        assert done.status == 2, str(done)
        assert f'p.json:{line}: step "buy": nobody sets "${{crsf}}"' in done.talk, done.talk


# ---- TLS and HTTP/2


def certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem"],
                   check=True, capture_output=True)
    return f"{directory}/cert.pem", f"{directory}/key.pem"


def test_it_speaks_https():
    if not shutil.which("openssl"):
        print("skipped: no openssl here")
        return
    with tempfile.TemporaryDirectory() as directory:
        cert, key = certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        with Server(friendly, lambda c: context.wrap_socket(c, server_side=True)) as server:
            done = load(f"{server.url}/", "--rate", "50", "--duration", "0.5", "--ca-file", cert)
            assert done.outcomes == {"ok": 25} and done.status == 0, str(done)
            assert done.report["all"]["connect_ms"]["count"] >= 1, done.report["all"]
            trace_ids(server.requests)
            done = load(f"{server.url}/", "--rate", "50", "--duration", "0.1")
            assert done.outcomes == {"connect failed": 5}, str(done)  # nobody vouches for it
            done = load(f"{server.url}/", "--rate", "50", "--duration", "0.1", "--insecure")
            assert done.outcomes == {"ok": 5}, str(done)


NGINX = """daemon off; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 64; }}
http {{ log_format proto '$server_protocol $http_traceparent'; access_log {0}/access.log proto;
client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
server {{ listen 127.0.0.1:{1} ssl http2; listen 127.0.0.1:{2} http2;
ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;
location / {{ return 200 'ok'; }} }} }}
"""


def test_it_speaks_http2():
    if not os.path.exists("/usr/sbin/nginx") or not shutil.which("openssl"):
        print("skipped: no nginx or no openssl here")
        return
    with tempfile.TemporaryDirectory() as directory:
        cert, _ = certificate(directory)
        tls, clear, expected = free_port([]), free_port([]), 0
        with open(f"{directory}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX.format(directory, tls, clear))
        with subprocess.Popen(["/usr/sbin/nginx", "-c", f"{directory}/nginx.conf"],
                              stderr=subprocess.DEVNULL) as nginx:
            try:
                wait_until(lambda: os.path.exists(f"{directory}/pid"), 10, "nginx is up")
                time.sleep(0.2)
                for url in (f"https://127.0.0.1:{tls}/", f"http://127.0.0.1:{clear}/"):
                    done = load(url, "--rate", "50", "--duration", "0.5", "--http2", "--ca-file",
                                cert)
                    if done.status == 2 and url.startswith("http:"):
                        assert "libcurl 7.88" in done.talk, str(done)
                        continue
                    assert done.outcomes == {"ok": 25} and done.status == 0, str(done)
                    expected += 25
            finally:
                nginx.terminate()
                nginx.wait(10)
        with open(f"{directory}/access.log", encoding="utf-8") as file:
            lines = file.read().splitlines()
        assert len(lines) == expected and len(set(lines)) == expected >= 25, lines
        assert all(line.startswith("HTTP/2.0 00-") for line in lines), lines


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_")]))
