"""A book compiled as the product does it, and a record of what such a run came to, sealed."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drillbook.actions import CATALOG
from drillbook.analysis.postmortem.reading import Trail
from drillbook.compiler.check import check_book
from drillbook.compiler.plans import compile_plan
from drillbook.compiler.reader import read_book
from drillbook.core.files import File
from drillbook.core.plan import Plan
from drillbook.core.policy import EnvironmentFacts, StackFacts
from drillbook.core.record import RecordEntry
from drillbook.engine.journal import Entry, open_journal

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SYSTEMS = (
    "app", "database", "logs", "repository", "backups", "auth", "limits", "metrics",
    "dependencies", "status_pages",
)  # fmt: skip
STACK = StackFacts(
    environments={
        "production": EnvironmentFacts(
            name="production", digest="0" * 64, systems=dict.fromkeys(SYSTEMS, "any")
        )
    }
)


def _no_file(name: str) -> File:
    raise AssertionError(f"no file is read here: {name}")


def compiled(text: str) -> Plan:
    book = read_book(text, name="book.md")
    title = book.runbooks[0].title
    return compile_plan(
        book, title, text=text, stack=STACK, catalog=lambda: CATALOG, files=_no_file
    )


def findings(text: str) -> list[str]:
    checked = check_book(text, name="book.md", catalog=lambda: CATALOG, stack=STACK)
    return sorted(f"{each.code} {each.message}" for each in checked.diagnostics)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def culprit(**more: object) -> dict[str, Any]:
    """The result of errors.culprit as a lock of the database gives it."""
    cause = {"kind": "database lock", "subject": "pid 71 psql", "says": "pid 71 holds | bookings"}
    for_it = {"says": "7 sessions wait for pid 71", "weight": 6.2, "source": "database"}
    against = {"says": "no lock was seen on 3 tables", "weight": -0.4, "source": "database"}
    found: dict[str, Any] = {
        "found": True, "hit": True, "kind": cause["kind"], "subject": cause["subject"],
        "says": "one session holds what [all] others wait for", "feels": "requests fail",
        "probability": 0.964, "none": 0.0213, "since": at(0).isoformat(),
        "earliest": at(-12.4).isoformat(), "latest": at(3.2).isoformat(), "fix": "end sessions",
        "candidates": [
            {"cause": cause, "probability": 0.964, "evidence": [for_it, against]},
            {"cause": cause | {"says": "the release of 02:51"}, "probability": 0.0147,
             "evidence": []},
        ],
        "changes": [{"at": at(-540).isoformat(), "kind": "deployment", "says": "dpl_9 serves"}],
        "unknown": ["auth: no answer within 5 s"],
        "sources": [{"name": "edge", "silent": True, "says": "silent since 02:40"}],
    }  # fmt: skip
    return found | more


def entries(*rows: tuple[float, str, str, dict[str, Any]]) -> list[RecordEntry]:
    return [
        RecordEntry(number, at(seconds), kind, task, "ana", data)
        for number, (seconds, kind, task, data) in enumerate(rows)
    ]


def sealed(home: Path, rows: list[RecordEntry]) -> Iterator[RecordEntry]:
    """Put the rows into a real journal, and give them as it gives them back."""
    with closing(open_journal(f"sqlite:///{home}/store.db", home)) as journal:
        for row in rows:
            data = dict(row.data)
            journal.append(
                Entry(run="r-1", kind=row.kind, task=row.task, by=row.by, at=row.at, data=data)
            )
        for each in journal.entries("r-1"):
            yield RecordEntry(each.index, each.at, each.kind, each.task, each.by, each.data)


def trail(text: str, *rows: tuple[float, str, str, dict[str, Any]]) -> Trail:
    return Trail(compiled(text), entries(*rows))
