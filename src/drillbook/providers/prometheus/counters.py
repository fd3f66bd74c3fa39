"""Counters that only grow, until their process starts anew: what came between two samples."""

from collections.abc import Iterable, Mapping

Series = Mapping[int, float]  # a value at each step, by the step's number


def increases(series: Iterable[Series], steps: int, spoke: Iterable[int]) -> dict[int, float]:
    """
    Return how much all series grew together in each step after step 0; silent steps are missing.

    `spoke` names the steps at which anything of the source was sampled. A value below the one
    before is a counter that started anew from 0. A series that appears while its source spoke
    counts from 0: a counter of errors is often born with the first error. One that appears after
    a silence may be old, so its first value counts for nothing.
    """
    spoken, grown = set(spoke), dict[int, float]()
    for step in range(1, steps):
        if step in spoken and step - 1 in spoken:
            grown[step] = 0.0
    for values in series:
        last: float | None = None
        for step in sorted(values):
            now = values[step]
            if step in grown:
                grown[step] += now if last is None or now < last else now - last
            last = now
    return grown
