"""
The states of an app in time, as a hidden Markov model has them.

USUAL, MENDED (as usual since a little while: what was mended often comes again), SHORT (a burst
that ends by itself within seconds: a client that tries again, a database that fails over), and
WORSE at one of several levels, between which it may climb or fall. Probes meet what users meet, or
ask only what still works, or fail altogether: each is a family of states of its own, and what is
seen tells which.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.analysis.onset.levels import LEVELS, Level, Levels

# How often a time of each kind begins, and how long it lasts, in seconds.
WORSE_EVERY = 6 * 3600.0
WORSE_LASTS = 1200.0
SHORT_EVERY = 1800.0
SHORT_LASTS = 10.0
LEVEL_LASTS = 120.0
AGAIN_WITHIN = 900.0
MENDED_LASTS = 1800.0
WELL = 2  # USUAL and MENDED
_WORSE_AT_FIRST = 0.03


@dataclass(frozen=True, slots=True)
class States:
    """
    USUAL and MENDED first, then the short ones, then families of worse ones by rising level.

    `logs` holds for each state and stream what a hit and what the rest is worth.
    """

    short: int
    families: tuple[int, ...]  # the length of each
    logs: tuple[tuple[Level, ...], ...]

    @property
    def first_worse(self) -> int:
        """The index of the first worse state."""
        return WELL + self.short

    @property
    def worse(self) -> int:
        """How many worse states there are."""
        return sum(self.families)

    def start(self) -> list[float]:
        """Return how probable each state is when the window begins."""
        worse = _WORSE_AT_FIRST / self.worse
        return [1.0 - _WORSE_AT_FIRST, *[0.0] * (1 + self.short), *[worse] * self.worse]

    def entry(self) -> list[float]:
        """Return how probable each worse state is when worse begins: each family alike."""
        share = 1.0 / len(self.families)
        return [share / length for length in self.families for _ in range(length)]


def states_of(streams: Sequence[Levels]) -> States:
    """Return the states of users alone, or of users and probes (in this order)."""
    users = streams[0]
    if len(streams) == 1:
        return States(
            len(users.short),
            (LEVELS,),
            tuple((each,) for each in (users.usual, users.usual, *users.short, *users.worse)),
        )
    probes = streams[1]
    short = [
        *zip(users.short, probes.short, strict=True),
        *((each, probes.usual) for each in users.short),
        (users.usual, probes.short[-1]),
    ]
    families = (
        list(zip(users.worse, probes.worse, strict=True)),
        [(each, probes.usual) for each in users.worse],
        [(each, probes.worse[-1]) for each in users.worse],
        [(users.usual, each) for each in probes.worse],
    )
    return States(
        len(short),
        tuple(len(family) for family in families),
        (
            *[(users.usual, probes.usual)] * WELL,
            *short,
            *(pair for family in families for pair in family),
        ),
    )
