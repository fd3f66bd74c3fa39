"""A look at what is in the way before a lock is asked for: waited for, but not queued behind."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from drillbook.analysis.touching import Mode, conflicts
from drillbook.core.effect import Effect, deadline
from drillbook.ports.database import Blocker
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session
from drillbook.providers.postgres.waiting import AT_ONCE, prepared

EVERY_SECONDS = 0.1
SOON_SECONDS = 0.02
IDLE_SECONDS = 0.1  # an app between two statements of a transaction is back sooner
RESERVE_SECONDS = 1.0


@dataclass
class Patience:
    """
    How long a migration may still wait for transactions of others, over all its tries.

    Who asks for a lock that is held for long stops everybody who comes after, so a try is made
    only when nobody holds in a long transaction what the unit needs.
    """

    session: Session
    effect: Effect
    left_seconds: float
    lock_timeout_seconds: float
    waited_for: str = ""
    waited_seconds: float = 0.0
    _seen: dict[tuple[int, str], float] = field(default_factory=dict)
    _young: set[tuple[int, str]] | None = None

    def until_free(self, wanted: Mapping[str, Mode], says: str) -> tuple[Blocker, ...]:
        """Wait until nothing long is in the way; return who still is when patience is over."""
        self._seen, self._young, self.waited_for = {}, None, ""
        if not wanted:
            return ()
        began = time.monotonic()
        most = min(self.left_seconds, max(0.0, self._deadline() - RESERVE_SECONDS))
        while True:
            blockers, unsure = self._in_the_way(wanted)
            waited = time.monotonic() - began
            if not blockers and (not unsure or waited >= most):
                self.left_seconds -= waited
                return ()
            self.waited_seconds = min(waited, most)
            if blockers and (waited >= most or self.effect.cancel_asked()):
                self.left_seconds = max(0.0, self.left_seconds - waited)
                return blockers
            if blockers:
                self.waited_for = named(blockers)
                told = f"{says} waits for {self.waited_for} to end, {waited:.0f} of {most:.0f} s"
                self.effect.progress(f"{told}; nobody is made to wait for it", None)
            # Postgres tells nobody when a transaction ends.
            time.sleep(EVERY_SECONDS if blockers else SOON_SECONDS)

    def _in_the_way(self, wanted: Mapping[str, Mode]) -> tuple[tuple[Blocker, ...], bool]:
        """Return who holds for long what is wanted, and whether some may turn out to."""
        pairs = [(name, mode) for name, lock in wanted.items() for mode in conflicts(lock)]
        values = {
            "names": [name for name, _ in pairs],
            "modes": [mode.server_name for _, mode in pairs],
        }
        rows = self.session.execute(query("applying", "in_the_way"), values).fetchall()
        now = time.monotonic()
        there = {(row[0] or 0, str(row[1])) for row in rows}
        self._seen = {key: self._seen.get(key, now) for key in there}
        young = set()
        pids: list[int | None] = []
        for pid, transaction, open_seconds, idle_seconds in rows:
            key = (pid or 0, str(transaction))
            age = max(open_seconds or 0.0, now - self._seen[key])
            if pid is None or age >= self.lock_timeout_seconds or idle_seconds >= IDLE_SECONDS:
                pids.append(pid)
            else:
                young.add(key)
        # Whoever the first look finds ends soon or turns out to last; those after it are the
        # app's usual traffic, which a try gets past.
        self._young = young if self._young is None else self._young & young
        known = [pid for pid in pids if pid is not None]
        blockers = describe(self.session, dict.fromkeys(known, 0)) if known else ()
        return blockers + (prepared(self.session) if None in pids else ()), bool(self._young)

    def _deadline(self) -> float:
        return deadline.get().left(at_most=self.left_seconds + RESERVE_SECONDS)


def named(blockers: tuple[Blocker, ...]) -> str:
    """Return sessions in one phrase."""
    more = f" and {len(blockers) - AT_ONCE} more" if len(blockers) > AT_ONCE else ""
    return " and ".join(blocker.says for blocker in blockers[:AT_ONCE]) + more
