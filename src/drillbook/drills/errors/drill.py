"""Carry the cases out: each seed's in an order of its own, on one range, shared among shards."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Protocol

from drillbook.core.errors import Failed, Refused
from drillbook.core.model import Frozen
from drillbook.drills.demo_stage import HOME, RANGE, set_up
from drillbook.drills.errors.case import Case
from drillbook.drills.errors.play import Site, blank, play, settle
from drillbook.drills.errors.product import Product, end_left
from drillbook.drills.errors.result import Result
from drillbook.drills.errors.users import Users
from drillbook.engine.runs import opened
from drillbook.range import practice
from drillbook.range.faults.fault import Ground
from drillbook.range.stack_file import STACK
from drillbook.stack.books import FOLDER as BOOKS
from drillbook.stack.stack import load_stack

# So many bookings that a query that reads them all is felt.
SCALE = 0.3
# Enough that a fault of one request in twenty is met within seconds, on two cores with others.
RATE, READERS, WRITERS = 12.0, 3, 5
# A production has a past, which what comes is compared with; other people are soon usual.
WARM_SECONDS, OTHERS_SECONDS = 180.0, 15.0
# The same in all cases: as a team sets it that wants to know soon, and to have it mended at night.
LOOKOUT = """
[lookout]
every = "1s"
quiet = "10s"
unattended = true
runbooks = ["High Error Rate"]
"""
BOOK = "high-error-rate.md"
# With so many users less time is enough to tell; and what is over must not be seen for long, or
# the next case would meet it. The same for all cases, as a team may write it into its own book.
SOONER = {
    "| `watching` | duration | 1m |": "| `watching` | duration | 20s |",
    'errors.over("5m", 0.05) for 1m': 'errors.over("30s", 0.05) for 15s',
}


class Face(Protocol):
    """How the drill speaks to whoever watches."""

    def begins(self, case: Case, seed: int, number: int, of: int) -> None:
        """Show that a case begins."""
        ...

    def says(self, words: str) -> None:
        """Show what happens."""
        ...

    def ends(self, result: Result) -> None:
        """Show what came of a case."""
        ...


class Shard(Frozen):
    """Which part of all: the number, from 1, of so many."""

    number: int = 1
    of: int = 1

    @classmethod
    def named(cls, words: str) -> "Shard":
        """Read `1/3`."""
        number, _, of = words.partition("/")
        if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
            raise Refused(f"{words!r} is no shard", hint="Write it as 1/3: the first of three.")
        return cls(number=int(number), of=int(of))


def order(
    cases: tuple[Case, ...], seeds: int, shard: Shard, *, whole: bool = True
) -> list[tuple[Case, int]]:
    """
    Return the turns of a shard: each seed mixes the cases anew, and the shards share them.

    Unless all seeds are to be `whole`, those after the first have only what users feel.
    """
    turns: list[tuple[Case, int]] = []
    for seed in range(1, seeds + 1):
        mixed = [case for case in cases if whole or seed == 1 or case.felt]
        Random(f"order/{seed}").shuffle(mixed)  # noqa: S311 - the same order each time
        turns += [(case, seed) for case in mixed]
    return turns[shard.number - 1 :: shard.of]


def drill(
    turns: list[tuple[Case, int]],
    folder: Path,
    face: Face,
    keep: Callable[[Result], None],
    *,
    book: Path | None = None,
    alone: bool = False,
) -> None:
    """
    Play turns one after the other on one range below the folder; keep each result at once.

    A range that does not come to rest any more is left for a new one; a second time in one case,
    the case is given up and says so.
    """
    left = list(turns)
    unrest = 0
    while left:
        with _site(folder, face, book=book, alone=alone) as site:
            unrest = 0 if _play_all(left, len(turns), site, face, keep) else unrest + 1
        if unrest > 1:
            case, seed = left.pop(0)
            keep(blank(case, seed, "the range came to no rest before it, twice"))
            unrest = 0


def _play_all(
    left: list[tuple[Case, int]], of: int, site: Site, face: Face, keep: Callable[[Result], None]
) -> bool:
    """Play what is left until nothing is, or until users are not well; whether any was played."""
    came, played = 0, False
    while left:
        case, seed = left[0]
        if seed != came:
            came = _others_come(site, seed)
        face.begins(case, seed, of - len(left) + 1, of)
        if not settle(site):
            face.says("users are not well, and nothing is broken: a new range takes over")
            return played
        chance = Random(f"{seed}/{case.name}")  # noqa: S311 - the same each time
        result = play(case, site, seed, chance)
        keep(result)
        face.ends(result)
        left.pop(0)
        played = True
    return True


@contextmanager
def _site(folder: Path, face: Face, *, book: Path | None, alone: bool) -> Iterator[Site]:
    end_left(folder / HOME)
    with ExitStack() as after:
        stage = after.enter_context(set_up(folder, face.says, keep=False, scale=SCALE))
        ground = Ground(stage.folder / RANGE, tied=True)
        stack_file = ground.folder / STACK
        with stack_file.open("a", encoding="utf-8") as file:
            file.write(LOOKOUT)
        write_book(ground.folder / BOOKS, book)
        stage = replace(stage, stack=load_stack(stack_file))
        product = None
        if not alone:
            product = Product(stage, after.enter_context(opened(stage.store)))
            after.callback(product.leave)
        users = Users(ground.environment.traffic.record)
        yield Site(ground, users, product, face.says)


def write_book(folder: Path, book: Path | None) -> None:
    """Give the team its book: the shipped one or their own, with a shorter watch."""
    shipped = files("drillbook") / "library" / BOOK
    text = (shipped if book is None else book).read_text(encoding="utf-8")
    for words, here in SOONER.items():
        if book is None and words not in text:
            raise Failed(f"the shipped book no longer says {words!r}", hint=f"See {__name__}.")
        text = text.replace(words, here)
    folder.mkdir()
    (folder / BOOK).write_text(text, encoding="utf-8")


def _others_come(site: Site, seed: int) -> int:
    """Let the people of another seed come, and wait until there is a past to compare with."""
    are_first = not practice.stop_traffic(site.ground.folder)
    practice.start_traffic(
        site.ground.folder, rate=RATE, seed=seed, readers=READERS, writers=WRITERS, tied=True
    )
    began = datetime.now(UTC)
    time.sleep(WARM_SECONDS if are_first else OTHERS_SECONDS)
    site.users.learn(began, datetime.now(UTC))
    if site.product is not None:
        site.product.look_out()
    return seed
