"""The names and marks of the databases that a restore makes; every half state is told by them."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from drillbook.providers.postgres.server import NAME_BYTES


class Stage(StrEnum):
    """What a database beside the one that serves is."""

    BUILDING = "building"
    PROVEN = "proven"
    BEFORE = "before"
    TAKEN_OUT = "taken out"
    MADE = "made"  # a new database, which replaces none


@dataclass(frozen=True, slots=True)
class Names:
    """The database that serves, the one built beside it, and the one kept from before."""

    serving: str
    beside: str
    before: str  # empty when a new one is made, that takes no other's place

    @property
    def all(self) -> tuple[str, str, str]:
        """All three."""
        return (self.serving, self.beside, self.before)

    @property
    def is_new(self) -> bool:
        """Whether the restore makes a new database."""
        return not self.before


def names_of(database: str, effect_key: str, *, is_new: bool = False) -> Names:
    """Return the names for one restore of one database, or of a new one of that name."""
    digest = hashlib.sha256(effect_key.encode()).hexdigest()[:8]
    before = "" if is_new else _cut(database, f"_before_{digest}")
    return Names(database, _cut(database, f"_restore_{digest}"), before)


@dataclass(frozen=True, slots=True)
class Story:
    """What a restore must know of itself after its worker died: it lies in the mark."""

    began: float  # seconds of the server's clock
    point: float = 0.0
    swapped: float = 0.0
    level: int = 0
    rows: dict[str, int] = field(default_factory=dict[str, int])
    ahead: dict[str, int] = field(default_factory=dict[str, int])  # rows dated after the point
    warnings: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Mark:
    """A comment of ours on a database; it carries the comment it stands for."""

    stage: Stage
    key: str
    source: str
    story: Story
    comment: str | None = None

    @property
    def text(self) -> str:
        """The comment as it is written."""
        told = {
            "drillbook": self.stage, "key": self.key, "backup": self.source,
            "comment": self.comment, "story": asdict(self.story),
        }  # fmt: skip
        return json.dumps(told)


def read_mark(comment: str | None) -> Mark | None:
    """Return what a comment of ours says; None for a comment of anybody else."""
    try:
        told = json.loads(comment or "")
        story = Story(**told["story"])
        return Mark(Stage(told["drillbook"]), told["key"], told["backup"], story, told["comment"])
    except (ValueError, KeyError, TypeError):
        return None


def _cut(database: str, suffix: str) -> str:
    room = NAME_BYTES - len(suffix)
    return database.encode()[:room].decode(errors="ignore") + suffix
