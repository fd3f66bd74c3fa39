"""What the journal needs of a store: one writer at a time, readers of one moment, evidence."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from drillbook.core.errors import Unavailable


class ConnectionLost(Unavailable):
    """The store's server went away; whether the last commit took place is not known."""


class Row(NamedTuple):
    """An entry as stored: the sealed bytes, their leaf hash, and the columns for look-ups."""

    position: int
    body: bytes
    leaf: bytes
    run: str
    task: str
    key: str


class HeadRow(NamedTuple):
    """The signed head as stored, and the tree's right edge that lets the next append go on."""

    head: bytes
    edge: bytes


class Before(NamedTuple):
    """What an append must know: the head, each run's last index, which keys are there already."""

    head: HeadRow | None
    last: dict[str, int]
    keys: frozenset[str]


class Writing(Protocol):
    """The store while one append alone may change it; its writes are there whole or not at all."""

    def before(self, runs: Collection[str], keys: Collection[str]) -> Before:
        """Look up what the append needs."""

    def body_of(self, key: str) -> bytes | None:
        """Return the entry with this idempotency key."""

    def write(self, rows: list[Row], head: HeadRow) -> None:
        """Add the rows and replace the head."""


class Reading(Protocol):
    """The store as it was at one moment."""

    def head(self) -> HeadRow | None:
        """Return the stored head; None when nothing was recorded yet."""

    def rows(self) -> Iterator[Row]:
        """Stream every entry in order."""

    def page(self, run: str | None, after: int, task: str | None, limit: int) -> list[Row]:
        """Return the next entries after an index."""

    def bodies_of_keys(self, prefix: str) -> list[bytes]:
        """Return the entries whose idempotency key begins so, in order."""

    def spans(self) -> list[tuple[bytes, bytes]]:
        """Return each run's first and last entry, oldest run first."""

    def check_store(self) -> str | None:
        """Say what the store itself finds damaged (indexes, pages, schema); None when nothing."""


class Store(Protocol):
    """Where a journal lies."""

    is_shared: bool  # whether several homes, each with its own key, may append

    def writing(self) -> AbstractContextManager[Writing]:
        """Enter the one append at a time."""

    def reading(self) -> AbstractContextManager[Reading]:
        """Enter one moment of the store."""

    def has_more(self, run: str, after: int) -> bool:
        """Tell whether a run has an entry after an index."""

    def wait(self, run: str, after: int, timeout: float) -> bool:
        """Wait for an entry of a run after an index; False when the time is over."""

    def put_evidence(self, digest: str, content: bytes) -> None:
        """Keep a file under its SHA-256."""

    def get_evidence(self, digest: str) -> bytes | None:
        """Return a file's content as stored; None when it is not there."""

    def close(self) -> None:
        """Let go of files and connections."""
