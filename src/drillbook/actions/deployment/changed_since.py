"""Which migrations a database has that an earlier release was not built with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from drillbook.analysis.going_back import Since
from drillbook.core.errors import NotFound
from drillbook.ports.deployments import Deployment
from drillbook.ports.migration_files import LedgerEntry, Ledgers
from drillbook.ports.repository import FileChange, Repository

APPLIED, TAKEN_BACK = "applied", "taken back"
VERSION_OF_A_TIME = 14


@dataclass
class Looked:
    """What was found, and what could not be: `since` None where no ledger tells anything."""

    since: tuple[Since, ...] | None = ()
    unknown: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Code:
    """The migrations' folder in the code of two releases."""

    repository: Repository
    folder: str
    then: str
    now: str

    def path(self, name: str) -> str:
        """Return where a migration of the ledger lies in the code."""
        file = name if name.endswith(".sql") else f"{name}.sql"
        return f"{self.folder.strip('/')}/{file}"

    def added(self) -> set[str] | None:
        """Return what the newer code has and the older has not; None when they are not there."""
        try:
            compared = self.repository.compared(self.then, self.now)
        except NotFound:
            return None
        return {
            one.path
            for one in compared.files
            if one.change in {FileChange.ADDED, FileChange.RENAMED}
            and one.path.startswith(f"{self.folder.strip('/')}/")
        }

    def has(self, name: str, commit: str) -> bool:
        """Whether the code of a commit has this migration."""
        return self._file(name, commit) is not None

    def text(self, entry: LedgerEntry) -> str | None:
        """Return the SQL that was applied, or None when nobody has exactly that."""
        if entry.statements is not None:
            return ";\n".join(entry.statements)
        for ref in (self.now, self.repository.branch):
            found = self._file(entry.name, ref)
            if found is not None and _same(found, entry.sha256):
                return found.decode("utf-8", "replace")
        return None

    def _file(self, name: str, ref: str) -> bytes | None:
        try:
            return self.repository.file(self.path(name), ref)
        except NotFound:
            return None


def changed_since(
    repository: Repository,
    ledgers: Ledgers,
    build: Deployment,
    serving: Deployment | None,
    folder: str,
) -> Looked:
    """
    Return the migrations in force that the build's code has not.

    What the code has counts before the time: a release may be built before its migration is
    applied, and a branch may lack one that was applied long ago.
    """
    code = _Code(repository, folder, build.commit, serving.commit if serving else "")
    looked, added = Looked(), code.added() if serving else set[str]()
    if added is None:
        looked.unknown.append(
            f"the repository does not have both {build.commit[:7]} and {code.now[:7]}: what lies "
            "between them is not known"
        )
    entries = _latest(ledgers.entries())
    if not entries:
        if added:
            looked.since = None
        return looked
    looked.since = tuple(one for entry in entries for one in _judged(code, entry, build, added))
    return looked


def _judged(
    code: _Code, entry: LedgerEntry, build: Deployment, added: set[str] | None
) -> Iterator[Since]:
    if entry.status == TAKEN_BACK:
        if code.has(entry.name, code.then) and not (code.now and code.has(entry.name, code.now)):
            yield Since(name=entry.name, taken_back=True)
        return
    is_new = added is None or code.path(entry.name) in added
    if not is_new and not _is_later(entry, build.created):
        return
    if code.has(entry.name, code.then):
        return
    yield Since(name=entry.name, at=entry.at, text=code.text(entry), half=entry.status != APPLIED)


def _is_later(entry: LedgerEntry, built: datetime) -> bool:
    """Whether it may have been applied after the build; Supabase's ledger knows no time."""
    if entry.at is not None:
        return entry.at > built
    if len(entry.version) == VERSION_OF_A_TIME and entry.version.isdecimal():
        try:
            return datetime.strptime(entry.version, "%Y%m%d%H%M%S").replace(tzinfo=UTC) > built
        except ValueError:
            return True
    return True


def _latest(entries: tuple[LedgerEntry, ...]) -> tuple[LedgerEntry, ...]:
    """Return the latest row of each name, of the ledger that knows times where both have it."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        known = found.get(entry.name)
        # Taking back removes Supabase's row: one that is there was applied again by its own tool.
        again = known is not None and (known.status, entry.status) == (TAKEN_BACK, APPLIED)
        if known is None or again or entry.at is not None or known.at is None:
            found[entry.name] = entry
    return tuple(sorted(found.values(), key=lambda one: (one.at is None, one.at or 0, one.name)))


def _same(data: bytes, digest: str) -> bool:
    return not digest or sha256(data).hexdigest() == digest
