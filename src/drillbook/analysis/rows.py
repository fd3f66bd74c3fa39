"""Rows per table then and now: what differs, and what was lost or written since."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


class Contents(Protocol):
    """Rows and checksum of one table; equal methods give comparable checksums."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    @property
    def checksum(self) -> str:
        """The sum over all rows; empty when they were only counted."""
        ...

    @property
    def method(self) -> str:
        """How the checksum was taken."""
        ...


@dataclass(frozen=True, slots=True)
class RowChanges:
    """Tables whose row counts differ; a table that is gone has 0 rows, a new one had 0."""

    tables: int
    more: dict[str, int]
    fewer: dict[str, int]

    @property
    def different(self) -> int:
        """How many tables differ."""
        return len(self.more) + len(self.fewer)


def changes(then: Mapping[str, int], now: Mapping[str, int]) -> RowChanges:
    """Compare counts by table."""
    names = sorted({*then, *now})
    by = {name: now.get(name, 0) - then.get(name, 0) for name in names}
    return RowChanges(
        tables=len(names),
        more={name: count for name, count in by.items() if count > 0},
        fewer={name: -count for name, count in by.items() if count < 0},
    )


def content_differences(
    then: Mapping[str, Contents], now: Mapping[str, Contents], *, leaving_out: Collection[str] = ()
) -> tuple[str, ...]:
    """Return a sentence for each table whose rows differ; `leaving_out` names tables not told."""
    names = sorted({*then, *now} - set(leaving_out))
    said = (_difference(name, then.get(name), now.get(name)) for name in names)
    return tuple(sentence for sentence in said if sentence)


def _difference(name: str, then: Contents | None, now: Contents | None) -> str:
    before, after = then.rows if then else 0, now.rows if now else 0
    if before != after:
        return f"{name} has {abs(after - before)} rows {'more' if after > before else 'fewer'}"
    if then is None or now is None or not then.checksum or not now.checksum:
        return ""
    if then.method != now.method:
        return f"{name} has columns of other types, so that its rows cannot be compared"
    return "" if then.checksum == now.checksum else f"{name} has other rows, {after} as before"
