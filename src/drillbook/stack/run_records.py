"""The record of a run, read from the journal of this home's store."""

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.core.errors import Damaged, DrillbookError, NotFound
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind, RecordEntry
from drillbook.ports.run_record import RunRecord
from drillbook.stack.books import FOLDER, BookFile, find_books, library, read_book_file
from drillbook.stack.place import Place
from drillbook.stack.settings import load_settings

if TYPE_CHECKING:
    from drillbook.engine.journal import Journal, Recorded

# A worker writes the entries of quick reads within a tenth of a second (engine/recorder.py).
QUIET_SECONDS = 0.4
MOST_WAITS = 10


class JournalRecords:
    """Reads runs from the journal."""

    def __init__(self, place: Place) -> None:
        self._folder, self._file = place.folder, place.file

    def read(self, run: str) -> RunRecord:
        """Return a run's record; of one under way, what is written so far."""
        from drillbook.engine.journal import open_journal  # noqa: PLC0415 - as in bindings.py

        settings = load_settings(self._folder)
        with closing(open_journal(settings.store_url(), settings.home)) as journal:
            entries = _settled(journal, run)
            if not entries:
                raise NotFound(
                    f"the journal has no run {run!r}", hint="`drillbook runs` lists them."
                )
            plan = _plan(journal, entries)
        rows, roles = tuple(map(_entry, entries)), tuple(self._file.roles)
        try:
            found = _book_of(plan, self._folder)
        except DrillbookError as error:
            says = f"the book cannot be read: {error}"
            return RunRecord(run, plan, rows, book_says=says, roles=roles)
        if found is None:
            says = f"{plan.book} was changed since the run was planned"
            return RunRecord(run, plan, rows, book_says=says, roles=roles)
        path = self._folder / FOLDER / found.name if found.path is None else found.path
        return RunRecord(
            run, plan, rows, _shown(path, self._folder), found.text, "", found.shipped, roles
        )

    def findings(self, name: str, text: str) -> tuple[str, ...]:
        """Return what the check says of a book's text, against this stack and all actions."""
        from drillbook.actions import CATALOG  # noqa: PLC0415 - the catalog holds this port's user
        from drillbook.compiler.check import check_book  # noqa: PLC0415 - as in bindings.py
        from drillbook.stack.stack import Stack  # noqa: PLC0415 - it builds this provider

        stack = Stack(file=self._file, folder=self._folder)
        checked = check_book(text, name=name, catalog=lambda: CATALOG, stack=stack.facts())
        return tuple(f"{each.code}: {each.message}" for each in checked.diagnostics)


def _book_of(plan: Plan, folder: Path) -> BookFile | None:
    """Return the book if it still is the one the plan was made of."""
    named = Path(plan.book)
    files = [*find_books(folder=folder).own, *library()]
    if named.is_file():
        files.append(read_book_file(named))
    same = (each for each in files if sha256(each.text.encode()).hexdigest() == plan.book_sha256)
    return next(same, None)


def _shown(path: Path, folder: Path) -> str:
    """Return a path as `git apply` wants it: from the root of the repository it lies in."""
    full = path.resolve()
    root = next((each for each in full.parents if (each / ".git").exists()), folder.resolve())
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else full.name


def _settled(journal: "Journal", run: str) -> "list[Recorded]":
    """Return the entries once none has come for a while."""
    entries = list(journal.entries(run))
    for _ in range(MOST_WAITS):
        last = entries[-1].index if entries else -1
        if not journal.wait(run, after=last, timeout_seconds=QUIET_SECONDS):
            break
        entries += journal.entries(run, after=last)
    return entries


def _plan(journal: "Journal", entries: "list[Recorded]") -> Plan:
    planned = next((each for each in entries if each.kind == EntryKind.RUN_PLANNED), None)
    kept = planned.data.get("evidence") if planned else None
    if not isinstance(kept, dict):
        raise Damaged(
            "the run's record has no plan", hint="`drillbook journal verify` says what is damaged."
        )
    return Plan.model_validate_json(journal.get_evidence(str(kept["sha256"])))


def _entry(each: "Recorded") -> RecordEntry:
    return RecordEntry(each.index, each.at, each.kind, each.task, each.by, each.data)
