"""Recover a physical copy to one place in its WAL, and prove that recovery stopped there."""

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Damaged, DrillbookError, Failed, Unavailable
from drillbook.core.process_identity import wait_until_gone
from drillbook.core.quantities import show_size
from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.scratch import LONGEST_SECONDS, ScratchRoom, ScratchServer

LOOK_SECONDS = 0.05
END_SECONDS = 20.0
PROMOTE_SECONDS = 600
_STOPPED = re.compile(
    r"recovery stopping (after|before) (?:WAL location \(LSN\) \"([0-9A-F/]+)\"|(reaching consist))"
)
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "recovery ended before configured recovery target was reached",
        "its WAL ends before the point",
        "Choose an earlier point, or see which segments the archive lacks: backup.points.",
    ),
    (
        "requested recovery stop point is before consistent recovery point",
        "the point lies before the end of the backup",
        "Choose an earlier backup or a later point.",
    ),
    (
        "different database system",
        "WAL of another cluster lies in the archive",
        "Give each cluster an archive of its own.",
    ),
    ("has wrong size", "a WAL segment in the archive is cut short", "Choose an earlier point."),
    (
        "invalid checkpoint record",
        "the WAL it starts from is missing or damaged",
        "Take the backup before it.",
    ),
    (
        "could not locate required checkpoint record",
        "the WAL it starts from is missing or damaged",
        "Take the backup before it.",
    ),
    ("No space left on device", "the disk is full", "Free space where scratch servers are made."),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where recovery stops: after the record that starts at `lsn`, or as soon as it can (None)."""

    begins: Lsn
    lsn: Lsn | None
    timeline: int

    @property
    def says(self) -> str:
        """The place in words."""
        return f"WAL place {self.lsn}" if self.lsn is not None else "the end of the backup"

    def settings(self, archive: Path | None) -> dict[str, str]:
        """Return the settings that make a server recover to here and wait."""
        # Without an archive all WAL lies in the copy itself; false says "not here" at once.
        fetch = "false"
        if archive is not None:
            fetch = f"cp {shlex.quote(str(archive).replace('%', '%%'))}/%f %p"
        where = (
            {"recovery_target": "immediate"}
            if self.lsn is None
            else {"recovery_target_lsn": str(self.lsn), "recovery_target_inclusive": "on"}
        )
        return where | {
            "restore_command": fetch,
            "recovery_target_action": "pause",
            "recovery_target_timeline": str(self.timeline),
            "lc_messages": "C",
        }


@contextmanager
def recovered(
    room: ScratchRoom,
    effect: Effect,
    data: Path,
    target: Target,
    *,
    server_major: int,
    superuser: str,
    archive: Path | None,
    settings: dict[str, str] | None = None,
) -> Iterator[ScratchServer]:
    """
    Run a physical copy, recovered to a place in its WAL and open for writing.

    The data is taken over. Errors name why recovery could not reach that place.
    """
    opened = room.from_data(
        effect, data, server_major, superuser=superuser, settings=settings,
        recovery=target.settings(archive),
    )  # fmt: skip
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(opened)
        except (Failed, Unavailable) as error:
            raise _explained(str(error), target) from error
        _follow(scratch, target, effect)
        _check_stop(scratch, target)
        _open(scratch)
        yield scratch


def _follow(scratch: ScratchServer, target: Target, effect: Effect) -> None:
    """Tell how far recovery is, until it waits at its target."""
    until = time.monotonic() + deadline.get().left(at_most=LONGEST_SECONDS)
    began = time.monotonic()
    try:
        with scratch.server.session(at_most=LONGEST_SECONDS) as session:
            while True:
                row = session.execute(query("physical", "recovery")).fetchone()
                if row is None or row[0] == "paused":
                    return
                effect.still_mine()
                _tell(effect, target, Lsn.parse(str(row[1])), time.monotonic() - began)
                if time.monotonic() > until:
                    raise Failed(
                        f"recovery to {target.says} was not done in the time the task has",
                        hint="Give the task a longer timeout, or choose a later backup.",
                    )
                time.sleep(LOOK_SECONDS)  # Postgres tells nobody how far it has replayed
    except Unavailable as error:
        # A target that is not reached ends the server under our session.
        running = scratch.running.identity()
        if running is None or wait_until_gone(running, END_SECONDS):
            raise _explained(_log_of(scratch), target) from error
        raise


def _tell(effect: Effect, target: Target, at: Lsn, seconds: float) -> None:
    if target.lsn is None:
        return
    done, of = at.at - target.begins.at, max(1, target.lsn.at - target.begins.at)
    share = max(0.0, min(1.0, done / of))
    left = f", about {seconds / share * (1 - share):.0f} s left" if share else ""
    effect.progress(f"replayed {show_size(max(0, done))} of {show_size(of)} of WAL{left}", share)


def _check_stop(scratch: ScratchServer, target: Target) -> None:
    """Make sure that recovery stopped where it was told to: its exit code does not say."""
    stops = _STOPPED.findall(_log_of(scratch))
    if len(stops) == 1:
        side, lsn, consistent = stops[0]
        if target.lsn is None and consistent:
            return
        if side == "after" and lsn and target.lsn == Lsn.parse(lsn):
            return
    raise Damaged(
        f"recovery was to stop at {target.says} and did not (it says: {stops or 'nothing'})",
        hint="Do not use what came out; choose another backup.",
    )


def _open(scratch: ScratchServer) -> None:
    with scratch.server.session(at_most=PROMOTE_SECONDS) as session:
        row = session.execute(query("physical", "promote"), {"seconds": PROMOTE_SECONDS}).fetchone()
    if row is None or not row[0]:
        raise Unavailable(
            f"the recovered server did not open within {PROMOTE_SECONDS} s",
            hint=f"Its own words: {_log_of(scratch)[-300:]}",
        )


def _log_of(scratch: ScratchServer) -> str:
    return scratch.running.log.read_text(encoding="utf-8", errors="replace")


def _explained(said: str, target: Target) -> DrillbookError:
    for words, reason, hint in _REASONS:
        if words in said:
            return Damaged(f"{target.says} cannot be reached: {reason}", hint=hint)
    fatal = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
    return Failed(
        f"recovery to {target.says} failed: {(fatal or said.splitlines() or ['no words'])[-1]}",
        hint="The words are the server's own.",
    )
