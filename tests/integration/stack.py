"""The whole shop on this machine: every service and partner of compose/topology.json as a real
process on a port of its own, under a directory that goes away with it. And a customer."""
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CULPRIT_BIN", f"{ROOT}/build/release/bin")
SLOW = {"asan": 3, "tsan": 6}.get(os.environ.get("CULPRIT_VARIANT", ""), 1)
PASSWORD = "culprit"
IDLE_S = 30  # what a service lets a kept connection idle (lib/http/server.h)


def topology():
    with open(f"{ROOT}/compose/topology.json", encoding="utf-8") as text:
        return json.load(text)["services"]


def wait_until(check, seconds, what):
    """Polls `check` until it is true; the last value comes back."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port(taken):
    """Below the range that outgoing connections draw from, so that a service that is started again
    finds its port free."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in taken:
            return port


class Stack:
    """`environment`: rows by service, {"bank": {"latency_ms": 0}}; `variables`: more of the
    processes' environment; `detours`: where a service finds another one instead of at its own
    port, {("frontend", "cart"): port}; `programs`: where they lie; `flags`: more of the command
    line of each service."""

    def __init__(self, environment=None, variables=None, only=None, detours=None, programs=BIN,
                 flags=()):
        self.directory = tempfile.mkdtemp(prefix="culprit-shop-")
        rows = topology()
        self.kinds = {row["name"]: row["kind"] for row in rows if row["kind"] != "collector"}
        self.names = [name for name in self.kinds if only is None or name in only]
        self.ports = {}
        self.detours, self.programs = detours or {}, programs
        self.flags = list(flags)
        for name in self.kinds:
            self.ports[name] = free_port([*self.ports.values(), *self.detours.values()])
        self.children = {}
        self.starts = {name: 0 for name in self.kinds}
        self.local = threading.local()
        settings = [f"{name}.{row}={value}" for name, values in (environment or {}).items()
                    for row, value in values.items()]
        self.variables = dict(
            os.environ,
            CULPRIT_ENVIRONMENT=",".join(settings), CULPRIT_LOG_LEVEL="info",
            QUEUE_URL=f"sqlite:{self.directory}/data/queue.db",
            OTEL_SDK_DISABLED="true")
        self.variables.update(variables or {})
        try:
            for name in self.names:
                self.start(name, wait=False)
            for name in self.names:
                self.wait_ready(name)
        except BaseException:
            self.close(check=False)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(check=kind is None)

    def endpoints(self, caller):
        return ",".join(f"{name}=127.0.0.1:{self.detours.get((caller, name), port)}"
                        for name, port in self.ports.items())

    def start(self, name, wait=True):
        self.starts[name] += 1
        with open(f"{self.directory}/{name}.log", "ab") as log:
            self.children[name] = subprocess.Popen(
                [f"{self.programs}/{name}", "--listen", f"127.0.0.1:{self.ports[name]}",
                 "--data", f"{self.directory}/data", *self.flags],
                env=dict(self.variables, CULPRIT_ENDPOINTS=self.endpoints(name)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_ready(name)

    def wait_ready(self, name):
        def is_ready():
            child = self.children[name]
            if child.poll() is not None:
                raise AssertionError(f"{name} ended with {child.returncode}: {self.log(name)}")
            try:
                return self.ask(name, "GET", "/readyz")[0] == 200
            except OSError:
                return False
        wait_until(is_ready, 20, f"{name} is ready")

    def stop(self, name, number=signal.SIGTERM):
        """Ends a service; its exit status."""
        child = self.children.pop(name)
        child.send_signal(number)
        try:
            return child.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise AssertionError(f"{name} did not end: {self.log(name)}") from None

    def log(self, name):
        with open(f"{self.directory}/{name}.log", "rb") as text:
            return text.read().decode(errors="replace")[-4000:]

    def close(self, check=True):
        codes = {}
        for name in list(self.children):
            try:
                codes[name] = self.stop(name)
            except AssertionError as error:
                codes[name] = str(error)
        wrong = {name: (code, self.log(name)) for name, code in codes.items() if code != 0}
        shutil.rmtree(self.directory, ignore_errors=True)
        if check and wrong:
            raise AssertionError(f"services ended badly: {wrong}")

    def connection(self, name):
        """This thread's to a service. It outlives neither the process that it leads to nor half of
        what a server lets a connection idle."""
        if not hasattr(self.local, "connections"):
            self.local.connections = {}
        kept = self.local.connections
        life, used, connection = kept.get(name, (None, 0, None))
        now = time.monotonic()
        if life != self.starts[name] or now - used > IDLE_S / 2:
            if connection:
                connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", self.ports[name],
                                                    timeout=30 * SLOW)
        kept[name] = (self.starts[name], now, connection)
        return connection

    def ask(self, name, method, path, body=None, headers=None):
        """Status, JSON and headers of an answer. `body` may be bytes, which go as they are."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = dict(headers or {})
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection(name)
        try:
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise OSError(f"{name}: {error!r}") from error
        is_json = reply.getheader("Content-Type", "").startswith("application/json")
        return reply.status, json.loads(text) if text and is_json else text, reply

    def set(self, name, faults=None, environment=None):
        document = {}
        if faults is not None:
            document["faults"] = faults
        if environment is not None:
            document["environment"] = environment
        status, reply, _ = self.ask(name, "PUT", "/-/faults", document)
        assert status in (200, 204), (status, reply)

    def totals(self):
        """What the services that count say, side by side."""
        def get(name, path):
            status, reply, _ = self.ask(name, "GET", path)
            assert status == 200, (name, status, reply)
            return reply
        return {"orders": get("orders", "/totals"), "stock": get("inventory", "/stock"),
                "payments": get("payment", "/totals"), "mails": get("notification", "/totals")}


class Customer:
    """A user who is logged in. Numbers of carts and keys are the customer's own."""

    def __init__(self, stack, user="user-1", password=PASSWORD):
        self.stack, self.user = stack, user

        def log_in():
            """None where the hashes of others that log in took all of its time."""
            status, reply, _ = stack.ask("frontend", "POST", "/login",
                                         {"user": user, "password": password})
            assert status in (200, 503, 504), (status, reply)
            return reply["token"] if status == 200 else None
        self.token = wait_until(log_in, 60, f"{user} is logged in")

    def headers(self, **more):
        return dict({"Authorization": f"Bearer {self.token}"},
                    **{name.replace("_", "-"): value for name, value in more.items()})

    def put_cart(self, cart, lines):
        status, reply, _ = self.stack.ask("frontend", "PUT", f"/cart/{cart}", {"lines": lines},
                                          self.headers())
        return status, reply

    def get_cart(self, cart):
        status, reply, _ = self.stack.ask("frontend", "GET", f"/cart/{cart}", None, self.headers())
        return status, reply

    def checkout(self, cart, key, **more):
        body = {"cart_id": cart, "currency": "EUR", "country": "DE", "coupon": ""}
        body.update(more)
        status, reply, _ = self.stack.ask("frontend", "POST", "/checkout", body,
                                          self.headers(Idempotency_Key=key))
        return status, reply

    def buy_in_the_end(self, key, lines, **more):
        """As `buy`, and again under the same key until there is an answer that settles it. All
        answers, the last one first; 0 stands for a broken connection."""
        codes = []
        deadline = time.monotonic() + 60 * SLOW
        while time.monotonic() < deadline:
            try:
                codes.insert(0, self.buy(key, lines, **more)[0])
            except OSError:
                codes.insert(0, 0)
            if 200 <= codes[0] < 500:
                return codes
            time.sleep(0.05)
        raise AssertionError(f"{key} was never settled: {codes[:5]}")

    def buy(self, key, lines, **more):
        """A cart and a checkout, both under `key`."""
        status, reply = self.put_cart(f"cart-{key}", lines)
        if status != 200:
            return status, reply
        return self.checkout(f"cart-{key}", key, **more)


def line(number, quantity=1):
    return {"sku": f"sku-{number:04d}", "quantity": quantity}


def in_threads(count, work):
    """Runs work(i) on `count` threads; their results. An exception in one is raised here."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = work(i)
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)
    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * SLOW)
        assert not thread.is_alive(), "a thread hangs"
    if failures:
        raise failures[0]
    return results


def main(*tests):
    """Runs the tests, functions named test_it_..., and counts them as cmocka does. Exit status."""
    failed = []
    for test in tests:
        began = time.monotonic()
        try:
            test()
            word = "OK"
        except Exception:  # pylint: disable=broad-except
            failed.append(test.__name__)
            traceback.print_exc()
            word = "FAILED"
        print(f"[ {word:>8} ] {test.__name__[5:].replace('_', ' ')} "
              f"({time.monotonic() - began:.1f} s)", flush=True)
    print(f"[  PASSED  ] {len(tests) - len(failed)} test(s).")
    if failed:
        print(f"[  FAILED  ] {len(failed)} test(s): {', '.join(failed)}")
    return 1 if failed else 0
