"""What a fault is: a way to break something really, to put it back, and to see that it is so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg

from drillbook.range.cloud import Cloud
from drillbook.range.environment import DATABASE, Environment

Saved = dict[str, Any]  # Any: JSON that a fault wrote for its own mend

# A server that is at work looks this often whether its client is still there.
ENDS_WITH_US = "-c client_connection_check_interval=100ms"
CHANGING = 0x72616E6765


class Suffers(StrEnum):
    """Who notices: those who use the app, or only those who operate it."""

    USERS = "users"
    OPERATORS = "operators"


@dataclass(frozen=True, slots=True)
class Ground:
    """What faults work on: the range in a folder, and in it the production."""

    folder: Path
    tied: bool = False
    name: str = "production"

    @property
    def cloud(self) -> Cloud:
        """The range's cloud."""
        return Cloud(self.folder)

    @property
    def environment(self) -> Environment:
        """The environment that is broken."""
        return Environment(self.name, self.folder / self.name)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:  # Any: rows
        """Enter the database as its owner; each statement stands for itself."""
        url = self.environment.server.url(DATABASE)
        return psycopg.connect(url, autocommit=True, options=ENDS_WITH_US)

    @contextmanager
    def changing(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:  # Any: rows
        """
        Enter the database to change it, when nobody else of the range does.

        What whoever was killed had asked for last, the server still carries out.
        """
        with self.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (CHANGING,))
            yield connection


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that can be broken.

    `look` changes nothing and returns what `mend` needs; `act` breaks; `mend` puts back and may
    come after half an `act` or twice; `holds` looks whether it is broken right now.

    What two faults `lies_on` was there before the first of them: they are mended last first. With
    `alone` a second one would take the place of the first, and is refused.
    """

    name: str
    says: str
    suffers: Suffers
    look: Callable[[Ground], Saved]
    act: Callable[[Ground, Saved], None]
    mend: Callable[[Ground, Saved], None]
    holds: Callable[[Ground], bool]
    lies_on: str = ""
    alone: bool = False


def nothing_to_know(_: Ground) -> Saved:
    """Return that nothing needs to be remembered."""
    return {}
