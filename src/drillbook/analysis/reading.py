"""What a migration file is, in words; the grammar is loaded only when a file is read."""

from dataclasses import dataclass

from drillbook.core.errors import Refused
from drillbook.core.files import File


@dataclass(frozen=True, slots=True)
class Reading:
    """A migration file taken apart; every sentence names its line."""

    statements: int
    problems: tuple[str, ...]
    transactional: bool
    non_transactional: tuple[str, ...]
    destructive: tuple[str, ...]
    dangers: tuple[str, ...]
    tables: tuple[str, ...]


def read(file: File) -> Reading:
    """Take a file apart by the server's own grammar."""
    from drillbook.analysis.changes import reading_of  # noqa: PLC0415 - costs 0.25 s, seldom needed

    return reading_of(file)


def refuse_broken(file: File) -> Reading:
    """Take a file apart, or refuse it with its first problem."""
    reading = read(file)
    if reading.problems:
        more = f" (and {len(reading.problems) - 1} more)" if len(reading.problems) > 1 else ""
        raise Refused(
            f"{reading.problems[0]}{more}; nothing was changed",
            hint="See all problems: drillbook do migration.check file=…",
        )
    return reading
