"""A real Chromium over the W3C WebDriver protocol, with nothing but the standard library."""
import base64
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from stack import SLOW

START_S = 60 * SLOW
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def is_there():
    """False leaves out what needs one; where CULPRIT_BROWSER=required, it is tried and fails."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver")
                or os.environ.get("CULPRIT_BROWSER") == "required")


class Browser:
    """One window; end it with stop()."""

    def __init__(self, width=1280, height=800, dark=False):
        self.directory = tempfile.TemporaryDirectory(prefix="browser-")
        self.log = open(f"{self.directory.name}/driver.log", "wb+")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0", "--allowed-ips=127.0.0.1"], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT)
        self.session = None
        try:
            self.port = self.find_port()
            self.session = self.call("POST", "/session", self.capabilities(width, height))[
                "sessionId"]
            self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)
            self.cdp("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        except BaseException:
            self.stop()
            raise

    def capabilities(self, width, height):
        return {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
                f"--user-data-dir={self.directory.name}/profile",
                f"--window-size={width},{height}"]}}}}

    def find_port(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.driver.poll() is None, "chromedriver ended"
            with open(self.log.name, encoding="utf-8", errors="replace") as log:
                for line in log:
                    if "started successfully on port" in line:
                        return int(line.rstrip(".\n").rsplit(" ", 1)[1])
            time.sleep(0.05)
        raise TimeoutError("chromedriver is not ready")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{answer['error']}: {answer['message']}")
        return answer

    def ask(self, method, path, **body):
        return self.call(method, f"/session/{self.session}{path}",
                         body if method == "POST" else None)

    def cdp(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, address):
        self.ask("POST", "/url", url=address)

    def run(self, script, *arguments):
        """The body of a function; its value."""
        return self.ask("POST", "/execute/sync", script=script, args=list(arguments))

    def wait(self, script, limit_s=20):
        """Until the expression holds; its value."""
        deadline = time.monotonic() + limit_s * SLOW
        while True:
            value = self.run(f"return {script}")
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"never: {script}\n{self.run('return document.body.innerText')}")
            time.sleep(0.05)

    def press(self, key):
        self.ask("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}])

    def click(self, selector):
        found = self.ask("POST", "/element", using="css selector", value=selector)
        self.ask("POST", f"/element/{found[ELEMENT]}/click")

    def screenshot(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def messages(self):
        """What the console said since the last call."""
        return self.ask("POST", "/se/log", type="browser")

    def stop(self):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(20)
            self.log.close()
            self.directory.cleanup()
