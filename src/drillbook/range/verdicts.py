"""The range's sample migrations, each with what every check must say of it: one table for all."""

import tomllib
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from drillbook.core.model import Frozen
from drillbook.range.booking.database import MIGRATIONS

TABLE = Path(__file__).with_name("verdicts.toml")


class SampleKind(StrEnum):
    """What a sample migration is a sample of."""

    SAFE = "safe"
    LONG_LOCKING = "long-locking"
    REWRITING = "rewriting"
    FAILS_MIDWAY = "fails midway"
    NON_TRANSACTIONAL = "non-transactional"
    BLOCKED = "blocked by an idle transaction"
    BREAKS_INSERTS = "breaks inserts"
    BREAKS_SECURITY = "breaks row-level security"
    BREAKS_FUNCTION = "breaks a function"
    BREAKS_RIGHTS = "breaks rights"
    DESTROYS_DATA = "destroys data"
    WRONG_FOR_DATA = "wrong for the data"
    WRONG_DOWN = "wrong down script"
    OUT_OF_ORDER = "out of order"
    CHANGED = "changed after apply"


class Blocks(StrEnum):
    """Whose requests wait for 100 ms or more on a production of a million bookings."""

    NOTHING = "nothing"
    WRITES = "writes"
    EVERYTHING = "reads and writes"


class Applies(StrEnum):
    """Where a migration can be applied: production's data has flaws, staging's has none."""

    EVERYWHERE = "everywhere"
    SOUND_DATA = "sound data only"
    NOWHERE = "nowhere"


class RehearsalSays(StrEnum):
    """What a rehearsal on a copy of production must say."""

    PASSES = "passes"
    BREAKS = "breaks"
    FAILS = "fails"


class WayBackIs(StrEnum):
    """What leads back."""

    GIVEN = "given"
    DERIVED = "derived"
    WRONG = "wrong"
    RESTORE = "restore"
    NONE_NEEDED = "none needed"


class PendingSays(StrEnum):
    """What the look at the order and the ledger must say."""

    NEXT = "next"
    OUT_OF_ORDER = "out of order"
    CHANGED = "changed"


# A rehearsal says of what passes whether anybody waits for it, which depends on the size.
VERDICTS = {
    RehearsalSays.PASSES: {"safe", "dangerous"},
    RehearsalSays.BREAKS: {"breaks"},
    RehearsalSays.FAILS: {"fails"},
}
# Nothing is offered where a given script does not lead back.
WAYS_BACK: dict[WayBackIs, set[WayBackIs | None]] = {
    WayBackIs.GIVEN: {WayBackIs.GIVEN},
    WayBackIs.DERIVED: {WayBackIs.DERIVED},
    WayBackIs.WRONG: {None},
    WayBackIs.RESTORE: {None},
    WayBackIs.NONE_NEEDED: {WayBackIs.DERIVED, None},
}


class Setup(Frozen):
    """What must be so before a migration shows what it is a sample of."""

    idle: str = ""
    applied: tuple[str, ...] = ()
    was: str = ""


class Sample(Frozen):
    """One sample migration and its expected verdicts."""

    file: str = Field(pattern=r"^\d{4}_[a-z_]+\.sql$")
    kind: SampleKind
    says: str
    dangerous: bool = False
    blocks: Blocks = Blocks.NOTHING
    tables: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    transactional: bool = True
    applies: Applies = Applies.EVERYWHERE
    rehearsal: RehearsalSays = RehearsalSays.PASSES
    breaks: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    way_back: WayBackIs
    pending: PendingSays = PendingSays.NEXT
    setup: Setup = Setup()

    @property
    def path(self) -> Path:
        """The migration's file."""
        return MIGRATIONS / self.file

    @property
    def down_path(self) -> Path | None:
        """The down script beside it, right or wrong, or None."""
        path = self.path.with_suffix(".down.sql")
        return path if path.exists() else None


class Seen(Frozen):
    """What checks really said of a migration; `broken` as operation, subject and role."""

    verdict: str
    broken: tuple[tuple[str, str, str], ...] = ()
    way_back: WayBackIs | None = None


def unlike(sample: Sample, seen: Seen) -> tuple[str, ...]:
    """Say where a rehearsal on production's data and the table disagree; nothing: they agree."""
    applies = sample.rehearsal is not RehearsalSays.FAILS
    found = []
    if seen.verdict not in VERDICTS[sample.rehearsal]:
        found.append(f"the verdict is {seen.verdict}, the table says {sample.rehearsal}")
    found += [f"{each} still works" for each in sample.breaks if not _is_broken(each, seen.broken)]
    if not sample.breaks:
        found += [f"{' '.join(each)} is broken, the table says nothing" for each in seen.broken]
    if applies and seen.way_back not in WAYS_BACK[sample.way_back]:
        found.append(f"the way back is {seen.way_back}, the table says {sample.way_back}")
    return tuple(found)


def _is_broken(expected: str, broken: tuple[tuple[str, str, str], ...]) -> bool:
    what, _, wanted_role = expected.partition(" as ")
    operation, _, subject = what.partition(" ")
    return any(
        # "insert of the least" is an insert, and a function is named without its arguments.
        done.partition(" ")[0] == operation
        and on.partition("(")[0] == subject
        and wanted_role in {"", role}
        for done, on, role in broken
    )


class _Table(Frozen):
    migration: tuple[Sample, ...]


@lru_cache(maxsize=1)
def sample_migrations() -> tuple[Sample, ...]:
    """Read the table."""
    return _Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8"))).migration
