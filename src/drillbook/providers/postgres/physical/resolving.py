"""From what a person calls a moment to a backup and a place in the WAL after it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from drillbook.core.errors import NotFound, Refused
from drillbook.ports.backups import Manifest
from drillbook.providers.postgres.physical.index import Named, commit_before, place_at
from drillbook.providers.postgres.physical.lines import Line, shown
from drillbook.providers.postgres.physical.lsn import Lsn

# A point that Drillbook marks says after this which effect made it.
OWN = "#"
_PLACE = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*(?: UTC)?")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A point as a backup and a place in the WAL after it (None: the backup's own moment)."""

    manifest: Manifest
    target: Lsn | None
    timeline: int
    at: datetime
    says: str


@dataclass(frozen=True, slots=True)
class Covered:
    """A moment up to which all WAL was archived when we asked the server for it."""

    at: datetime
    end: Lsn


def resolve(text: str, lines: tuple[Line, ...], covered: Covered | None) -> Resolved | None:
    """Return what a point means; None: it is not reached by what is archived."""
    if _PLACE.fullmatch(text):
        return _by_place(Lsn.parse(text), lines)
    if _TIME.fullmatch(text):
        return _by_time(time_of(text), lines, covered)
    return _by_name(text, lines)


def unreached(text: str, lines: tuple[Line, ...]) -> Exception:
    """Return the error for a point that cannot be reached."""
    missing = "; ".join(dict.fromkeys(said for line in lines for said in line.missing[:3]))
    why = f"; {missing}" if missing else ""
    reach = "; ".join(line.says for line in lines[:3])
    if not _PLACE.fullmatch(text) and not _TIME.fullmatch(text):
        known = ", ".join(sorted({plain(one.name) for line in lines for one in line.named}))
        return NotFound(
            f"there is no backup and no restore point {text!r} that can be reached{why}",
            hint=f"Named points: {known or 'none'}. {reach or 'There is no physical backup'}.",
        )
    return Refused(
        f"{text} cannot be reached{why}",
        hint=f"{reach[:1].upper()}{reach[1:]}." if reach else "Take a physical backup first.",
    )


def time_of(text: str) -> datetime:
    """Read a time; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError as error:
        raise Refused(
            f"{text!r} is not a time", hint="Write it as 2026-11-24T14:02:00Z (UTC)."
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def plain(name: str) -> str:
    """Return a restore point's name as people wrote it."""
    return name.partition(OWN)[0]


def _by_time(wanted: datetime, lines: tuple[Line, ...], covered: Covered | None) -> Resolved | None:
    for line in _newest(lines):
        if line.manifest.at > wanted:
            continue
        until = line.last_at
        if covered is not None and line.stretch.end >= covered.end:
            until = max(until, covered.at)
        if wanted > until:
            return None
        target = place_at(line.index, line.found, wanted, line.place)
        return _resolved(line, target, wanted, shown(wanted))
    return None


def _by_place(wanted: Lsn, lines: tuple[Line, ...]) -> Resolved | None:
    for line in _newest(lines):
        if line.place <= wanted and (wanted < line.stretch.end or wanted == line.place):
            commit = commit_before(line.index, line.found, wanted, line.place)
            at = commit.at if commit else line.manifest.at
            return _resolved(line, commit.lsn if commit else None, at, str(wanted))
    return None


def _by_name(wanted: str, lines: tuple[Line, ...]) -> Resolved | None:
    found: dict[str, Named] = {}
    for line in lines:
        found |= {one.lsn: one for one in line.named if wanted in {one.name, plain(one.name)}}
    if len(found) > 1:
        raise Refused(
            f"{len(found)} restore points are named {wanted}: at {', '.join(sorted(found))}",
            hint="Name one by its place in the WAL.",
        )
    for named in found.values():
        place = Lsn.parse(named.lsn)
        for line in _newest(lines):
            if line.place < place < line.stretch.end:
                return _resolved(line, place, named.after or line.manifest.at, wanted)
    return None


def _newest(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.manifest.at, reverse=True)


def _resolved(line: Line, target: Lsn | None, at: datetime, says: str) -> Resolved:
    return Resolved(
        manifest=line.manifest, target=target, timeline=line.timeline, at=at,
        says=f"backup {line.manifest.id} and its WAL up to {says}",
    )  # fmt: skip
