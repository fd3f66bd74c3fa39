"""Which tables others use right now: two looks at the server's own counters."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server


@dataclass(frozen=True, slots=True)
class Usage:
    """How often each table was read or written since the counters began, and when that was seen."""

    counts: Mapping[str, int]
    seen: float


def usage(server: Server) -> Usage:
    """Look at the counters; what we tried ourselves is in them, so try on a copy meanwhile."""
    with server.session() as session:
        rows = session.execute(query("behaviour", "usage")).fetchall()
    return Usage({str(name): int(count) for name, count in rows}, time.monotonic())


def used_between(earlier: Usage, later: Usage) -> dict[str, str]:
    """Return the tables that were used between two looks, with how often in words."""
    seconds = later.seen - earlier.seen
    return {
        name: f"{more} times in {seconds:.0f} s"
        for name, count in later.counts.items()
        if (more := count - earlier.counts.get(name, count)) > 0
    }
