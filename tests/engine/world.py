"""A small world of files, and actions on it, for runs in tests; also the worker that runs them.

Usage of the worker: world.py STORE_URL HOME WORLDS [lives | SECONDS]
With `lives` it is worker after worker, each a fork, until one ends by itself or stdin is closed;
SECONDS is how long another worker must stand still to be called frozen.
Each effect is a line `KEY VALUE` in `WORLDS/ENVIRONMENT/effects`: doing twice would be two lines.
Faults are real: a file `die-before-VALUE` (or -after-) makes the worker kill -9 itself once.
"""

import os
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.catalog import Domain, catalog
from drillbook.core.effect import Effect
from drillbook.core.errors import (
    Failed,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UndoImpossible,
)
from drillbook.core.model import Frozen

domain = Domain("world")


@dataclass
class World:
    folder: Path

    @property
    def value(self) -> str:
        path = self.folder / "value"
        return path.read_text() if path.exists() else "start"

    def set(self, value: str, key: str) -> None:
        with (self.folder / "effects").open("a") as log:
            log.write(f"{key} {value}\n")
        (self.folder / "value").write_text(value)

    def effects(self) -> list[str]:
        path = self.folder / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def once(self, what: str) -> bool:
        """Whether this fault is planted; it is used up by asking."""
        try:
            (self.folder / what).unlink()
        except FileNotFoundError:
            return False
        return True

    def is_planted(self, what: str) -> bool:
        return (self.folder / what).exists()


class Value(Frozen):
    value: str


class Looked(Frozen):
    value: str
    count: int


class Many(Frozen):
    items: tuple[str, ...]


class Odd(Frozen):
    number: float
    large: int


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@domain.read
def look(world: World, *, slow_seconds: float = 0) -> Looked:
    """Look at the world."""
    if slow_seconds:
        # a slow outside: the file appears when the test says so
        path = world.folder / ("go" if slow_seconds == 1 else f"go-{slow_seconds:g}")
        os.mkfifo(path) if not path.exists() else None
        path.read_text()
    if world.is_planted("fail-look"):
        raise Failed("the world cannot be looked at")
    return Looked(value=world.value, count=len(world.effects()))


@domain.read
def list_(world: World, *, items: int) -> Many:
    """Give more than a record can hold."""
    return Many(items=("a line of a log " * 64,) * items)


@domain.read
def watch(world: World, effect: Effect) -> Value:
    """Watch the world until somebody asks to stop; here it only says whether somebody did."""
    return Value(value="stopped" if effect.cancel_asked() else "watched")


@domain.read
def odd(world: World) -> Odd:
    """Give numbers that JSON cannot hold exactly."""
    return Odd(number=float("nan"), large=2**63)


@domain.write
def put(world: World, effect: Effect, *, value: str) -> Value:
    """Put a value into the world."""
    if world.once(f"die-before-{value}"):
        die()
    if world.is_planted(f"slow-{value}"):
        with (world.folder / "begun").open("a") as begun:
            begun.write(f"{value}\n")
        while world.is_planted(f"slow-{value}"):
            time.sleep(0.02)
    if world.is_planted(f"fail-{value}") or world.once(f"fail-once-{value}"):
        raise Failed(f"{value} does not go in", hint="Take another.")
    if world.is_planted(f"refuse-{value}"):
        raise Refused(f"{value} is refused")
    world.set(value, effect.key)
    if world.once(f"die-after-{value}"):
        die()
    if world.once(f"unknown-{value}"):
        raise OutcomeUnknown("the connection was lost")
    return Value(value=value)


@put.looking
def is_put(world: World, effect: Effect, *, value: str) -> Value | None:
    if world.is_planted("blind"):
        raise OutcomeUnknown("nobody can look")
    found = f"{effect.key} {value}" in world.effects()
    return Value(value=value) if found else None


def value_now(world: World, effect: Effect, *, value: str) -> Value:
    return Value(value=world.value)


