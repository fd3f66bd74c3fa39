"""Two releases under one router, judged side by side by the product's own test."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from drillbook.analysis.sequential.beside import Pair, log_higher_beside
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.judging import is_worse

BLOCKS = 1_800 // BLOCK_SECONDS
BLOCKS_A_MINUTE = 60 // BLOCK_SECONDS
Share = Callable[[int], float]  # of errors, in a block of time


@dataclass(frozen=True)
class Pairing:
    says: str
    per_minute: int
    new_part: float
    old: Share
    new: Share
    sticky: int = 0  # errors of one client in one block, all met by the new release


def outage(base: float) -> Share:
    return lambda block: 1.0 if 60 <= block < 72 else base


def drift(base: float) -> Share:
    return lambda block: base * (1 + 9 * block / BLOCKS)


def flat(base: float) -> Share:
    return lambda _block: base


PAIRINGS = (
    Pairing("no change, half the users", 60, 0.5, flat(0.01), flat(0.01)),
    Pairing("no change, a tenth of the users", 60, 0.1, flat(0.01), flat(0.01)),
    Pairing("no change, an outage of two minutes", 60, 0.5, outage(0.002), outage(0.002)),
    Pairing("no change, errors rise tenfold for both", 60, 0.5, drift(0.01), drift(0.01)),
    Pairing("no change, one client's 30 errors on the new", 60, 0.5, flat(0.01), flat(0.01), 30),
    Pairing("tenfold from 1 %, half the users", 60, 0.5, flat(0.01), flat(0.1)),
    Pairing("tenfold from 1 %, a tenth of the users", 60, 0.1, flat(0.01), flat(0.1)),
    Pairing("tenfold from 0.2 %, half the users", 60, 0.5, flat(0.002), flat(0.02)),
)


def judged(pairing: Pairing, count: int, seed: int) -> dict[str, object]:
    chance = random.Random(f"{seed} {pairing.says}")
    found = [at for _ in range(count) if (at := _failed_at(pairing, chance)) is not None]
    return {
        "pair": pairing.says,
        "runs": count,
        "failed": len(found) / count,
        "median_minutes": median(found) if 2 * len(found) > count else None,
    }


def _failed_at(pairing: Pairing, chance: random.Random) -> int | None:
    pairs: list[Pair] = []
    unlucky = chance.randrange(BLOCKS) if pairing.sticky else -1
    for block in range(BLOCKS):
        old, new = [0, 0], [0, 0]
        for _ in range(_poisson(chance, pairing.per_minute / BLOCKS_A_MINUTE)):
            side, share = (
                (new, pairing.new) if chance.random() < pairing.new_part else (old, pairing.old)
            )
            side[0] += 1
            side[1] += chance.random() < share(block)
        if block == unlucky:
            new = [new[0] + pairing.sticky, new[1] + pairing.sticky]
        pairs.append(Pair(Counts(*old), Counts(*new)))
        if (block + 1) % BLOCKS_A_MINUTE == 0 and is_worse(log_higher_beside(pairs)):
            return (block + 1) // BLOCKS_A_MINUTE
    return None


def _poisson(chance: random.Random, mean: float) -> int:
    count, at = 0, chance.expovariate(1.0)
    while at < mean:
        count += 1
        at += chance.expovariate(1.0)
    return count
