"""
Hold find_onset and attribute against simulated incidents: 200 by a deployment, 200 not by one.

At 2 to 600 requests a minute, with own probes (every 5 s) and without. Each incident is dated when
it is noticed: by evidence with at most one false alarm in a hundred. Also: hours without trouble,
which must have no onset; and a harmless deployment within two minutes before the onset, which time
alone cannot always tell from the guilty one. Writes build/bench-onset.json; ends with 1 when a
figure asked for does not hold.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_onset_model import Incident, calm, incident
from drillbook.analysis.culprit.onsets import is_sure
from drillbook.analysis.onset import Dated, Onset, Stream, attribute, find_onset
from drillbook.core.incident import ChangeKind

OUT = Path("build/bench-onset.json")
COUNT, CALM = 200, 200
WITHIN_SECONDS = 60.0
LEAST, MOST_FALSE = 0.95, 0.02
ASKED = ("onset", "right_deployment", "not_a_deployment")  # each LEAST at least
LIKELY = 0.5  # without a symptom, an onset counts from here on
DRAWN_AT_MOST = 100  # for one incident that is noticed
JUST_BEFORE = ((0.0, 10.0), (10.0, 30.0), (30.0, 60.0), (60.0, 120.0))  # seconds before the onset
Row = dict[str, Any]  # Any: a line of JSON


def main() -> int:
    args = _arguments()
    begun = time.monotonic()
    numbers = range(args.count)
    with ProcessPoolExecutor(args.workers) as pool:
        drawn = partial(_case, count=args.count, seed=args.seed)
        guilty = list(pool.map(partial(drawn, guilty=True), numbers, chunksize=4))
        others = list(pool.map(partial(drawn, guilty=False), numbers, chunksize=4))
        calm_seeds = [number + 1000 * args.seed for number in range(args.calm)]
        calm_onsets = list(pool.map(_calm_onset, calm_seeds, chunksize=4))
    found = {
        "with_probes": judged(guilty, others, probes=True),
        "without_probes": judged(guilty, others, probes=False),
        "harmless_just_before": [
            harmless_just_before(guilty, others, *lags, args.seed) for lags in JUST_BEFORE
        ],
        "not_noticed": sum(case.missed for case in (*guilty, *others)),
        "calm_hours": calm_hours(calm_onsets),
        "seconds": round(time.monotonic() - begun, 1),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    _show_all(found)
    failing = _failing(found)
    print(f"DOES NOT HOLD: {'; '.join(failing)}" if failing else "holds")
    print(f"{found['seconds']} s; {OUT}")
    return 1 if failing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="incidents of each kind")
    parser.add_argument("--calm", type=int, default=CALM, help="hours without an incident")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    return parser.parse_args()


def _failing(found: Row) -> list[str]:
    """Return which of the figures asked for do not hold."""
    row, false = found["with_probes"], found["calm_hours"]["false"]
    failing = [f"{name} {row[name]:.1%} < {LEAST:.0%}" for name in ASKED if row[name] < LEAST]
    if false > MOST_FALSE:
        failing.append(f"calm hours that a triage would name {false:.1%} > {MOST_FALSE:.0%}")
    return failing


@dataclass(frozen=True)
class Case:
    """An incident that was noticed, the onsets found, and how many nobody noticed before it."""

    incident: Incident
    missed: int
    with_probes: Onset | None
    without_probes: Onset | None


def _case(number: int, count: int, seed: int, *, guilty: bool) -> Case:
    """Draw until an incident is noticed, and date it."""
    for again in range(DRAWN_AT_MOST):
        each = incident(number + count * (again + DRAWN_AT_MOST * seed), guilty)
        if each is not None:
            return Case(each, again, _onset(each, probes=True), _onset(each, probes=False))
    raise AssertionError(f"none of {DRAWN_AT_MOST} incidents was noticed: number {number}")


def judged(guilty: Sequence[Case], others: Sequence[Case], *, probes: bool) -> Row:
    every = [case.incident for case in (*guilty, *others)]
    onsets = [case.with_probes if probes else case.without_probes for case in (*guilty, *others)]
    named = [_named(each, onset) for each, onset in zip(every, onsets, strict=True)]
    errors = [abs(o.at - e.onset) if o else np.inf for e, o in zip(every, onsets, strict=True)]
    near = [error <= WITHIN_SECONDS for error in errors]
    by_change = list(zip(every, named, strict=True))[: len(guilty)]
    not_by_one = list(zip(every, named, strict=True))[len(guilty) :]
    right = [name == each.guilty for each, name in by_change]
    wrong = [name not in {None, each.guilty} for each, name in by_change]
    innocent = [not _is_deployment(each.changes, name) for each, name in not_by_one]
    covered = [o.earliest <= e.onset <= o.latest for e, o in zip(every, onsets, strict=True) if o]
    return {
        "onset": round(float(np.mean(near)), 4),
        "no_onset": sum(onset is None for onset in onsets),
        "median_error_seconds": round(float(np.median(errors)), 1),
        "interval_holds_it": round(float(np.mean(covered)), 4),
        "median_interval_seconds": round(
            float(np.median([o.latest - o.earliest for o in onsets if o])), 1
        ),
        "right_deployment": round(float(np.mean(right)), 4),
        "wrong_deployment": round(float(np.mean(wrong)), 4),
        "not_a_deployment": round(float(np.mean(innocent)), 4),
        "by_rate": _by([each.rate for each in every], errors),
        "by_shape": _by([each.shape for each in every], errors),
        "missed": [
            f"seed {e.seed} {e.rate}/min {e.shape} {e.share:.2f}: {error:.0f} s"
            for e, error in zip(every, errors, strict=True)
            if error > WITHIN_SECONDS
        ],
    }


def _by(keys: Sequence[object], errors: Sequence[float]) -> Row:
    """Return how near the onsets are, for each rate or shape, in the order drawn."""
    found: Row = {}
    for value in dict.fromkeys(keys):
        some = [error for key, error in zip(keys, errors, strict=True) if key == value]
        found[str(value)] = {
            "count": len(some),
            "near": round(float(np.mean([error <= WITHIN_SECONDS for error in some])), 3),
            "median_error": round(float(np.median(some)), 1),
        }
    return found


def _onset(each: Incident, *, probes: bool) -> Onset | None:
    own = Stream(each.probe_times, each.probe_bad) if probes else None
    return find_onset(each.times, each.bad, each.now, probes=own)


def _named(each: Incident, onset: Onset | None) -> int | None:
    return _best(each.changes, onset)


def _best(changes: Sequence[tuple[ChangeKind, float]], onset: Onset | None) -> int | None:
    if onset is None:
        return None
    return attribute(onset, [Dated(kind, at) for kind, at in changes]).best


def _is_deployment(changes: Sequence[tuple[ChangeKind, float]], named: int | None) -> bool:
    return named is not None and changes[named][0] is ChangeKind.DEPLOYMENT


def harmless_just_before(
    guilty: Sequence[Case], others: Sequence[Case], least: float, most: float, seed: int
) -> Row:
    """Add a harmless deployment so long before each onset, and see who is named then."""
    random = np.random.default_rng([35, seed, int(most)])

    def named(case: Case) -> tuple[list[tuple[ChangeKind, float]], int | None]:
        harmless = case.incident.onset - float(random.uniform(least, most))
        changes = [*case.incident.changes, (ChangeKind.DEPLOYMENT, harmless)]
        return changes, _best(changes, case.with_probes)

    beside = [(case.incident.guilty, named(case)[1]) for case in guilty]
    alone = [_is_deployment(*named(case)) for case in others]
    return {
        "seconds_before": [least, most],
        "right_deployment": round(float(np.mean([name == who for who, name in beside])), 4),
        "wrong_deployment": round(
            float(np.mean([name not in {None, who} for who, name in beside])), 4
        ),
        "not_a_deployment": round(1 - float(np.mean(alone)), 4),
    }


def _calm_onset(seed: int) -> Onset | None:
    return _onset(calm(seed), probes=True)


def calm_hours(found: Sequence[Onset | None]) -> Row:
    """
    Hours with background errors, bursts and spikes that ended: none has an onset.

    `false` are those that a triage would name: more fail since than chance explains.
    """
    likely = [onset is not None and onset.probability >= LIKELY for onset in found]
    sure = [onset is not None and is_sure(onset) for onset in found]
    return {
        "count": len(found),
        "false": round(float(np.mean(sure)), 4),
        "likely": round(float(np.mean(likely)), 4),
        "named_if_a_symptom_held": round(float(np.mean([o is not None for o in found])), 4),
        "seen": [number for number, is_one in enumerate(sure) if is_one],
    }


def _show_all(found: Row) -> None:
    for name in ("with_probes", "without_probes"):
        _shown(name, found[name])
    print("a harmless deployment besides, so long before the onset (with probes; by time alone):")
    for row in found["harmless_just_before"]:
        least, most = row["seconds_before"]
        print(
            f"  {least:.0f} to {most:.0f} s: right deployment {row['right_deployment']:.1%}, "
            f"a wrong one {row['wrong_deployment']:.1%}; where none did it: not a deployment "
            f"{row['not_a_deployment']:.1%}"
        )
    print(f"incidents nobody noticed within 30 min, drawn again: {found['not_noticed']}")
    calm_row = found["calm_hours"]
    print(
        f"{calm_row['count']} calm hours: a triage would name one {calm_row['false']:.1%}, with a "
        f"likely onset {calm_row['likely']:.1%}, with any {calm_row['named_if_a_symptom_held']:.1%}"
    )


def _shown(name: str, row: Row) -> None:
    print(f"{name.replace('_', ' ')}:")
    print(
        f"  onset within {WITHIN_SECONDS:.0f} s {row['onset']:.1%} "
        f"(median {row['median_error_seconds']} s; interval {row['median_interval_seconds']} s, "
        f"holds it {row['interval_holds_it']:.1%}; none found {row['no_onset']})"
    )
    print(
        f"  right deployment {row['right_deployment']:.1%}, a wrong one "
        f"{row['wrong_deployment']:.1%}, not a deployment {row['not_a_deployment']:.1%}"
    )
    for kind in ("by_rate", "by_shape"):
        told = (f"{key} {value['near']:.0%}" for key, value in row[kind].items())
        print(f"  {kind.replace('_', ' ')}: {', '.join(told)}")


if __name__ == "__main__":
    sys.exit(main())
