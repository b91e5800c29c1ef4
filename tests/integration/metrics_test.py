#!/usr/bin/env python3
"""/metrics of every process of the system: promtool takes it, OpenMetrics is what its grammar says,
and an exemplar leads to a trace that is really there."""
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error

from culprit import Up
from stack import main, wait_until

OPEN = "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4; q=0.5"
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? ([0-9.e+-]+)'
                    r'( # \{trace_id="([0-9a-f]{32})",span_id="([0-9a-f]{16})"\} '
                    r'([0-9.]+) ([0-9.]+))?')
ENDINGS = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
WANTED = {
    "otel_sdk_span_started": "counter",
    "otel_sdk_span_live": "gauge",
    "otel_sdk_span_uncarried": "counter",
    "otel_sdk_processor_span_processed": "counter",
    "otel_sdk_processor_span_queue_size": "gauge",
    "otel_sdk_processor_span_queue_capacity": "gauge",
    "otel_sdk_exporter_span_exported": "counter",
    "otel_sdk_exporter_span_inflight": "gauge",
    "otel_sdk_exporter_operation_duration_seconds": "histogram",
    "http_server_request_duration_seconds": "histogram",
}


def read_open(text):
    """({family: type}, [(name, labels, value, exemplar or None)]); each rule that is broken is an
    error."""
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    families, samples, family = {}, [], None
    for line in text.splitlines()[:-1]:
        if line.startswith("# "):
            word, name, rest = line[2:].split(" ", 2)
            assert word in ("TYPE", "HELP"), line
            if word == "HELP":
                assert name not in families, f"{name} comes twice"
                family = name
            else:
                assert name == family and rest in ENDINGS, line
                families[name] = rest
            continue
        found = SAMPLE.fullmatch(line)
        assert found, f"no sample: {line}"
        name, labels, value = found.group(1), found.group(2) or "", float(found.group(3))
        assert name in [family + ending for ending in ENDINGS[families[family]]], line
        exemplar = found.group(5) and (found.group(5), found.group(6), float(found.group(7)),
                                       float(found.group(8)))
        if exemplar:
            assert name.endswith("_bucket") and len("trace_idspan_id") + 32 + 16 <= 128, line
        samples.append((name, dict(re.findall(r'([a-z_]+)="([^"]*)"', labels)), value, exemplar))
    return families, samples


def check_histograms(samples):
    rows = {}
    for name, labels, value, exemplar in samples:
        if not name.endswith("_bucket"):
            continue
        most = float(labels.pop("le").replace("+Inf", "inf"))
        key = name, tuple(sorted(labels.items()))
        before = rows.setdefault(key, [])
        assert not before or (before[-1][0] < most and before[-1][1] <= value), key
        assert not exemplar or (before[-1][0] if before else 0) <= exemplar[2] <= most, key
        before.append((most, value))
    for key, buckets in rows.items():
        assert buckets[-1][0] == float("inf"), key
    return rows


def value_of(samples, name, **labels):
    found = [value for row, have, value, _ in samples
             if row == name and all(have.get(key, "") == labels[key] for key in labels)]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def traces_text(up, trace_id):
    """Empty while it is not there."""
    try:
        return up.read("query", f"/api/traces/{trace_id}")
    except urllib.error.HTTPError:
        return ""


def test_it_passes_promtool_in_every_process():
    if not shutil.which("promtool"):
        print("skipped: 1 test(s): no promtool (Debian's package prometheus)")
        return
    with Up() as up:
        up.get("frontend", "/products?limit=1")
        for name in set(up.told["endpoints"]) - {"otlp"}:
            told = subprocess.run(["promtool", "check", "metrics"], input=up.read(name, "/metrics"),
                                  capture_output=True, text=True, timeout=30, check=False)
            assert told.returncode == 0 and not told.stderr, (name, told.stderr)


def test_it_speaks_openmetrics_whose_exemplars_lead_to_traces():
    with Up() as up:
        up.get("frontend", "/products?limit=1")
        for name in sorted(set(up.told["endpoints"]) - {"otlp"}):
            families, samples = read_open(up.read(name, "/metrics", Accept=OPEN))
            check_histograms(samples)
            for family, kind in WANTED.items():
                assert families.get(family) == kind, (name, family)
        _, samples = read_open(up.read("frontend", "/metrics", Accept=OPEN))
        exemplars = [(labels, exemplar) for _, labels, _, exemplar in samples if exemplar]
        assert len(exemplars) == 1 and exemplars[0][0]["http_route"] == "/products", exemplars
        trace_id, span_id, seconds, at = exemplars[0][1]
        assert 0 < seconds < 60 and abs(time.time() - at) < 60
        wait_until(lambda: span_id in traces_text(up, trace_id),
                   20, "the exemplar's span is there")
        spans = json.loads(up.read("query", f"/api/traces/{trace_id}"))["data"][0]["spans"]
        assert span_id in [span["spanID"] for span in spans]


def test_it_counts_spans_so_that_they_add_up():
    with Up() as up:
        for _ in range(20):
            up.get("frontend", "/products?limit=1")

        def settled():
            samples = read_open(up.read("frontend", "/metrics", Accept=OPEN))[1]
            started = value_of(samples, "otel_sdk_span_started_total",
                               otel_span_sampling_result="RECORD_AND_SAMPLE")
            exported = value_of(samples, "otel_sdk_exporter_span_exported_total", error_type="")
            return samples if started == exported >= 40 else None

        samples = wait_until(settled, 20, "all that was begun was exported")
        assert value_of(samples, "otel_sdk_span_live") == 0
        assert value_of(samples, "otel_sdk_span_uncarried_total") == 0
        assert value_of(samples, "otel_sdk_processor_span_queue_size") == 0
        assert value_of(samples, "otel_sdk_processor_span_queue_capacity") == 2048
        assert value_of(samples, "otel_sdk_processor_span_processed_total", error_type="") >= 40
        assert value_of(samples, "otel_sdk_exporter_operation_duration_seconds_count") >= 1
        labels = [labels for name, labels, _, _ in samples if name.startswith("otel_sdk_exporter")
                  and not name.startswith("otel_sdk_exporter_log")]
        assert all(row["otel_component_type"] == "otlp_http_span_exporter" and
                   row["otel_component_name"] == "otlp_http_span_exporter/0" for row in labels)


if __name__ == "__main__":
    sys.exit(main(*[f for n, f in list(globals().items()) if n.startswith("test_it_")]))
