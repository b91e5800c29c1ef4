#!/usr/bin/env python3
"""What stands for the adapters in the variant `untraced` has every function that services use of
them: nothing else builds that variant between two runs of its bench."""
import glob
import re
import sys

FUNCTION = re.compile(r"^[a-z][\w *]*?\b((?:trace_|curl_)\w+)\(", re.MULTILINE)
INNER = {"lib/trace/adapters/http_attributes.h"}  # used by adapters alone


def main():
    with open("tests/bench/untraced/adapters.c", encoding="utf-8") as text:
        there = set(FUNCTION.findall(text.read()))
    missing = []
    for path in set(glob.glob("lib/trace/adapters/*.h")) - INNER:
        with open(path, encoding="utf-8") as text:
            missing += [f"{path}: {name}" for name in FUNCTION.findall(text.read())
                        if name not in there]
    for row in sorted(missing):
        print(f"{row} is not in tests/bench/untraced/adapters.c")
    return 1 if missing or not there else 0


if __name__ == "__main__":
    sys.exit(main())
