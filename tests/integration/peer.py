"""Programs of others that tests put beside ours: built from tests/peers/ where that can be done."""
import subprocess
import sys

from stack import ROOT

SKIPPED = 77


def program(name):
    """Its path, built when it must be. Ends the test as skipped where it cannot be had."""
    build = subprocess.run([f"{ROOT}/tests/peers/build.sh", name], text=True, check=False,
                           stdout=subprocess.PIPE)
    if build.returncode == SKIPPED:
        print(build.stdout.strip())
        sys.exit(SKIPPED)
    assert build.returncode == 0, build.stdout
    return f"{ROOT}/build/peers/{name}"
