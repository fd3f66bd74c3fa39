"""Migrations as files in a folder and as rows in ledgers, and how the two stand to each other."""

from datetime import datetime
from enum import StrEnum

from drillbook.core.model import Frozen


class SourceFile(Frozen):
    """
    One file below a folder; `path` is relative to it, with slashes.

    `arrived` counts the commits of the branch that brought it, from 1; 0: no commit did yet.
    """

    path: str
    sha256: str
    text: str
    arrived: int = 0
    commit: str = ""


class SourceFolder(Frozen):
    """A folder of migrations; `no_history` says why git tells nothing about it."""

    folder: str
    files: tuple[SourceFile, ...]
    no_history: str = ""


class OrderedBy(StrEnum):
    """What tells the order of the files."""

    NAMES = "the numbers or times in their names"
    HISTORY = "the order in which git brought them"
    NOTHING = "nothing"


class Direction(StrEnum):
    """What a file is for."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


class MigrationFile(Frozen):
    """A migration of a folder with the file that takes it back, if there is one."""

    name: str
    version: str
    path: str
    sha256: str
    text: str
    down: SourceFile | None = None


class RefusalKind(StrEnum):
    """Why a folder and a ledger do not go together."""

    CHANGED = "changed"
    MISSING = "missing"
    RENAMED = "renamed"
    OUT_OF_ORDER = "out of order"
    REORDERED = "reordered"
    DUPLICATE = "duplicate"
    NO_ORDER = "no order"
    HALF_APPLIED = "half applied"
    BOTH_WAYS = "both ways"
    NO_UP = "only a way back"


class Refusal(Frozen):
    """One reason to stop: which file, and why."""

    kind: RefusalKind
    name: str
    says: str


class Order(Frozen):
    """The migrations of a folder in order, and what is wrong with the folder itself."""

    by: OrderedBy
    says: str
    migrations: tuple[MigrationFile, ...]
    refusals: tuple[Refusal, ...] = ()
    left_out: tuple[str, ...] = ()


class LedgerEntry(Frozen):
    """
    One migration as a ledger of a database has it.

    Supabase's ledger keeps statements and neither a time nor a SHA-256. `version` is empty where
    the ledger knows names only.
    """

    ledger: str
    name: str
    version: str = ""
    sha256: str = ""
    statements: tuple[str, ...] | None = None
    status: str = "applied"
    at: datetime | None = None
    taken_back_at: datetime | None = None
    run: str = ""


class Standing(Frozen):
    """How a folder stands to a database: what is applied, what comes next, what forbids it."""

    applied: tuple[str, ...]
    pending: tuple[MigrationFile, ...]
    refusals: tuple[Refusal, ...]
