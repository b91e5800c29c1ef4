#!/usr/bin/env python3
"""`culprit up`: what it tells, what it leaves behind, and how it names what goes wrong."""
import os
import signal
import socket
import sys

from culprit import Up, culprit, is_alive
from stack import main, topology, wait_until

SERVICES = [row["name"] for row in topology() if row["kind"] != "collector"]


def test_it_tells_scripts_where_everything_is():
    with Up() as up:
        told = up.told
        assert 0 < told["ready_ms"] and 0 < told["pss_kib"] <= told["rss_kib"]
        assert set(told["endpoints"]) == set(SERVICES) | {"otlp", "query"}
        assert set(told["pids"]) == set(SERVICES) | {"collector"}
        assert len(told["control_token"]) == 64
        assert all(is_alive(pid) for pid in told["pids"].values())
        assert up.get("frontend", "/products?limit=1")["products"]
        code, out, talk = up.stop(signal.SIGINT)
        assert code == 0 and not talk, (code, talk)
        assert "ready after" in out and told["endpoints"]["frontend"] in out


def test_it_leaves_nothing_behind():
    with Up() as up:
        assert len(os.listdir(up.temporary)) == 1
        code, _, talk = up.stop(signal.SIGTERM)
        assert code == 0, talk
        assert not [pid for pid in up.told["pids"].values() if is_alive(pid)]
        assert not os.listdir(up.temporary)


def test_it_takes_its_children_along_when_it_is_killed():
    with Up() as up:
        up.stop(signal.SIGKILL)
        wait_until(lambda: not [p for p in up.told["pids"].values() if is_alive(p)], 5,
                   "no child is left")


def test_it_names_a_child_that_dies_and_goes_on_with_the_others():
    with Up() as up:
        for name in ("payment", "collector"):
            os.kill(up.told["pids"][name], signal.SIGKILL)
            said = up.child.stderr.readline()
            assert f"{name} died: ended by signal 9" in said, said
        assert up.get("frontend", "/products?limit=1")["products"]
        living = {name for name, pid in up.told["pids"].items() if is_alive(pid)}
        assert set(up.told["pids"]) - living == {"payment", "collector"}, living
        code, _, talk = up.stop()
        assert (code, talk) == (1, ""), (code, talk)
        assert not [pid for pid in up.told["pids"].values() if is_alive(pid)]


def test_it_names_a_port_in_use():
    port = next(row["port"] for row in topology() if row["name"] == "inventory")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = culprit("up")
    assert done.returncode == 1 and done.stdout == "", done
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr, done.stderr


def test_it_names_a_program_that_is_missing():
    done = culprit("up", "--ports", "auto", "--bin", "/nonexistent")
    assert done.returncode == 1, done
    assert "collector: /nonexistent/collector: No such file" in done.stderr, done.stderr


def test_it_keeps_data_where_it_is_told():
    with Up() as first:
        data = f"{first.directory.name}/data"
        first.stop()
        with Up("--data", data) as up:
            assert up.told["data"] == data
            up.stop()
        assert os.path.exists(f"{data}/log/pricing.log")


def test_it_sets_faults_from_the_start():
    with Up(environment={"CULPRIT_FAULTS": "pricing.sequential_calls",
                         "OTEL_SERVICE_NAME": "somebody-else"}) as up:
        assert up.rows()["pricing.sequential_calls"] is True


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
