#!/usr/bin/env python3
"""What leaves a file starts with the file's name. Reads the symbols of the built objects.
A row of PREFIXES says what else a file may export, for the few whose words are better than its
name."""
import glob
import os
import subprocess
import sys

PREFIXES = {
    "lib/base/status": ["error_"],
    "lib/base/json_writer": ["json_"],
    "lib/trace/context": ["span_context_", "baggage_"],
    "lib/trace/trace": ["tracing_", "span_"],
    "lib/trace/adapters/mhd": ["trace_mhd_"],
    "lib/trace/adapters/curl": ["trace_curl_"],
    "lib/trace/adapters/sqlite": ["trace_sqlite_"],
    "lib/otlp/spans": ["otlp_find", "otlp_span_"],
    "lib/http/server": ["request_", "response_"],
    "lib/http/client": ["call_"],
    "lib/http/faults": ["fault_"],
    "lib/http/db_file": ["db_"],
    "lib/diagnose/diagnose": ["diagnosis_"],
    "loadgen/stack/child": ["environment_"],
    "loadgen/window/complete": ["plan_"],
    "loadgen/experiment/experiment": ["reference_"],
    "loadgen/load/load_sample": ["load_outcome_"],
    "loadgen/load/load_timeline": ["load_slot_"],
    "loadgen/experiment/measure": ["measurement_"],
    "loadgen/experiment/report_json": ["report_"],
    "loadgen/stack/session": ["sessions_"],
    "loadgen/base/setting": ["settings_"],
    # Each file of a command exports the row's function.
    "loadgen/compare_command": ["command_"],
    "loadgen/demo": ["command_"],
    "loadgen/diagnose_command": ["command_"],
    "loadgen/faults_command": ["command_"],
    "loadgen/open": ["command_"],
    "loadgen/load_command": ["command_"],
    "loadgen/report_command": ["command_"],
    "loadgen/run": ["command_"],
    "loadgen/up": ["command_"],
}


def exported(path):
    lines = subprocess.run(["nm", "--extern-only", "--defined-only", "--format=posix", path],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines]


def main():
    build = sys.argv[1]
    wrong = []
    for path in sorted(glob.glob(f"{build}/obj/**/*.o", recursive=True)):
        name = os.path.relpath(path, f"{build}/obj")[:-2]
        if name.startswith("tests/") or not os.path.exists(name + ".c"):
            continue
        stem = os.path.basename(name)
        allowed = [stem + "_"] + PREFIXES.get(name, [])
        for symbol in exported(path):
            if symbol in ("main", stem) or any(symbol.startswith(p) for p in allowed):
                continue
            wrong.append(f"{name}.c exports {symbol}: expected a name that starts with "
                         + " or ".join(allowed))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