@put.undone_by(remembering=value_now)
def put_back(before: Value, world: World, effect: Effect, *, value: str) -> Value:
    """Put the old value back."""
    if world.is_planted(f"fail-undo-{value}"):
        raise Failed("it does not come out")
    if world.is_planted(f"no-undo-{value}"):
        raise UndoImpossible("there is no way back from it")
    if world.value != before.value:
        world.set(before.value, f"{effect.key}:undo")
    if world.once(f"die-undo-{value}"):
        die()
    return before


@domain.final(because="what is said is said")
def say(world: World, effect: Effect, *, word: str) -> Value:
    """Say a word."""
    world.set(word, effect.key)
    if world.once(f"unknown-{word}"):
        (world.folder / "blind").touch()
        raise OutcomeUnknown("nobody heard it")
    if world.once(f"die-blind-{word}"):
        (world.folder / "blind").touch()
        die()
    return Value(value=word)


@say.looking
def is_said(world: World, effect: Effect, *, word: str) -> Value | None:
    if world.is_planted("blind"):
        raise Unavailable("nobody can look")
    return Value(value=word) if f"{effect.key} {word}" in world.effects() else None


@domain.final(because="what is carved stays", lasts=True)
def carve(world: World, effect: Effect, *, word: str) -> Value:
    """Carve a word in stone."""
    world.set(word, effect.key)
    return Value(value=word)


@carve.looking
def carved(world: World, effect: Effect, *, word: str) -> Value | None:
    """Look whether the word is carved."""
    return Value(value=word) if f"{effect.key} {word}" in world.effects() else None


@domain.additive(because="what was told takes nothing away")
def tell(world: World, effect: Effect, *, word: str) -> Value:
    """Tell a word, and note each part of it."""
    for number in range(2):
        effect.note(f"part/{number}", f"told part {number}", {"line": number, "seconds": 0.5})
        if world.once(f"die-told-{number}"):
            die()
    world.set(word, effect.key)
    if world.once("die-told"):
        die()
    return Value(value=word)


@tell.looking
def is_told(world: World, effect: Effect, *, word: str) -> Value | None:
    if f"{effect.key} {word}" not in world.effects():
        return None
    for number in range(2):  # a look may repeat the notes that a kill may have lost
        effect.note(f"part/{number}", f"told part {number}", {"line": number, "seconds": 0.7})
    return Value(value=word)


CATALOG = catalog(domain)


@dataclass
class Bound:
    """The bindings of the tests: each environment is a world of its own."""

    folder: Path

    def port(self, environment: str, port: type) -> object:
        assert port is World
        return World(self.folder / environment)

    def digest(self, environment: str) -> str:
        path = self.folder / environment / "settings"
        return path.read_text() if path.exists() else "as planned"


def work(url: str, home: str, folder: str) -> None:
    from drillbook.engine.store import Store
    from drillbook.engine.worker import Worker

    worker = Worker(Store(url, Path(home)), CATALOG, Bound(Path(folder)))
    worker.start()
    print("ready", flush=True)
    worker.wait(until_idle=False)
    os._exit(0)  # as the command does


def live_on(url: str, home: str, folder: str) -> None:
    """Be one worker after another, and let each step of a run be recorded at its second try."""
    import dbos  # noqa: F401 - imported once, for all lives
    from dbos import _serialization  # noqa: F401 - as above

    from drillbook.engine import worker  # noqa: F401 - as above

    while True:
        life = os.fork()
        if life == 0:
            work(url, home, folder)
        _, status = os.waitpid(life, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as store:
            store.execute("UPDATE may_record SET rows = rows + 1")
            store.commit()


def main() -> None:
    how = sys.argv[4:]
    if how and how != ["lives"]:
        from drillbook.engine import fleet

        fleet.FROZEN_SECONDS = float(how[0])
    (live_on if how == ["lives"] else work)(*sys.argv[1:4])


if __name__ == "__main__":
    main()
