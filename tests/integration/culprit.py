"""The command `culprit` as a person or a script runs it."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request

from stack import BIN, ROOT, SLOW, wait_until

CULPRIT = f"{BIN}/culprit"


def culprit(*words, limit=120, program=CULPRIT, **more):
    """Runs it to its end; the finished process with its outputs as text."""
    return subprocess.run([program, *words], cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=limit * SLOW, check=False,
                          **more)


class Up:
    """A running `culprit up`."""

    def __init__(self, *flags, environment=None):
        self.directory = tempfile.TemporaryDirectory(prefix="culprit-up-")
        self.path = f"{self.directory.name}/up.json"
        # its temporary data goes into a directory of ours, so that what it leaves behind shows
        self.temporary = f"{self.directory.name}/tmp"
        os.mkdir(self.temporary)
        self.child = subprocess.Popen(
            [CULPRIT, "up", "--ports", "auto", "--json", self.path, *flags], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, TMPDIR=self.temporary, **(environment or {})))
        try:
            wait_until(lambda: os.path.exists(self.path) or self.child.poll() is not None, 30,
                       "the system is up")
        except BaseException:
            self.__exit__()
            raise
        if self.child.poll() is not None:
            raise AssertionError(self.child.communicate())
        with open(self.path, encoding="utf-8") as file:
            self.told = json.load(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self.child.poll() is None:
                self.stop()
        finally:
            self.directory.cleanup()

    def stop(self, number=signal.SIGTERM):
        """Ends it; (exit status, standard output, standard error)."""
        self.child.send_signal(number)
        try:
            out, talk = self.child.communicate(timeout=60 * SLOW)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise
        return self.child.returncode, out, talk

    def get(self, name, path):
        address = self.told["endpoints"][name] + path
        with urllib.request.urlopen(address, timeout=10 * SLOW) as answer:
            return json.load(answer)

    def read(self, name, path, **headers):
        """The answer's text."""
        request = urllib.request.Request(self.told["endpoints"][name] + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10 * SLOW) as answer:
            return answer.read().decode()

    def rows(self):
        """{"pricing.sequential_calls": value, ...} of every service."""
        names = [n for n in self.told["endpoints"] if n not in ("otlp", "query")]
        return {f"{name}.{row['name']}": row["value"]
                for name in names for row in self.get(name, "/-/faults")["rows"]}


def is_alive(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def wait_for_words(path, words, seconds):
    def are_there():
        with open(path, encoding="utf-8") as file:
            return words in file.read()
    wait_until(are_there, seconds, f"\"{words}\" in {path}")


def now():
    return time.monotonic()
