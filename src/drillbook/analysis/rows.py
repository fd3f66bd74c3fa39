"""Rows per table then and now: what differs, and what was lost or written since."""

from collections.abc import Mapping
from dataclasses import dataclass


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
