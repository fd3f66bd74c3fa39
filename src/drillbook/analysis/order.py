"""The order of migration files: by times, numbers or git; and which file takes which one back."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drillbook.core.migration_files import (
    Direction,
    MigrationFile,
    Order,
    OrderedBy,
    Refusal,
    RefusalKind,
    SourceFile,
    SourceFolder,
)

Version = tuple[int, ...]

_DOWN_WORDS = r"down|undo|rollback|revert"
_UP_WORDS = r"up|deploy|forward"
_SUFFIX = re.compile(rf"^(?P<stem>.+?)[._-](?P<word>{_DOWN_WORDS}|{_UP_WORDS})$", re.IGNORECASE)
_WHOLE = re.compile(rf"^(?:{_DOWN_WORDS}|{_UP_WORDS}|migration|migrate)$", re.IGNORECASE)
_IS_DOWN = re.compile(rf"^(?:{_DOWN_WORDS})s?$", re.IGNORECASE)
_IS_UP = re.compile(rf"^(?:{_UP_WORDS})s?$", re.IGNORECASE)
_BESIDE = re.compile(r"^(?:verify|seeds?|tests?|snippets?|archive[d]?)$", re.IGNORECASE)
_FLYWAY = re.compile(r"^(?P<word>[VU])(?P<number>\d+(?:[._]\d+)*)__(?P<rest>.+)$")
_REPEATED = re.compile(r"^R__.+$")
_DATED = re.compile(r"^(\d{4})[-_](\d{2})[-_](\d{2})(?:[-_T]?(\d{2,6}(?:[-_]\d{2}){0,2}))?(?=\D|$)")
_NUMBERED = re.compile(r"^(?:V|v)?(\d+(?:\.\d+)*)(?=\D|$)")
_AFTER_DAY = re.compile(r"^[_-](\d{1,4})(?=[_-])")
_BOTH = re.compile(
    r"^\s*--\s*(\+goose|migrate:|rambler|\+migrate)\s*:?\s*down\b", re.IGNORECASE | re.MULTILINE
)
DAY_DIGITS, MINUTE_DIGITS, SECOND_DIGITS = 8, 12, 14


@dataclass(frozen=True, slots=True)
class Named:
    """What a path says: the migration it belongs to, its direction, and where that one stands."""

    name: str
    direction: Direction
    version: Version
    written: str


def named(path: str) -> Named:
    """Read a path: `001_x.sql`, `x.down.sql`, `down/x.sql`, `2024…_x/up.sql`, `V1__x.sql`."""
    folders, _, file = path.rpartition("/")
    stem = file.removesuffix(".sql")
    places = folders.split("/") if folders else []
    direction, kept = Direction.UP, []
    for place in places:
        if _IS_DOWN.match(place):
            direction = Direction.DOWN
        elif _BESIDE.match(place):
            direction = Direction.NEITHER
        elif not _IS_UP.match(place):
            kept.append(place)
    if _WHOLE.match(stem) and kept:
        direction = Direction.DOWN if _IS_DOWN.match(stem) else direction
        name = "/".join(kept)
    else:
        stem, direction = _own_direction(stem, direction)
        name = "/".join([*kept, stem])
    version, written = version_of(name.rpartition("/")[2])
    return Named(name, direction, version, written)


def version_of(name: str) -> tuple[Version, str]:
    """Return what orders a name, and the digits as written; empty when it carries nothing."""
    flyway = _FLYWAY.match(name)
    if flyway is not None:
        written = flyway["number"]
        return tuple(int(part) for part in re.split(r"[._]", written)), written
    dated = _DATED.match(name)
    if dated is not None:
        digits = re.sub(r"\D", "", dated[0])
        return _moment(digits, name[dated.end() :]), dated[0]
    numbered = _NUMBERED.match(name)
    if numbered is None:
        return (), ""
    written = numbered[1]
    is_day = len(written) in {DAY_DIGITS, MINUTE_DIGITS} and written[:2] in {"19", "20"}
    if is_day and "." not in written:
        return _moment(written, name[numbered.end() :]), written
    return tuple(int(part) for part in written.split(".")), written


def _moment(digits: str, rest: str) -> Version:
    """Return a time to the second; the number after a day counts within it."""
    moment = int(digits.ljust(SECOND_DIGITS, "0"))
    counted = _AFTER_DAY.match(rest) if len(digits) == DAY_DIGITS else None
    return (moment, int(counted[1])) if counted else (moment,)


def ordered(folder: SourceFolder) -> Order:
    """Put the migrations of a folder in order and pair each with its way back."""
    ups, downs, beside = _sorted_out(folder.files)
    migrations = [_migration(name, file, downs.get(name)) for name, file in ups.items()]
    refusals = [
        Refusal(
            kind=RefusalKind.NO_UP,
            name=file.path,
            says=f"{file.path} takes back a migration that is not there",
        )
        for name, file in downs.items()
        if name not in ups
    ]
    refusals += [_both(m) for m in migrations if _BOTH.search(m.text)]
    numbers = {m.name: named(m.path).version for m in migrations}
    if all(numbers.values()):
        migrations.sort(key=lambda m: (numbers[m.name], m.name))
        refusals += _duplicates(migrations, numbers)
        by, says = OrderedBy.NAMES, f"ordered by {OrderedBy.NAMES}"
    else:
        arrived = {file.path: file.arrived for file in folder.files}
        # What git has not seen yet comes after everything it has.
        last = max(arrived.values(), default=0) + 1
        migrations.sort(key=lambda m: (arrived[m.path] or last, numbers[m.name], m.name))
        by, says, more = _by_history(folder, migrations, numbers)
        refusals += more
    return Order(
        by=by,
        says=says,
        migrations=tuple(migrations),
        refusals=tuple(refusals),
        left_out=tuple(file.path for file in beside),
    )


def _own_direction(stem: str, direction: Direction) -> tuple[str, Direction]:
    flyway = _FLYWAY.match(stem)
    if flyway is not None:
        is_undo = flyway["word"] == "U"
        return f"V{stem[1:]}", Direction.DOWN if is_undo else direction
    if _REPEATED.match(stem):
        return stem, Direction.NEITHER
    found = _SUFFIX.match(stem)
    if found is None:
        return stem, direction
    is_down = _IS_DOWN.match(found["word"]) is not None
    return found["stem"], Direction.DOWN if is_down else direction


def _sorted_out(
    files: Iterable[SourceFile],
) -> tuple[dict[str, SourceFile], dict[str, SourceFile], list[SourceFile]]:
    ups: dict[str, SourceFile] = {}
    downs: dict[str, SourceFile] = {}
    beside: list[SourceFile] = []
    for file in sorted(files, key=lambda file: file.path):
        read = named(file.path)
        group = {Direction.UP: ups, Direction.DOWN: downs}.get(read.direction)
        if group is None:
            beside.append(file)
        else:
            # Of two files for one name (x.sql and up/x.sql) the second stands for itself.
            group[read.name if read.name not in group else file.path] = file
    return ups, downs, beside


def _migration(name: str, file: SourceFile, down: SourceFile | None) -> MigrationFile:
    last = file.path.rpartition("/")[2]
    is_folder = _WHOLE.match(last.removesuffix(".sql")) is not None
    return MigrationFile(
        name=name.rpartition("/")[2] if is_folder else last,
        version=named(file.path).written,
        path=file.path,
        sha256=file.sha256,
        text=file.text,
        down=down,
    )


def _both(migration: MigrationFile) -> Refusal:
    return Refusal(
        kind=RefusalKind.BOTH_WAYS,
        name=migration.name,
        says=f"{migration.path} holds its own way back below a comment: applied as it is, it would "
        "undo itself; split it into two files",
    )


def _duplicates(
    migrations: Iterable[MigrationFile], numbers: dict[str, Version]
) -> Iterator[Refusal]:
    by_number: dict[Version, list[str]] = defaultdict(list)
    for migration in migrations:
        by_number[numbers[migration.name]].append(migration.name)
    for names in by_number.values():
        if len(names) > 1:
            yield Refusal(
                kind=RefusalKind.DUPLICATE,
                name=names[-1],
                says=f"{' and '.join(names)} carry the same number: which comes first is not told",
            )


def _by_history(
    folder: SourceFolder, migrations: list[MigrationFile], numbers: dict[str, Version]
) -> tuple[OrderedBy, str, list[Refusal]]:
    without = [m.name for m in migrations if not numbers[m.name]]
    if folder.no_history:
        says = (
            f"the name of {without[0]} carries no order ({len(without)} of {len(migrations)} "
            f"names), and git tells none: {folder.no_history}"
        )
        refusal = Refusal(kind=RefusalKind.NO_ORDER, name=without[0], says=says)
        return OrderedBy.NOTHING, says, [refusal] if len(migrations) > 1 else []
    arrived = {file.path: (file.arrived, file.commit) for file in folder.files}
    together = Counter(arrived[m.path] for m in migrations)
    refusals: list[Refusal] = []
    for (_, commit), count in together.items():
        names = [m.name for m in migrations if arrived[m.path][1] == commit]
        told = len({numbers[name] for name in names}) == count and all(numbers[n] for n in names)
        if count > 1 and not told:
            where = f"came with one commit, {commit[:12]}" if commit else "are not committed"
            says = f"{' and '.join(names)} {where}: which comes first is not told"
            refusals.append(Refusal(kind=RefusalKind.NO_ORDER, name=names[-1], says=says))
    return OrderedBy.HISTORY, f"ordered by {OrderedBy.HISTORY}", refusals
