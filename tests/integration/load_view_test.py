#!/usr/bin/env python3
"""What `culprit load` shows while it runs: a block on a terminal, plain lines on a pipe, and the
terminal as it was before in every end."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from culprit import CULPRIT
from load_kit import ANSWER, Server, friendly
from stack import ROOT, SLOW, main

SHOW, HIDE = b"\x1b[?25h", b"\x1b[?25l"
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
FRAME = re.compile(rb"\x1b\[\?25l\r(?:\x1b\[(\d+)A)?(.*?)\x1b\[J\x1b\[\?25h", re.DOTALL)


def variables(**more):
    kept = {k: v for k, v in os.environ.items()
            if k not in ("CI", "NO_COLOR", "COLUMNS", "LANG", "LC_ALL", "LC_CTYPE")}
    return {**kept, "TERM": "xterm", **more}


class Terminal:
    """`culprit load` with a pseudo terminal for standard error; its output goes elsewhere."""

    def __init__(self, *words, columns=80, rows=24, **more):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.child = subprocess.Popen([CULPRIT, "load", *words], cwd=ROOT, env=variables(**more),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=slave)
        self.slave = slave
        self.seen = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until=lambda seen: False):
        """Reads until the child has ended, or `until` is true of all that was shown."""
        deadline = time.monotonic() + 60 * SLOW
        while not until(self.seen):
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
            elif self.child.poll() is not None:
                break

    def wait(self):
        self.read()
        return self.child.wait(timeout=60 * SLOW)

    def frames(self):
        """The lines of each redraw; nothing may stand outside of them."""
        text = self.seen.replace(b"\r\n", b"\n")
        assert FRAME.sub(b"", text) == b"", text
        return [COLOUR.sub(b"", part).replace(b"\x1b[K", b"").decode().split("\n")[:-1]
                for _, part in FRAME.findall(text)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)
        os.close(self.slave)

    def assert_restored(self):
        assert self.seen.rfind(SHOW) > self.seen.rfind(HIDE), self.seen[-200:]
        assert termios.tcgetattr(self.slave) == self.before


def frame_count(count):
    return lambda seen: seen.count(SHOW) >= count


def pick(lines, label):
    return next(line for line in lines if line.startswith(label))


def every_third_fails(server, connection):
    bad = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    server.each(connection, lambda _: bad if len(server.requests) % 3 == 0 else ANSWER)


def test_it_draws_a_block_and_leaves_one_line():
    with Server(friendly) as server, Terminal(
            server.url, "--rate", "40", "--duration", "2", LANG="C.UTF-8") as terminal:
        assert terminal.wait() == 0, terminal.seen
        terminal.assert_restored()
        frames = terminal.frames()
        assert len(frames) >= 4, frames
        assert frames[-2][0] == f"load {server.url}", frames[-2]
        assert "of 40/s wanted" in pick(frames[-2], "rate"), frames[-2]
        assert re.search(r"[▁-█]{4}", pick(frames[-2], "rate")), frames[-2]
        assert "80 due  80 answered  0 failed  0 in flight" in pick(frames[-2], "requests")
        assert "█" in frames[-2][1] and "2 of 2 s" in frames[-2][1], frames[-2]
        assert len(frames[-1]) == 1 and frames[-1][0].startswith("load 2 of 2 s, "), frames[-1]
        # each goes up as far as the one before it went down
        ups = [int(up or 0) for up, _ in FRAME.findall(terminal.seen.replace(b"\r\n", b"\n"))]
        assert ups == [0] + [len(lines) for lines in frames[:-1]], ups
        assert COLOUR.search(terminal.seen)


def test_it_names_the_errors():
    with Server(every_third_fails) as server, Terminal(
            server.url, "--rate", "60", "--duration", "1") as terminal:
        assert terminal.wait() == 99
        last = terminal.frames()[-2]
        assert "60 due  60 answered  20 failed" in pick(last, "requests"), last
        assert "20 unexpected status" in pick(last, "errors"), last


def test_it_draws_no_colour_and_no_unicode_where_told():
    with Server(friendly) as server, Terminal(
            server.url, "--rate", "40", "--duration", "1", NO_COLOR="1", LANG="C") as terminal:
        assert terminal.wait() == 0
        assert len(terminal.frames()) >= 3
        assert not COLOUR.search(terminal.seen), terminal.seen
        assert terminal.seen.isascii()


def test_it_follows_the_window():
    with Server(friendly) as server, Terminal(server.url, "--rate", "40", "--duration", "30",
                                              columns=120, LANG="C.UTF-8") as terminal:
        terminal.read(frame_count(4))
        terminal.resize(40, 12)
        before = terminal.seen.count(SHOW)
        terminal.read(frame_count(before + 4))
        terminal.child.send_signal(signal.SIGINT)
        assert terminal.wait() == 105
        terminal.assert_restored()
        frames = terminal.frames()
        assert max(len(line) for line in frames[2]) > 60, frames[2]
        for lines in frames[before + 2:]:
            assert len(lines) < 12 and max(len(line) for line in lines) < 40, lines


def test_it_leaves_the_terminal_usable_whatever_ends_it():
    for number, status in ((signal.SIGINT, 105), (signal.SIGTERM, 105),
                           (signal.SIGKILL, -signal.SIGKILL), (signal.SIGABRT, -signal.SIGABRT)):
        with Server(friendly) as server, Terminal(
                server.url, "--rate", "40", "--duration", "30") as terminal:
            terminal.read(frame_count(3))
            terminal.child.send_signal(number)
            assert terminal.wait() == status, (number, terminal.seen)
            terminal.assert_restored()
            if status == 105:
                assert len(terminal.frames()[-1]) == 1, terminal.frames()[-1]


def test_it_draws_nothing_in_the_background():
    with Server(friendly) as server:
        master, slave = pty.openpty()

        def own_terminal():
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        with subprocess.Popen(
                ["bash", "-c", f"set -m; '{CULPRIT}' load {server.url} --duration 1 & wait $!"],
                cwd=ROOT, env=variables(), stdin=slave, stdout=subprocess.DEVNULL, stderr=slave,
                start_new_session=True, preexec_fn=own_terminal) as shell:
            assert shell.wait(timeout=60 * SLOW) == 0
        os.close(slave)
        seen = os.read(master, 65536)
        os.close(master)
        assert len(FRAME.findall(seen)) == 1, seen
        assert b"load 1 of 1 s, " in seen, seen


def plain(*words, **more):
    with Server(friendly) as server:
        return subprocess.run([CULPRIT, "load", server.url, "--rate", "40", *words], cwd=ROOT,
                              env=variables(**more), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60 * SLOW, check=True)


def test_it_writes_plain_lines_on_a_pipe():
    done = plain("--duration", "6")
    lines = done.stderr.decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["load 5 of 6 s", "load 6 of 6 s"], lines
    assert b"\x1b" not in done.stderr + done.stdout
    assert all(" 0 failed, p50 " in line for line in lines), lines


def test_it_is_quiet_where_told():
    assert plain("--duration", "1", "--quiet").stderr == b""
    with Server(friendly) as server, Terminal(
            server.url, "--duration", "1", "--quiet") as terminal:
        assert terminal.wait() == 0 and terminal.seen == b""


def test_it_writes_plain_lines_in_ci():
    with Server(friendly) as server, Terminal(
            server.url, "--duration", "1", CI="true") as terminal:
        assert terminal.wait() == 0
        assert re.fullmatch(rb"load 1 of 1 s, [^\x1b\n]*\r\n", terminal.seen), terminal.seen


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_")]))
