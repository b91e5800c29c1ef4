#!/usr/bin/env python3
"""`culprit run` in trouble: interrupted, beside a system, a process or a back end that dies."""
import json
import os
import signal
import subprocess
import sys
import tempfile

from culprit import CULPRIT, Up, culprit, is_alive, wait_for_words
from stack import ROOT, SLOW, main


def test_it_resets_everything_when_it_is_interrupted():
    with Up() as up:
        before = up.rows()
        talk = f"{up.directory.name}/talk"
        with open(talk, "w", encoding="utf-8") as file:
            child = subprocess.Popen(
                [CULPRIT, "run", "pricing-sequential", "--rate", "5", "--duration", "12",
                 "--target", up.path, "--json", f"{up.directory.name}/run.json"], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, text=True)
        wait_for_words(talk, "faulty", 60)
        assert up.rows()["pricing.sequential_calls"] is True
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60 * SLOW)
        assert child.returncode == 105, (child.returncode, out)
        assert "faulty" in out, out
        assert up.rows() == before
        with open(f"{up.directory.name}/run.json", encoding="utf-8") as file:
            told = json.load(file)
        assert (told["verdict"], told["cut_short"]) == ("inconclusive", "interrupted"), told


def test_it_warns_of_faults_that_it_set_in_a_system_that_died():
    for phase, faults_were_set in (("warm-up", False), ("faulty", True)):
        with Up() as up:
            talk = f"{up.directory.name}/talk"
            with open(talk, "w", encoding="utf-8") as file:
                child = subprocess.Popen(
                    [CULPRIT, "run", "pricing-sequential", "--rate", "5", "--duration",
                     "6" if faults_were_set else "30", "--target", up.path], cwd=ROOT,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file)
            wait_for_words(talk, phase, 60)
            up.stop(signal.SIGKILL)
            status = child.wait(timeout=60 * SLOW)
            with open(talk, encoding="utf-8") as file:
                words = file.read()
            assert status == 1, (status, words)
            assert ("faults may still be set" in words) == faults_were_set, words


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


def test_it_names_a_process_that_dies_under_load():
    with tempfile.TemporaryDirectory() as directory:
        talk = f"{directory}/talk"
        with open(talk, "w", encoding="utf-8") as file:
            child = subprocess.Popen(
                [CULPRIT, "run", "baseline", "--rate", "5", "--duration", "12"], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, text=True,
                env=dict(os.environ, TMPDIR=directory))
        wait_for_words(talk, "healthy", 60)
        names = {}
        for pid in children_of(child.pid):
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                names[file.read().strip()] = pid
        os.kill(names["pricing"], signal.SIGKILL)
        out, _ = child.communicate(timeout=60 * SLOW)
        assert child.returncode == 1 and "cut short: pricing died" in out, (child.returncode, out)
        with open(talk, encoding="utf-8") as file:
            assert "pricing died: ended by signal 9" in file.read()
        assert not [pid for pid in names.values() if is_alive(pid)]
        assert os.listdir(directory) == ["talk"], os.listdir(directory)


def test_it_says_when_the_back_end_never_answers():
    import socket
    with Up() as up, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        up.told["endpoints"]["query"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        path = f"{up.directory.name}/silent.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(up.told, file)
        done = culprit("run", "baseline", "--rate", "2", "--duration", "1", "--target", path)
        assert done.returncode == 1 and "no back end" in done.stderr, done


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
