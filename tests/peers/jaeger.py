"""Real Jaeger as a process on free ports of loopback, for tests and benches. Python's standard
library only; tests/peers/build.sh makes the program."""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = f"{ROOT}/build/peers/jaeger"
START_S = 60

CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}}
extensions:
  jaeger_query:
    storage: {{traces: store}}
    http: {{endpoint: "127.0.0.1:{query}"}}
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
  jaeger_storage:
    backends: {{store: {store}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
processors: {{batch: {{timeout: 100ms}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: store}}}}
"""
STORES = {
    "memory": "{memory: {max_traces: 1000000}}",
    "badger": '{{badger: {{ephemeral: false, directories: {{keys: "{0}/keys", '
              'values: "{0}/values"}}}}}}',
}


def free_ports(count):
    """All at once, so that no two are alike."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Jaeger:
    """`store`: "memory", or "badger", which is durable. The directory is the caller's."""

    def __init__(self, directory, store="memory"):
        self.otlp, self.query, grpc = free_ports(3)
        config = f"{directory}/jaeger.yaml"
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(query=self.query, grpc=grpc, otlp=self.otlp,
                                    store=STORES[store].format(f"{directory}/data")
                                    if store == "badger" else STORES[store]))
        os.mkdir(f"{directory}/data")
        self.log = f"{directory}/jaeger.log"
        with open(self.log, "wb") as log:
            # its own traces are not asked for
            self.process = subprocess.Popen([PROGRAM, "--config", config], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL,
                                            env=dict(os.environ, OTEL_TRACES_SAMPLER="always_off"))
        deadline = time.monotonic() + START_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise AssertionError(log.read()[-4000:])
            time.sleep(0.1)

    def answers(self):
        try:
            return self.get("/api/v3/services") is not None
        except OSError:
            return False

    def get(self, path):
        """JSON, or None where there is nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.query}{path}", timeout=30) as got:
                return json.load(got)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
