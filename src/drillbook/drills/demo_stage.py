"""Where the demo plays: a folder of its own with a range, a home and a worker, and their end."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import Refused
from drillbook.engine.spawn import start_worker, wait_for_worker
from drillbook.engine.store import Store, prepare
from drillbook.range import practice
from drillbook.range.stack_file import STACK
from drillbook.stack.settings import HOME_VARIABLE, STORE_VARIABLE
from drillbook.stack.stack import Stack, load_stack

MARK = ".drillbook-demo"
STACK_VARIABLE = "DRILLBOOK_STACK"
RANGE, HOME, REPORTS = "range", "home", "reports"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the demo plays with."""

    folder: Path
    store: Store
    stack: Stack

    @property
    def migrations(self) -> Path:
        """The range's sample migrations."""
        return self.folder / RANGE / "migrations"

    @property
    def checks(self) -> Path:
        """The range's sample checks."""
        return self.folder / RANGE / "checks" / "booking.toml"

    @property
    def reports(self) -> Path:
        """Where the reports go."""
        return self.folder / REPORTS


@contextmanager
def set_up(folder: Path, say: Say, *, keep: bool, scale: float) -> Iterator[Stage]:
    """Set the stage up afresh; afterwards nothing runs any more, unless it is to be kept."""
    folder = folder.resolve()
    clear(folder)
    home, ground = folder / HOME, folder / RANGE
    with ExitStack() as after:
        after.enter_context(_range(ground, say, keep=keep, scale=scale))
        settings = {HOME_VARIABLE: str(home), STACK_VARIABLE: str(ground / STACK)}
        after.enter_context(_environment(settings))
        store = Store(f"sqlite:///{home / 'store.db'}", home)
        prepare(store)
        after.enter_context(_worker(store))
        say(f"worker: started, home {home}")
        yield Stage(folder, store, load_stack(ground / STACK))


def clear(folder: Path) -> None:
    """Remove what an earlier demo left; refuse a folder with anything else in it."""
    if not (folder / MARK).exists() and folder.exists() and any(folder.iterdir()):
        raise Refused(
            f"{folder} holds other files and no demo",
            hint="Name a new or empty folder for the demo.",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / MARK).touch()
    if (folder / RANGE / practice.MARK).exists():
        practice.down(folder / RANGE, remove=True)
    for name in (RANGE, HOME, REPORTS):
        shutil.rmtree(folder / name, ignore_errors=True)


@contextmanager
def _range(ground: Path, say: Say, *, keep: bool, scale: float) -> Iterator[None]:
    has_failed = True
    try:
        # Tied: even a kill -9 of the demo leaves no server behind.
        practice.up(ground, scale=scale, progress=say, tied=not keep)
        yield
        has_failed = False
    finally:
        if not keep and (ground / practice.MARK).exists():
            # After a failure the logs in it are what tells why.
            practice.down(ground, remove=not has_failed)


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Let this process and its worker see the demo's settings, and put the old ones back."""
    names = (*settings, STORE_VARIABLE)
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def _worker(store: Store) -> Iterator[None]:
    process = start_worker(store)
    try:
        wait_for_worker(store, process)
        yield
    finally:
        # A worker is made to be killed: what it did is stored, its commands end with it.
        process.kill()
        process.wait()
