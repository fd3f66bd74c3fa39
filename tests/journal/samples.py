"""What several journal tests need: entries, an independent Merkle tree, and an attacker's hands."""

import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import psycopg

from drillbook.engine.journal import Entry, Journal

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TABLES = {"entry": "drillbook.journal_entry", "head": "drillbook.journal_head"}


def entry(run: str = "r-1", kind: str = "task.done", **fields: object) -> Entry:
    return Entry.model_validate({"run": run, "kind": kind, "at": NOON, **fields})


def fill(journal: Journal, count: int = 10) -> None:
    """Record entries of two runs, in turns."""
    for number in range(count):
        journal.append(entry(f"r-{number % 2}", task=f"{number}.1", data={"number": number}))


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


def tree_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*tree_path(index, leaves[:split]), tree_root(leaves[split:])]
    return [*tree_path(index - split, leaves[split:]), tree_root(leaves[:split])]


class Attacker:
    """Somebody who can write to the store, but has no signing key."""

    def __init__(self, store_url: str, home: Path) -> None:
        self._is_sqlite = store_url.startswith("sqlite")
        self._connection: Any = (
            sqlite3.connect(home / "journal.db", isolation_level=None)
            if self._is_sqlite
            else psycopg.connect(store_url, autocommit=True)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def do(self, statement: str, *values: object) -> list[Any]:
        """Run SQL; {entry} and {head} are the tables, ? a value."""
        names = {name: name for name in TABLES} if self._is_sqlite else TABLES
        text = statement.format(**names)
        cursor = self._connection.execute(
            text if self._is_sqlite else text.replace("?", "%s"), values
        )
        return list(cursor) if cursor.description else []

    def rows(self) -> list[Any]:
        return self.do("SELECT idx, body, leaf, run, task, key FROM {entry} ORDER BY idx")

    def head(self) -> tuple[bytes, bytes]:
        ((head, edge),) = self.do("SELECT head, edge FROM {head}")
        return head, edge

    def put_head(self, head: bytes, edge: bytes) -> None:
        self.do("UPDATE {head} SET head = ?, edge = ?", head, edge)

    def put_row(self, row: Any) -> None:
        self.do(
            "INSERT INTO {entry} (idx, body, leaf, run, task, key) VALUES (?, ?, ?, ?, ?, ?)", *row
        )

    def rewrite(self, index: int, old: bytes, new: bytes) -> None:
        """Edit an entry and make its leaf hash fit."""
        ((body,),) = self.do("SELECT body FROM {entry} WHERE idx = ?", index)
        assert old in body
        body = body.replace(old, new)
        self.do(
            "UPDATE {entry} SET body = ?, leaf = ? WHERE idx = ?",
            body,
            sha256(b"\x00" + body).digest(),
            index,
        )
