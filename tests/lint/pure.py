#!/usr/bin/env python3
"""The diagnosis is pure: what its objects and the parts of lib/base that they pull in ask of the C
library is memory, text and arithmetic alone: no file, no socket, no clock, no environment."""
import re
import subprocess
import sys

ALLOWED = re.compile(
    r"^(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr|rchr|nlen|str|cspn|spn)|v?snprintf"
    r"|__(v?snprintf|memcpy|memmove|memset|strcpy|strncpy|strcat|strncat)_chk"
    r"|malloc|calloc|realloc|free|qsort|qsort_r|bsearch|abort|__assert_fail|__stack_chk_fail"
    r"|sqrt|log|log2|log10|exp|pow|fabs|floor|ceil|round|lround|llround|fmin|fmax|fmod|isnan"
    r"|_GLOBAL_OFFSET_TABLE_|strtod|strtoll|strtoull)$")


def undefined(archive):
    lines = subprocess.run(["nm", "--undefined-only", "--format=posix", archive],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0] for line in lines if line and not line.endswith(":")}


def defined(archive):
    lines = subprocess.run(["nm", "--extern-only", "--defined-only", "--format=posix", archive],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0] for line in lines if line and not line.endswith(":")}


def main():
    library = sys.argv[1] + "/lib/libculprit-%s.a"
    ours = set()
    for room in ("diagnose", "otlp", "base"):
        ours |= defined(library % room)
    # Of lib/base and lib/otlp the diagnosis may call what neither opens nor asks anything.
    outward = re.compile(r"^(clock_|rng_|log_|flags_|buffer_read_file|buffer_write_file|span_file_)")
    wrong = [symbol for symbol in sorted(undefined(library % "diagnose"))
             if (symbol in ours and outward.match(symbol))
             or (symbol not in ours and not ALLOWED.match(symbol))]
    for symbol in wrong:
        print(f"lib/diagnose uses {symbol}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
