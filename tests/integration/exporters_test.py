#!/usr/bin/env python3
"""A service that exports to several places at once: each gets every span, /metrics tells them apart,
and a receiver that is not there costs the others nothing."""
import json
import re
import sys

from sink import Sink
from stack import Stack, main, wait_until

SERVICE = "catalog"
OTLP, CONSOLE, FILE = (f"{name}_span_exporter" for name in ("otlp_http", "console", "otlp_stdout"))


def exported(stack):
    """{exporter: {"": exported, "failed": ..., "rejected": ...}}"""
    _, text, _ = stack.ask(SERVICE, "GET", "/metrics")
    found = {}
    for labels, value in re.findall(r"^otel_sdk_exporter_span_exported_total\{([^}]*)\} (\d+)$",
                                    text.decode(), re.M):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        assert labels["otel_component_name"] == labels["otel_component_type"] + "/0", labels
        found.setdefault(labels["otel_component_type"], {})[labels.get("error_type", "")] = int(value)
    return found


def variables(url, exporters):
    return {"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "100", "OTEL_TRACES_EXPORTER": exporters}


def request_some(stack, count):
    for _ in range(count):
        status, _, _ = stack.ask(SERVICE, "GET", "/products")
        assert status == 200, status


def lines_of(stack, key):
    with open(f"{stack.directory}/{SERVICE}.log", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if key in row]


def test_it_gives_every_span_to_each():
    receiver = Sink()
    with Stack(only=[SERVICE],
               variables=variables(receiver.url, "otlp,console,otlp/stdout")) as stack:
        request_some(stack, 5)
        wait_until(lambda: all(row[""] >= 5 for row in exported(stack).values()), 20,
                   "all have the spans")
        figures = exported(stack)
        assert sorted(figures) == sorted([OTLP, CONSOLE, FILE]), figures
        assert all(row["failed"] == row["rejected"] == 0 for row in figures.values()), figures
        there = {row["id"] for row in receiver.all()}
        spans = lines_of(stack, "span")
        assert {row["span"]["spanId"] for row in spans} == there
        assert all(row["scope"]["name"] for row in spans), spans
        names = {a["key"]: a["value"] for a in spans[0]["resource"]["attributes"]}
        assert names["service.name"] == {"stringValue": SERVICE}, names
        batches = lines_of(stack, "resourceSpans")
        assert {span["spanId"] for batch in batches for group in batch["resourceSpans"]
                for scope in group["scopeSpans"] for span in scope["spans"]} == there
    receiver.close()


def test_it_loses_nothing_for_one_that_is_not_there():
    with Stack(only=[SERVICE],
               variables=variables("http://127.0.0.1:1", "otlp,console")) as stack:
        request_some(stack, 5)
        # The console comes after the one that gives up, with the same batch.
        wait_until(lambda: exported(stack)[CONSOLE][""] >= 5, 20, "the console has the spans")
        figures = exported(stack)
        assert figures[OTLP]["failed"] >= 5, figures
        assert figures[OTLP][""] == 0 and figures[CONSOLE]["failed"] == 0, figures
        assert len(lines_of(stack, "span")) >= 5


def test_it_exports_nowhere_where_none_is_asked_for():
    receiver = Sink()
    with Stack(only=[SERVICE], variables=variables(receiver.url, "none")) as stack:
        request_some(stack, 3)
        assert exported(stack) == {OTLP: {"": 0, "failed": 0, "rejected": 0}}
    assert receiver.all() == []
    receiver.close()


if __name__ == "__main__":
    sys.exit(main(test_it_gives_every_span_to_each,
                  test_it_loses_nothing_for_one_that_is_not_there,
                  test_it_exports_nowhere_where_none_is_asked_for))
