"""The names and marks of the databases that a restore makes; every half state is told by them."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from drillbook.providers.postgres.server import NAME_BYTES


class Stage(StrEnum):
    """What a database beside the one that serves is."""

    BUILDING = "building"
    PROVEN = "proven"
    BEFORE = "before"
    TAKEN_OUT = "taken out"


@dataclass(frozen=True, slots=True)
class Names:
    """The database that serves, the one built beside it, and the one kept from before."""

    serving: str
    beside: str
    before: str

    @property
    def all(self) -> tuple[str, str, str]:
        """All three."""
        return (self.serving, self.beside, self.before)


def names_of(database: str, effect_key: str) -> Names:
    """Return the names for one restore of one database."""
    digest = hashlib.sha256(effect_key.encode()).hexdigest()[:8]
    return Names(
        database, _cut(database, f"_restore_{digest}"), _cut(database, f"_before_{digest}")
    )


def mark(stage: Stage, effect_key: str, *, backup: str = "", comment: str | None = None) -> str:
    """Return the comment that says what a database is; it carries the comment it stands for."""
    told = {"drillbook": stage, "key": effect_key, "backup": backup, "comment": comment}
    return json.dumps(told)


@dataclass(frozen=True, slots=True)
class Mark:
    """A comment of ours, read."""

    stage: Stage
    key: str
    backup: str
    comment: str | None


def read_mark(comment: str | None) -> Mark | None:
    """Return what a comment of ours says; None for a comment of anybody else."""
    try:
        told = json.loads(comment or "")
        return Mark(Stage(told["drillbook"]), told["key"], told["backup"], told["comment"])
    except (ValueError, KeyError, TypeError):
        return None


def _cut(database: str, suffix: str) -> str:
    room = NAME_BYTES - len(suffix)
    return database.encode()[:room].decode(errors="ignore") + suffix
