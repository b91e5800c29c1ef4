"""Servers to load, well-behaved and not, and `culprit load` with its report."""
import contextlib
import json
import re
import socket
import subprocess
import tempfile
import threading
import time

from culprit import CULPRIT
from stack import ROOT, SLOW

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"


def read_request(connection, rest=b""):
    """(method, path, headers, body, what follows); None at the end."""
    while b"\r\n\r\n" not in rest:
        more = connection.recv(65536)
        if not more:
            return None
        rest += more
    head, _, rest = rest.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = dict((k.lower(), v) for k, _, v in (line.partition(": ") for line in lines[1:]))
    length = int(headers.get("content-length", 0))
    while len(rest) < length:
        more = connection.recv(65536)
        if not more:
            return None
        rest += more
    return method, path, headers, rest[:length].decode(), rest[length:]


class Server:
    """A thread for each connection; `behave(server, connection)` does with it what it likes."""

    def __init__(self, behave, wrap=None):
        self.behave, self.wrap = behave, wrap
        self.requests, self.lock = [], threading.Lock()
        self.began = time.monotonic()
        self.closing = threading.Event()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if wrap else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ValueError):
            if self.wrap:
                connection = self.wrap(connection)
            self.behave(self, connection)
        with contextlib.suppress(OSError):
            connection.close()

    def each(self, connection, answer):
        """Keeps each request and sends what `answer(request)` gives."""
        rest = b""
        while True:
            request = read_request(connection, rest)
            if request is None:
                return
            rest = request[4]
            with self.lock:
                self.requests.append(request[:4])
            connection.sendall(answer(request))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shut()

    def shut(self):
        """Nobody listens any more, and whoever waits for the end goes on."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def friendly(server, connection):
    server.each(connection, lambda request: ANSWER)


class Done:
    """One run: exit status, both outputs, the report."""

    def __init__(self, child, out, talk, path):
        self.status, self.out, self.talk = child.returncode, out, talk
        self.report = None
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            self.report = json.load(file)

    def __str__(self):
        return f"{self.status}\n{self.out}\n{self.talk}"

    @property
    def outcomes(self):
        return {k: v for k, v in self.report["all"]["outcomes"].items() if v}


@contextlib.contextmanager
def begin(*words, **more):
    """`culprit load` as a child that is running; the second value waits for it."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/report.json"
        with subprocess.Popen([CULPRIT, "load", *words, "--quiet", "--json", path], cwd=ROOT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, **more) as child:
            try:
                yield child, lambda: Done(child, *child.communicate(timeout=60 * SLOW), path)
            finally:
                if child.poll() is None:
                    child.kill()


def load(*words, **more):
    with begin(*words, **more) as (_, wait):
        return wait()


def trace_ids(requests):
    ids = [re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-03", headers["traceparent"]).group(1)
           for _, _, headers, _ in requests]
    assert len(set(ids)) == len(ids)
    return ids
