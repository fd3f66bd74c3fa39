"""
Measure what is promised, and say honestly what is missed.

`python -m benchmarks.bench` measures everything (about ten minutes); `--quick` does it in small,
which shows that it works and proves nothing.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import (
    bench_backups_ratio,
    bench_cli,
    bench_copies,
    bench_engine,
    bench_journal,
    bench_waiting,
)

TARGET = Path("build/bench.json")
MOST_VERIFY_SECONDS = 30.0
PACKAGES = ("drillbook", "dbos", "typer", "pydantic", "psycopg", "cryptography")
Measured = dict[str, Any]  # Any: figures of several kinds


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a figure, what is promised, and whether that was reached."""

    what: str
    measured: str
    promised: str = ""
    held: bool | None = None

    @property
    def says(self) -> str:
        """The verdict in a word."""
        return {True: "yes", False: "NO", None: ""}[self.held]


def machine() -> Measured:
    """Return the facts without which the figures mean little."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def measure(*, quick: bool, only: list[str], tell: Callable[[str], None]) -> Measured:
    """Measure one thing after the other; each with the load it ran under."""
    parts: dict[str, Callable[[], Measured]] = {
        "cli": lambda: bench_cli.measure(5 if quick else bench_cli.REPEATS),
        "engine": lambda: (
            bench_engine.measure(200, rounds=1) if quick else bench_engine.measure(rounds=5)
        ),
        "waiting": lambda: bench_waiting.measure(200 if quick else bench_waiting.RUNS),
        "journal": lambda: bench_journal.measure(50_000 if quick else 1_000_000),
        "backups": lambda: (
            bench_backups_ratio.measure(7, rounds=1) if quick else bench_backups_ratio.measure()
        ),
        "copies": lambda: (
            bench_copies.measure(200_000, rounds=1) if quick else bench_copies.measure()
        ),
    }
    found: Measured = {"machine": machine(), "quick": quick}
    if only and TARGET.exists():  # what is not measured again stays as it was
        found = json.loads(TARGET.read_text()) | found
    for name, part in parts.items():
        if only and name not in only:
            continue
        tell(f"measuring {name} …")
        before = os.getloadavg()[0]
        found[name] = {**part(), "load_before": round(before, 2)}
        found[name]["load_after"] = round(os.getloadavg()[0], 2)
    return found


def lines(found: Measured) -> list[Line]:
    """Return the table of what was measured."""
    readers: dict[str, Callable[[Measured], list[Line]]] = {
        "engine": _engine, "cli": _cli, "journal": _journal, "waiting": _waiting,
        "backups": _backups, "copies": _copies,
    }  # fmt: skip
    return [line for name, read in readers.items() if name in found for line in read(found[name])]


def _engine(found: Measured) -> list[Line]:
    count = f"{found['tasks']:,} read tasks"
    ratios = [
        ("side by side", "ratio_side_by_side", "side_by_side_ms_per_task"),
        ("one after another", "ratio_one_after_another", "one_after_another_ms_per_task"),
    ]
    direct = found["direct_ms_per_step"]
    told = [
        Line(
            f"{count} {words}, against as many plain DBOS steps",
            f"{found[ratio]:.2f} x ({found[each]:.2f} ms, plain {direct:.2f} ms)",
            f"≤ {found['ratio_allowed']} x",
            found[ratio] <= found["ratio_allowed"],
        )
        for words, ratio, each in ratios
    ]
    peaks = f"{found['engine_peak_mib']:.0f} MiB, plain DBOS {found['direct_peak_mib']:.0f} MiB"
    return [*told, Line("peak memory of the worker", peaks)]


def _cli(found: Measured) -> list[Line]:
    told = []
    for cached, words in (("cached", "bytecode cached"), ("not_cached", "no bytecode cached")):
        each = found[cached]
        for line, bare, title, allowed in (
            ("help", "bare_help", "drillbook --help", bench_cli.MOST_HELP_RATIO),
            ("check", "bare_command", f"drillbook check, {found['checked']}",
             bench_cli.MOST_CHECK_RATIO),
        ):  # fmt: skip
            ratio = each[f"{line}_ratio"]
            measured = f"{ratio:.2f} x ({each[f'{line}_ms']:.0f} ms, "
            measured += f"bare Typer {each[f'{bare}_ms']:.0f} ms)"
            told.append(Line(f"{title}, {words}", measured, f"≤ {allowed} x", ratio <= allowed))
    peaks = ", ".join(
        f"{name} {found['cached'][f'{line}_peak_mib']:.0f} MiB"
        for name, line in (("--help", "help"), ("check", "check"), ("bare Typer", "bare_help"))
    )
    return [*told, Line("peak memory of the commands", peaks)]


def _journal(found: Measured) -> list[Line]:
    seconds, entries = found["verify_seconds"], found["entries"]
    whole = entries >= 1_000_000
    return [
        Line(
            f"journal verify of {entries:,} entries",
            f"{seconds:.1f} s",
            f"≤ {MOST_VERIFY_SECONDS:g} s" if whole else "",
            seconds <= MOST_VERIFY_SECONDS if whole else None,
        ),
        Line("peak memory of journal verify", f"{found['verify_peak_mib']:.0f} MiB"),
        Line(
            "one append of a task's two entries",
            f"{found['append_two_ms_median']:.2f} ms (99 % within {found['append_two_ms_p99']} ms)",
        ),
    ]


def _waiting(found: Measured) -> list[Line]:
    return [
        Line(
            f"{found['waiting_runs']:,} waiting runs",
            f"{found['threads']} threads, {100 * found['share_of_a_core']:.1f} % of a core",
        ),
        Line("peak memory of their worker", f"{found['memory_mib']:.0f} MiB"),
        Line("from an answer to the end of its run", f"{found['answer_to_end_seconds']:.2f} s"),
    ]


def _backups(found: Measured) -> list[Line]:
    return [Line(*line) for line in bench_backups_ratio.lines(found)]


def _copies(found: Measured) -> list[Line]:
    return [Line(*line) for line in bench_copies.lines(found)]


def main() -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in small, to see that it works")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        help="cli, engine, journal, waiting, backups, copies",
    )
    given = parser.parse_args()
    console = Console()
    found = measure(quick=given.quick, only=given.only, tell=console.print)
    told = lines(found)
    found["missed"] = [line.what for line in told if line.held is False]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(found, indent=1))
    console.print(_table(found, told))
    if given.quick:
        console.print("quick: smaller than what is promised, so nothing is proved by it")
    console.print(f"missed: {', '.join(found['missed']) or 'nothing'}; all of it: {TARGET}")
    return 0


def _table(found: Measured, told: list[Line]) -> Table:
    facts = found["machine"]
    loads = [f"{each['load_before']}" for each in found.values() if _has_load(each)]
    table = Table(
        title=f"{facts['cores']} cores ({facts['cpu']}), Python {facts['python']}, "
        f"load before each: {', '.join(loads)}"
    )
    for column in ("figure", "measured", "promised", "reached"):
        table.add_column(column)
    for line in told:
        table.add_row(line.what, line.measured, line.promised, line.says)
    return table


def _has_load(each: object) -> bool:
    return isinstance(each, dict) and "load_before" in each


if __name__ == "__main__":
    sys.exit(main())
