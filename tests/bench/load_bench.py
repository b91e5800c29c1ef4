#!/usr/bin/python3
"""What generating load costs: `culprit load` beside wrk, h2load, hey, vegeta, k6 and a bare epoll
loop, one after the other, round by round, on nginx and on a bare libmicrohttpd server; medians over
the rounds. Prints tables, and which goals were met; never judges by its exit status.

The server has the first processor, the client the second; every round begins with another client.
Where the machine has other work, costs differ (a processor that never sleeps wakes up for less):
the load average stands over each table. Columns:

  req/s         answered
  us            CPU of the client a request, user and system, of the whole process
  of wrk ...    the same, as a share of another client's: the median of the rounds' ratios
  peak MB       the most memory that it had resident
  lag p99 ms    how late requests were sent; of the bare loop: what the machine does to anybody

With valgrind there also: instructions a request outside the kernel, by the difference between a
short and a longer run, which no other work on the machine changes.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CULPRIT_BIN", f"{ROOT}/build/release/bin")
BENCH = os.environ.get("CULPRIT_BENCH", f"{ROOT}/build/release/bench")
PEERS = f"{ROOT}/build/peers"
CONNECTIONS = 32
RATE = 2000
CPUS = sorted(os.sched_getaffinity(0))

NGINX = """daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
server {{ listen 127.0.0.1:{1}; location / {{ default_type application/json;
return 200 '{{"ok":true,"service":"bench","number":1}}\\n'; }} }} }}
"""

K6 = """import http from 'k6/http';
export const options = {{ scenarios: {{ load: {{ executor: 'constant-arrival-rate', rate: {rate},
timeUnit: '1s', duration: '{seconds}s', preAllocatedVUs: 32, maxVUs: 64 }} }},
discardResponseBodies: true }};
export default function () {{ http.get('{url}'); }}
"""


def pin(index):
    return lambda: os.sched_setaffinity(0, {CPUS[index % len(CPUS)]})


class Nginx:
    name = "nginx"

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="culprit-bench-")
        self.port = 20000 + os.getpid() % 10000
        path = f"{self.directory.name}/nginx.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(NGINX.format(self.directory.name, self.port))
        self.child = subprocess.Popen(["/usr/sbin/nginx", "-c", path], preexec_fn=pin(0),
                                      stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(10)
        self.directory.cleanup()


class Mhd:
    name = "libmicrohttpd"

    def __enter__(self):
        self.child = subprocess.Popen([f"{BENCH}/load_server"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, preexec_fn=pin(0))
        self.port = int(self.child.stdout.readline())
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(10)


def peak_mb(pid, stop, out):
    while not stop.wait(0.05):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                out.append(int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024)
        except (OSError, AttributeError):
            return


def run(command, environment=None):
    """(standard output, CPU seconds, peak MB)"""
    with tempfile.TemporaryFile(mode="w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL, preexec_fn=pin(1),
                                 env=dict(os.environ, **(environment or {})))
        stop, peaks = threading.Event(), []
        watcher = threading.Thread(target=peak_mb, args=(child.pid, stop, peaks))
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        stop.set()
        watcher.join()
        output.seek(0)
        return output.read(), usage.ru_utime + usage.ru_stime, max(peaks, default=0)


class Row:
    def __init__(self, requests, cpu_s, peak, seconds, lag=None):
        self.rate, self.us = requests / seconds, cpu_s * 1e6 / max(requests, 1)
        self.peak, self.lag = peak, lag


def culprit(server, seconds, rate, *more):
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/r.json"
        shape = ["--rate", str(rate)] if rate else ["--users", str(CONNECTIONS)]
        _, cpu_s, peak = run([f"{BIN}/culprit", "load", f"http://127.0.0.1:{server.port}/", *shape,
                              "--duration", str(seconds), "--connections", str(CONNECTIONS),
                              "--quiet", "--json", path, *more])
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    ok = report["all"]["outcomes"]["ok"]
    assert ok == report["all"]["requests"], report["all"]["outcomes"]
    return Row(ok, cpu_s, peak, seconds, report["all"]["lag_ms"]["p99"])


def culprit_plain(server, seconds, rate):
    return culprit(server, seconds, rate, "--no-trace")


def culprit_curl(server, seconds, rate):
    return culprit(server, seconds, rate, "--engine", "curl")


def floor(server, seconds, rate):
    out, cpu_s, peak = run([f"{BENCH}/load_floor", str(server.port), str(CONNECTIONS),
                            str(seconds), str(rate)])
    done, lag_p99_ns = map(int, out.split())
    return Row(done, cpu_s, peak, seconds, lag_p99_ns / 1e6 if rate else None)


def wrk(server, seconds, _):
    out, cpu_s, peak = run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                            f"http://127.0.0.1:{server.port}/"])
    return Row(int(re.search(r"(\d+) requests in", out).group(1)), cpu_s, peak, seconds)


def h2load(server, seconds, _):
    out, cpu_s, peak = run(["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", "-D", str(seconds),
                            f"http://127.0.0.1:{server.port}/"])
    return Row(int(re.search(r"(\d+) succeeded", out).group(1)), cpu_s, peak, seconds)


def hey(server, seconds, _):
    out, cpu_s, peak = run(["hey", "-z", f"{seconds}s", "-c", str(CONNECTIONS), "-cpus", "1",
                            f"http://127.0.0.1:{server.port}/"])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return Row(int(rate * seconds), cpu_s, peak, seconds)


def vegeta(server, seconds, rate):
    with tempfile.TemporaryDirectory() as directory:
        targets, results = f"{directory}/t", f"{directory}/r"
        with open(targets, "w", encoding="utf-8") as file:
            file.write(f"GET http://127.0.0.1:{server.port}/\n")
        _, cpu_s, peak = run([f"{PEERS}/vegeta", "attack", f"-rate={rate}",
                              f"-duration={seconds}s", f"-targets={targets}",
                              f"-output={results}"])
        done = json.loads(subprocess.run([f"{PEERS}/vegeta", "report", "-type=json", results],
                                         capture_output=True, check=True).stdout)
    return Row(done["status_codes"].get("200", 0), cpu_s, peak, seconds)


def k6(server, seconds, rate):
    with tempfile.TemporaryDirectory() as directory:
        script, summary = f"{directory}/s.js", f"{directory}/summary.json"
        with open(script, "w", encoding="utf-8") as file:
            file.write(K6.format(rate=rate, seconds=seconds,
                                 url=f"http://127.0.0.1:{server.port}/"))
        _, cpu_s, peak = run([f"{PEERS}/k6", "run", "--quiet", "--no-usage-report",
                              "--summary-export", summary, script], {"HOME": directory})
        with open(summary, encoding="utf-8") as file:
            done = json.load(file)["metrics"]["http_reqs"]["count"]
    return Row(done, cpu_s, peak, seconds)


FLAT = {"culprit, as bare as wrk": culprit_plain, "culprit, traced": culprit,
        "culprit, libcurl": culprit_curl, "bare epoll": floor, "wrk": wrk, "h2load": h2load,
        "hey": hey}
PACED = {"culprit, traced": culprit, "bare epoll": floor, "vegeta": vegeta, "k6": k6}
PROGRAMS = {"wrk": "wrk", "h2load": "h2load", "hey": "hey", "vegeta": f"{PEERS}/vegeta",
            "k6": f"{PEERS}/k6"}
# client, column (another client's CPU), at most
FLAT_GOALS = {("culprit, as bare as wrk", "wrk"): 0.85, ("culprit, traced", "wrk"): 1.0}
PACED_GOALS = {("culprit, traced", "k6"): 0.3, ("culprit, traced", "vegeta"): 0.5,
               ("culprit, traced", "bare epoll"): 1.15, ("culprit, traced", "peak MB"): 12,
               ("culprit, traced", "lag p99 ms"): 0.15}
LIMITS = {"peak MB", "lag p99 ms"}  # goals that are no share of another's
verdicts = []


def present(clients):
    kept = {}
    for name, client in clients.items():
        if name in PROGRAMS and not shutil.which(PROGRAMS[name]):
            print(f"skipped: no {name} here")
        else:
            kept[name] = client
    return kept


def ratio(rows, name, other):
    return statistics.median(a.us / b.us for a, b in zip(rows[name], rows[other]))


def table(title, rows, others, goals):
    """Prints a line for each client, and keeps what came of the goals."""
    def cell(name, column, value, width, digits):
        most = goals.get((name, column))
        if most is None:
            return f"{value:{width}.{digits}f}"
        what = column if column in LIMITS else f"CPU of {column}'s"
        verdicts.append(f"  {'met   ' if value <= most else 'missed'}  {title}: {name}, {what}: "
                        f"{value:.{digits}f}, at most {most:g}")
        return f"{value:.{digits}f} (<={most:g})".rjust(width)

    others = [o for o in others if o in rows]
    print(f"\n{title} (load average {os.getloadavg()[0]:.1f})\n{'':26}{'req/s':>9}{'us':>8}"
          + "".join(f"{'of ' + o:>15}" for o in others)
          + f"{'peak MB':>14}{'lag p99 ms':>18}")
    for name, runs in rows.items():
        line = f"{name:26}{statistics.median(r.rate for r in runs):9.0f}" \
               f"{statistics.median(r.us for r in runs):8.1f}"
        for other in others:
            line += cell(name, other, ratio(rows, name, other), 15, 2)
        line += cell(name, "peak MB", max(r.peak for r in runs), 14, 1)
        if runs[0].lag is not None:
            line += cell(name, "lag p99 ms", statistics.median(r.lag for r in runs), 18, 3)
        print(line, flush=True)


def measure(server, clients, seconds, rate, rounds):
    rows = {name: [] for name in clients}
    names = list(clients)
    for number in range(rounds):
        begin = number % len(names)
        order = names[begin:] + names[:begin]
        for name in order if number % 2 == 0 else reversed(order):
            rows[name].append(clients[name](server, seconds, rate))
    return rows


def instructions(server, more):
    """Of `culprit load` outside the kernel, a request."""
    counts = []
    with tempfile.TemporaryDirectory() as directory:
        for seconds in "1", "4":
            path = f"{directory}/r.json"
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                 f"{BIN}/culprit", "load", f"http://127.0.0.1:{server.port}/", "--users",
                 str(CONNECTIONS), "--connections", str(CONNECTIONS), "--duration", seconds,
                 "--quiet", "--json", path, *more], capture_output=True, text=True, check=True)
            with open(path, encoding="utf-8") as file:
                counts.append((int(re.search(r"Collected : (\d+)", done.stderr).group(1)),
                               json.load(file)["all"]["requests"]))
    return (counts[1][0] - counts[0][0]) / (counts[1][1] - counts[0][1])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    flat, paced = present(FLAT), present(PACED)
    servers = [Mhd] + ([Nginx] if os.path.exists("/usr/sbin/nginx") else [])
    if len(servers) == 1:
        print("skipped: no nginx here")
    if len(CPUS) < 2:
        print("one processor: server and client share it")
    for kind in servers:
        with kind() as server:
            rows = measure(server, flat, arguments.seconds, 0, arguments.rounds)
            table(f"{kind.name}, {CONNECTIONS} connections, flat out", rows, ["wrk", "bare epoll"],
                  FLAT_GOALS)
            rows = measure(server, paced, arguments.seconds, RATE, arguments.rounds)
            table(f"{kind.name}, {RATE:,} a second", rows, ["bare epoll", "vegeta", "k6"],
                  PACED_GOALS)
    if shutil.which("valgrind"):
        with Mhd() as server:
            print(f"\ninstructions a request: as bare as wrk {instructions(server, ['--no-trace']):.0f}"
                  f", traced {instructions(server, []):.0f}")
    print("\ngoals\n" + "\n".join(verdicts))


if __name__ == "__main__":
    main()
