"""Which place in the WAL holds exactly what a snapshot sees."""

from collections.abc import Iterable
from dataclasses import dataclass

from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.physical.wal import Commit

XIDS = 1 << 32


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`pg_current_snapshot()`: all below `ends` that is not `running` has ended."""

    ends: int
    running: frozenset[int]

    @classmethod
    def parse(cls, written: str) -> "Snapshot":
        """Read `10:20:10,14,15`."""
        _, ends, running = written.split(":")
        return cls(int(ends), frozenset(int(xid) for xid in running.split(",") if xid))

    def sees(self, xid: int) -> bool:
        """Tell whether a committed transaction of this 32-bit number is visible."""
        full = self._full(xid)
        return full < self.ends and full not in self.running

    def _full(self, xid: int) -> int:
        # WAL writes the low 32 bits; of the numbers with those bits the nearest one is meant.
        full = (self.ends - self.ends % XIDS) + xid
        if full - self.ends > XIDS // 2:
            return full - XIDS
        return full + XIDS if self.ends - full > XIDS // 2 else full


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a snapshot sees of a row of commits; `last` is None when it sees none of them."""

    whole: bool
    last: Lsn | None


def visible_prefix(commits: Iterable[Commit], snapshot: Snapshot) -> Prefix:
    """
    Tell whether the commits that a snapshot sees come first, and which is the last of them.

    Commits become visible in another order than they are written. Only where both orders agree
    does a server that is recovered to the last visible commit hold exactly what was seen.
    """
    last: Lsn | None = None
    hidden = False
    for commit in commits:
        if not snapshot.sees(commit.xid):
            hidden = True
        elif hidden:
            return Prefix(whole=False, last=None)
        else:
            last = commit.lsn
    return Prefix(whole=True, last=last)
