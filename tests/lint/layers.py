#!/usr/bin/env python3
"""Who may include whom. A row is a room: the prefix of its files, the rooms that it may use, and the
system headers that only it (and others that name them) may include."""
import re
import subprocess
import sys

LIBRARIES = ["base", "trace", "http", "otlp", "diagnose"]


def rooms(names):
    return [f"loadgen/{name}" for name in names.split()]


# Longest prefix wins. `None` in place of rooms: anything of ours.
ROOMS = {
    "lib/base/": ["base"],
    "lib/trace/adapters/": ["base", "trace"],
    "lib/trace/": ["base", "trace"],
    "lib/http/": ["base", "trace", "http"],
    "lib/otlp/": ["base", "otlp"],
    "lib/diagnose/": ["base", "otlp", "diagnose"],
    "services/collector/": ["base", "trace", "http", "otlp", "diagnose", "services/collector"],
    "services/orders/": ["base", "trace", "http", "services/orders"],
    "services/checkout/": ["base", "trace", "http", "services/checkout"],
    "services/": ["base", "trace", "http"],
    "loadgen/base/": LIBRARIES + rooms("base"),
    "loadgen/engine/": LIBRARIES + rooms("engine"),
    "loadgen/load/": LIBRARIES + rooms("base engine load"),
    "loadgen/report/": LIBRARIES + rooms("base load report"),
    "loadgen/options/": LIBRARIES + rooms("base engine load report options"),
    "loadgen/workers/": LIBRARIES + rooms("base load report options window workers"),
    "loadgen/compare/": LIBRARIES + rooms("base report compare"),
    "loadgen/stack/": LIBRARIES + rooms("base stack"),
    "loadgen/window/": LIBRARIES + rooms("base engine load window"),
    "loadgen/live/": LIBRARIES + rooms("base load window live"),
    "loadgen/threshold/": LIBRARIES + rooms("base load window threshold"),
    "loadgen/experiment/": LIBRARIES + rooms("base load report stack window live threshold experiment"),
    "loadgen/": LIBRARIES + ["loadgen"],
    "tests/": None,
}

# Header -> prefixes that may include it.
GUARDED = {
    "microhttpd.h": ["lib/http/", "lib/trace/adapters/", "tests/"],
    "curl/curl.h": ["lib/http/", "lib/trace/adapters/", "loadgen/engine/curl_", "tests/"],
    "sqlite3.h": ["lib/http/", "lib/trace/adapters/", "services/collector/", "tests/"],
    "zlib.h": ["lib/trace/", "lib/otlp/", "services/collector/", "tests/"],
    "sys/socket.h": ["lib/trace/", "lib/http/", "services/collector/", "loadgen/", "tests/"],
}


def room_of(path):
    return max((p for p in ROOMS if path.startswith(p)), key=len, default=None)


def may_include(path, target):
    rooms = ROOMS[room_of(path)]
    if rooms is None or "/" not in target:
        return rooms is None
    if room_of(path) == "services/" and re.fullmatch(r"services/[a-z_]+\.h", target):
        return True  # what services agree on
    if room_of(path) == "services/" and target.startswith(path[:-2] + "/"):
        return True  # the folder of this service
    if target.startswith("trace/adapters/"):
        return room_of(path) in ("lib/trace/adapters/", "lib/http/")
    return any(target.startswith(room + "/") for room in rooms)


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard",
                            "*.c", "*.h"], capture_output=True, text=True,
                           check=True).stdout.split()
    wrong = []
    for path in files:
        if room_of(path) is None:
            wrong.append(f"{path}: no room has it")
            continue
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                ours = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if ours and not may_include(path, ours.group(1)):
                    wrong.append(f"{path}:{number}: may not include {ours.group(1)}")
                system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
                if system and not any(path.startswith(p)
                                      for p in GUARDED.get(system.group(1), [""])):
                    wrong.append(f"{path}:{number}: <{system.group(1)}> stays outside this room")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
