"""
Hold find_onset and attribute against simulated incidents: 200 by a deployment, 200 not by one.

At 2 to 600 requests a minute, with own probes (every 5 s) and without. Each incident is dated when
it is noticed: by evidence with at most one false alarm in a hundred. Also: hours without trouble,
which must have no onset. Writes build/bench-onset.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_onset_model import RATES, SHAPES, Incident, calm, incident
from drillbook.analysis.onset import Dated, Onset, Stream, attribute, find_onset
from drillbook.core.incident import ChangeKind

OUT = Path("build/bench-onset.json")
COUNT, CALM = 200, 200
WITHIN_SECONDS = 60.0
LEAST, MOST_FALSE = 0.95, 0.02
LIKELY = 0.5  # without a symptom, an onset counts from here on
Row = dict[str, Any]  # Any: a line of JSON


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    begun = time.monotonic()
    guilty, unnoticed = drawn(args.count, args.seed, guilty=True)
    others, unnoticed_others = drawn(args.count, args.seed, guilty=False)
    with_probes = judged(guilty, others, probes=True)
    found = {
        "with_probes": with_probes,
        "without_probes": judged(guilty, others, probes=False),
        "not_noticed": unnoticed + unnoticed_others,
        "calm_hours": calm_hours(CALM, args.seed),
        "seconds": round(time.monotonic() - begun, 1),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    for name in ("with_probes", "without_probes"):
        _shown(name, found[name])
    print(f"incidents nobody noticed within 30 min, drawn again: {found['not_noticed']}")
    print(f"calm hours with an onset: {found['calm_hours']}")
    holds = (
        min(
            with_probes["onset"],
            with_probes["right_deployment"],
            with_probes["not_a_deployment"],
        )
        >= LEAST
        and found["calm_hours"]["false"] <= MOST_FALSE
    )
    print(f"{'holds' if holds else 'DOES NOT HOLD'}; {found['seconds']} s; {OUT}")
    return 0 if holds else 1


def drawn(count: int, seed: int, *, guilty: bool) -> tuple[list[Incident], int]:
    """Draw until so many incidents were noticed; return how many were not."""
    found: list[Incident] = []
    missed = 0
    for number in range(count):
        for again in range(100):
            each = incident(number + count * (again + 100 * seed), guilty)
            if each is not None:
                found.append(each)
                break
            missed += 1
    return found, missed


def judged(guilty: Sequence[Incident], others: Sequence[Incident], *, probes: bool) -> Row:
    every = [*guilty, *others]
    onsets = [_onset(each, probes=probes) for each in every]
    named = [_named(each, onset) for each, onset in zip(every, onsets, strict=True)]
    errors = [abs(o.at - e.onset) if o else np.inf for e, o in zip(every, onsets, strict=True)]
    near = [error <= WITHIN_SECONDS for error in errors]
    first, rest = slice(0, len(guilty)), slice(len(guilty), None)
    right = [name == each.guilty for each, name in zip(guilty, named[first], strict=True)]
    wrong = [name not in {None, e.guilty} for e, name in zip(guilty, named[first], strict=True)]
    innocent = [
        name is None or each.changes[name][0] is not ChangeKind.DEPLOYMENT
        for each, name in zip(others, named[rest], strict=True)
    ]
    covered = [o.earliest <= e.onset <= o.latest for e, o in zip(every, onsets, strict=True) if o]

    def by(key: Callable[[Incident], object], value: object) -> Row:
        some = [i for i, each in enumerate(every) if key(each) == value]
        return {
            "count": len(some),
            "near": round(float(np.mean([near[i] for i in some])), 3),
            "median_error": round(float(np.median([errors[i] for i in some])), 1),
        }

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
        "by_rate": {str(rate): by(lambda e: e.rate, rate) for rate in RATES},
        "by_shape": {shape: by(lambda e: e.shape, shape) for shape in SHAPES},
        "missed": [
            f"seed {e.seed} {e.rate}/min {e.shape} {e.share:.2f}: {error:.0f} s"
            for e, error in zip(every, errors, strict=True)
            if error > WITHIN_SECONDS
        ],
    }


def _onset(each: Incident, *, probes: bool) -> Onset | None:
    own = Stream(each.probe_times, each.probe_bad) if probes else None
    return find_onset(each.times, each.bad, each.now, probes=own)


def _named(each: Incident, onset: Onset | None) -> int | None:
    if onset is None:
        return None
    return attribute(onset, [Dated(kind, at) for kind, at in each.changes]).best


def calm_hours(count: int, seed: int) -> Row:
    """Hours with background errors, bursts and spikes that ended: none has an onset."""
    found = [_onset(calm(number + 1000 * seed), probes=True) for number in range(count)]
    likely = sum(onset is not None and onset.probability >= LIKELY for onset in found)
    return {
        "count": count,
        "false": round(likely / count, 4),
        "named_if_a_symptom_held": round(sum(onset is not None for onset in found) / count, 4),
    }


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
