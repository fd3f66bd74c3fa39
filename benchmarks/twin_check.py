"""
Let the platforms' official clients work on the range's twins.

`python -m benchmarks.twin_check` starts a range of its own, installs the clients below build/ by
npm, and prints what each was asked and what it said. Exit 1 when one is not content; where there is
no npm it says so and ends with 0.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.twins import clients, github, supabase, vercel
from drillbook.range import practice

CHECKS = (vercel.check, github.check, supabase.check)
SCALE = 0.02


def main() -> int:
    """Run all checks; print a line each."""
    reason = clients.missing() or clients.install()
    if reason:
        print(f"Skipped: the official clients cannot be installed: {reason}.")
        return 0
    above = Path(tempfile.mkdtemp(prefix="drillbook-twin-check-"))
    folder, wrong, begun = above / "range", 0, time.monotonic()
    try:
        practice.up(folder, scale=SCALE, tied=True)
        for number, check in enumerate(CHECKS):
            for found in check(practice.cloud_of(folder), above / f"home{number}"):
                wrong += not found.ok
                word = "ok   " if found.ok else "WRONG"
                print(f"{word} {found.client:9} {found.words:45} {found.says[:110]}", flush=True)
    finally:
        if folder.exists():
            practice.down(folder, remove=True)
        shutil.rmtree(above, ignore_errors=True)
    seconds = time.monotonic() - begun
    print(f"{'All content' if not wrong else f'{wrong} wrong'} after {seconds:.0f} s.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
