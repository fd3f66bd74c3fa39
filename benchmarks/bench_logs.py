"""
Group labelled logs of many kinds with one configuration, and read a million access-log lines.

Three tables: grouping accuracy (GA: the share of lines whose group holds exactly the lines of their
label) on three sets, with and without the headers of the lines, drain3 with one configuration
beside, once with its usual masks and once without; lines a second of one core; and an access log of
1,000,000 lines to clusters, onset and top sources, awk's counting pass on the same file beside.
Seconds are of one core (CPU), so a busy machine shows less than it can, but not something else.
Writes build/bench-logs.json. Run by `make bench-logs`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import bench_logs_access as access
from benchmarks.bench_logs_kinds import KINDS
from benchmarks.bench_logs_making import Kind, Labelled, kinds, make
from benchmarks.bench_logs_other_kinds import OTHER_KINDS
from benchmarks.bench_logs_others import FIRST_SCORES, others
from benchmarks.bench_logs_scoring import drain, drain_unmasked, ours, table
from drillbook.analysis.loggroups import group

OUT = Path("build/bench-logs.json")
SEED = "one"
LINES, FAST_LINES = 2_000, 100_000
MOST_SECONDS, LEAST_SPEED = 3.0, 200_000
# Mean accuracy by set, with headers and without, that is never to be lost again.
LEAST_ACCURACY = {"own": 0.96, "second": 0.94, "others": 0.935}
WHO = ("ours", "drain3", "drain3_unmasked")
Row = dict[str, Any]  # Any: a line of JSON


def accuracy(name: str, made: Callable[[bool], Sequence[Labelled]]) -> list[Row]:
    """Return the accuracy of ours and drain3 for each kind, without headers and with them."""
    rows = []
    for header in (False, True):
        scored = table(made(header), (ours, drain, drain_unmasked))
        rows += [
            {
                "set": name,
                "kind": kind,
                "header": header,
                "ours": asdict(mine),
                "drain3": asdict(its),
                "drain3_unmasked": asdict(bare),
            }
            for kind, (mine, its, bare) in scored.items()
        ]
    return rows


def accuracies() -> list[Row]:
    """Return the accuracy on each set: the author's two, and one by another hand."""
    return [
        *accuracy("own", lambda header: kinds(KINDS, LINES, SEED, with_header=header)),
        *accuracy("second", lambda header: kinds(OTHER_KINDS, LINES, SEED, with_header=header)),
        *accuracy("others", lambda header: others(LINES, with_header=header)),
    ]


def speed(found: Sequence[Kind]) -> list[Row]:
    """Return how many lines a second one core groups, with headers."""
    rows = []
    for kind in found:
        lines = make(kind, FAST_LINES, SEED, with_header=True).lines
        began = time.process_time()
        groups = group(lines)
        took = time.process_time() - began
        rows.append(
            {"kind": kind.name, "lines_a_second": len(lines) / took, "groups": len(groups.groups)}
        )
    return rows


def million() -> access.Told:
    """Write and read the access log."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "access.log")
        return access.told(target, access.write_log(target))


def shown(rows: list[Row], speeds: list[Row], told: access.Told | None) -> None:
    """Print what was measured."""
    print(
        f"{'set':6} {'kind':20} {'header':7} {'GA':>6} {'drain3':>7} {'no masks':>8} "
        f"{'FGA':>6} {'drain3':>7}"
    )
    for row in rows:
        mine, its, bare = (row[who] for who in WHO)
        print(
            f"{row['set']:6} {row['kind']:20} {row['header']!s:7} {mine['lines']:6.3f} "
            f"{its['lines']:7.3f} {bare['lines']:8.3f} {mine['groups']:6.3f} {its['groups']:7.3f}"
        )
    for (name, header), mean in means(rows).items():
        told_of = ", ".join(f"{who} {value:.3f}" for who, value in mean.items())
        print(f"mean GA, {name} set, {'with' if header else 'without'} headers: {told_of}")
    if rows:
        print(f"others set, before anybody had looked at it: {FIRST_SCORES}")
    for row in speeds:
        print(f"{row['kind']:20} {row['lines_a_second']:10,.0f} lines/s, {row['groups']} groups")
    if speeds:
        print(f"{'all kinds together':20} {_lines_a_second(speeds):10,.0f} lines/s")
    if told:
        parts = ", ".join(f"{part} {took:.2f}" for part, took in told.seconds.items())
        print(
            f"{told.lines:,} access-log lines: {sum(told.seconds.values()):.2f} s of one core "
            f"({parts}), {told.wall_seconds:.2f} s by the clock; {told.clusters} clusters, onset "
            f"{told.onset_error_seconds:.1f} s off, top source {told.top_source}; "
            f"awk counts in {told.awk_seconds:.2f} s"
        )


def means(rows: list[Row]) -> dict[tuple[str, bool], dict[str, float]]:
    """Return the mean accuracy of each by set, without headers and with them."""
    found = {}
    for place in dict.fromkeys((row["set"], row["header"]) for row in rows):
        of_set = [row for row in rows if (row["set"], row["header"]) == place]
        found[place] = {who: fmean(row[who]["lines"] for row in of_set) for who in WHO}
    return found


def _lines_a_second(speeds: list[Row]) -> float:
    """Return the speed over all kinds together."""
    return len(speeds) / sum(1.0 / row["lines_a_second"] for row in speeds)


def main() -> int:
    """Measure, print, write; 1 when a promise is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["accuracy", "speed", "million"])
    only = parser.parse_args().only
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = accuracies() if only in (None, "accuracy") else []
    speeds = speed(KINDS) if only in (None, "speed") else []
    told = million() if only in (None, "million") else None
    shown(rows, speeds, told)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps(
            {"accuracy": rows, "speed": speeds, "million": asdict(told) if told else None}, indent=1
        )
    )
    worse = [
        f"the accuracy on the {name} set {'with' if header else 'without'} headers"
        for (name, header), mean in means(rows).items()
        if mean["ours"] < LEAST_ACCURACY[name]
    ]
    slow = bool(speeds) and _lines_a_second(speeds) < LEAST_SPEED
    late = told is not None and sum(told.seconds.values()) > MOST_SECONDS
    missed = [*worse, *["the speed"] * slow, *["the million lines"] * late]
    if missed:
        print("missed: " + ", ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
