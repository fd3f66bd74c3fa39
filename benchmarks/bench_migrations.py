"""
Hold rehearsals on a copy with a tenth of the rows against what really happened.

`python -m benchmarks.bench_migrations` takes some minutes and writes build/bench-migrations.json.
Two tables: 92 migrations measured elsewhere (beside the checkout, or where
DRILLBOOK_MIGRATIONS_92 says; left out when it is not there), and the range's own.
Then the ways back of 65 changes (benchmarks.bench_ways_back).
With `--here` the 92 are also applied to the full number of rows on this machine.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import bench_ways_back
from benchmarks.migrations import measured_elsewhere, own
from benchmarks.migrations.scores import Json, Line

TARGET = Path("build/bench-migrations.json")
VARIABLE = "DRILLBOOK_MIGRATIONS_92"
BESIDE = Path(__file__).resolve().parents[2] / "shared/data/migrations-92.json"


def data_file() -> Path | None:
    """Return where the measured migrations lie, or None."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else BESIDE
    return found if found.is_file() else None


def shown(lines: list[Line]) -> Table:
    """Return the figures as a table."""
    table = Table("what", "measured", "promised", "")
    for line in lines:
        table.add_row(line.what, line.measured, line.promised, line.says)
    return table


def main() -> int:
    """Measure, print, write; 1 when a promise is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[], help="ids of cases")
    parser.add_argument("--here", action="store_true", help="measure the truth here as well")
    parser.add_argument("--leave-out", choices=["92", "own", "back"], nargs="*", default=[])
    asked = parser.parse_args()
    console = Console(highlight=False)
    document: Json = {}
    lines: list[Line] = []
    path = data_file()
    if path is None:
        console.print(f"migrations-92.json is not here (set {VARIABLE}): only the range's own")
    elif "92" not in asked.leave_out:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = measured_elsewhere.measure(data, asked.only, here=asked.here, tell=console.print)
        document["migrations_92"] = found.as_json()
        lines += found.lines()
    if "own" not in asked.leave_out:
        ours = own.measure(asked.only, tell=console.print)
        document["own"] = ours.as_json()
        lines += ours.lines()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    console.print(shown(lines))
    missed = any(line.held is False for line in lines)
    back = 0 if "back" in asked.leave_out or asked.only else bench_ways_back.main()
    return 1 if missed or back else 0


if __name__ == "__main__":
    sys.exit(main())
