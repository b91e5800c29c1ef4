#!/usr/bin/env python3
"""A process of the system is killed (signal 9) while `culprit run` judges it: the run ends and names
it, the others keep working, and the databases are whole and agree when the system is up again."""
import glob
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from culprit import CULPRIT, Up, is_alive
from stack import ROOT, SLOW, main, wait_until

RATE, WINDOW_S = 10, 4


class Judged:
    """A run against a system; killed() once it ended."""

    def __init__(self, up):
        self.up = up
        self.path = f"{up.directory.name}/run.json"
        begun = up.get("orders", "/totals")["orders"]
        self.child = subprocess.Popen(
            [CULPRIT, "run", "baseline", "--rate", str(RATE), "--duration", str(WINDOW_S),
             "--target", up.path, "--json", self.path], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # the warm-up takes 1.5 s
        wait_until(lambda: up.get("orders", "/totals")["orders"] >= begun + 2.5 * RATE, 30,
                   "the healthy window is under way")

    def end(self):
        """(exit status, what it printed, what it said, its JSON)"""
        out, said = self.child.communicate(timeout=60 * SLOW)
        with open(self.path, encoding="utf-8") as file:
            return self.child.returncode, out, said, json.load(file)


def is_living(up, name):
    """By its own word; the collector has no such route on its query port but answers."""
    url = up.told["endpoints"]["query" if name == "collector" else name]
    try:
        with urllib.request.urlopen(f"{url}/livez", timeout=10 * SLOW) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def check_databases(data):
    paths = sorted(glob.glob(f"{data}/*.db") + glob.glob(f"{data}/*/*.db"))
    names = {os.path.basename(path) for path in paths}
    assert {"orders.db", "inventory.db", "payment.db", "traces.db", "queue.db"} <= names, names
    for path in paths:
        connection = sqlite3.connect(path)
        try:
            verdict = connection.execute("PRAGMA integrity_check").fetchall()
        finally:
            connection.close()
        assert verdict == [("ok",)], (path, verdict)


def left_behind(data):
    """Operations that nobody could settle: their customer would ask again under the same key."""
    with open(f"{data}/log/checkout.log", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.startswith("{")]
    return {line["operation_id"] for line in lines
            if line["msg"] in ("an operation was left half done", "something was not taken back")}


def check_books(up, in_doubt):
    """Every order is paid, has its stock, and is mailed once. `in_doubt`: operations that may be
    paid or hold stock without an order."""
    def is_mailed():
        return up.get("notification", "/totals")["sent"] == up.get("orders", "/totals")["orders"]
    wait_until(is_mailed, 60, "as many mails as orders")
    orders, payments = up.get("orders", "/totals"), up.get("payment", "/totals")
    reserved = {sku: row["reserved"] for sku, row in up.get("inventory", "/stock")["skus"].items()}
    short = {sku: (units, reserved.get(sku)) for sku, units in orders["units"].items()
             if units > reserved.get(sku, 0)}
    assert orders["orders"] > 0 and not short, (orders["orders"], short)
    assert 0 <= payments["charged"] - orders["orders"] <= in_doubt, (payments, orders["orders"])
    if in_doubt == 0:
        assert sum(reserved.values()) == sum(orders["units"].values())


def kill_during_a_run(data, victim, words):
    """What goes wrong is told by the run, by `up`, and by nobody else."""
    with Up("--data", data) as up:
        judged = Judged(up)
        os.kill(up.told["pids"][victim], signal.SIGKILL)
        code, out, said, told = judged.end()
        assert code == 1 and f"culprit run: {words}" in said, (code, said)
        assert f"cut short: {words}" in out and "healthy" in out, out
        assert told["cut_short"].startswith(words) and told["verdict"] == "inconclusive", told
        others = [name for name in up.told["pids"] if name != victim]
        assert not [name for name in others if not is_living(up, name)]
        assert up.get("frontend", "/products?limit=1")["products"]
        code, _, said = up.stop()
        assert (code, said) == (1, f"culprit up: {victim} died: ended by signal 9 (Killed)\n"), said
        assert not [pid for pid in up.told["pids"].values() if is_alive(pid)]


def check_data(data):
    check_databases(data)
    with Up("--data", data) as up:
        check_books(up, len(left_behind(data)))
        assert up.stop()[0] == 0
    check_databases(data)


def kill_and_check(victim, words):
    with tempfile.TemporaryDirectory(prefix="culprit-crash-") as data:
        kill_during_a_run(data, victim, words)
        check_data(data)


def test_it_survives_the_death_of_orders():
    kill_and_check("orders", "no sign of life from orders; orders: GET ")


def test_it_survives_the_death_of_payment():
    kill_and_check("payment", "no sign of life from payment; ")


def test_it_survives_the_death_of_the_collector():
    kill_and_check("collector", "no back end to read traces from: GET ")


def test_it_survives_the_death_of_checkout():
    """Nobody is left to take back what it was about to do, and its log stops, too."""
    with tempfile.TemporaryDirectory(prefix="culprit-crash-") as data:
        kill_during_a_run(data, "checkout", "no sign of life from checkout; ")
        check_databases(data)
        with Up("--data", data) as up:
            check_books(up, in_doubt=RATE)
            assert up.stop()[0] == 0


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
