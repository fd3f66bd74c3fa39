"""Wait for a platform: look again and again, first often, then seldom, and never too long."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic

from drillbook.core.effect import Deadline, Effect, deadline
from drillbook.core.errors import Refused
from drillbook.core.quantities import show_duration

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
SLOWER = 1.5
LONGEST = timedelta(hours=6)
LONGEST_WATCH = timedelta(hours=24)
CLOCKS_DIFFER = timedelta(minutes=1)


def looks(effect: Effect, within: timedelta, waits_for: str) -> Iterator[float]:
    """
    Yield the seconds waited so far, before each look; end when the time is over.

    There is a first look always, and a last one at the end. A run that is asked to stop is
    stopped here: looking changes nothing.
    """
    begun, pause, nap = monotonic(), FIRST_PAUSE_SECONDS, Event()
    while True:
        effect.still_mine()
        waited = monotonic() - begun
        yield waited
        if effect.cancel_asked():
            raise Refused(
                f"asked to stop while waiting for {waits_for}", hint="What was begun goes on."
            )
        left = within.total_seconds() - (monotonic() - begun)
        left = min(left, deadline.get().left(at_most=left)) if left > 0 else left
        if left <= 0 or deadline.get().left(at_most=1.0) <= FIRST_PAUSE_SECONDS:
            return
        nap.wait(min(pause, left))
        pause = min(pause * SLOWER, LONGEST_PAUSE_SECONDS)


def checked_length(name: str, length: timedelta) -> timedelta:
    """Return a length of time that can be waited; Refused says what is allowed."""
    if not timedelta(0) < length <= LONGEST:
        raise Refused(
            f"{name} is {show_duration(length)}, and must be over 0 s and at most 6h",
            hint=f"Write for example {name}=10m",
            again=False,
        )
    return length


def check_watch(**lengths: timedelta) -> None:
    """Refuse, by name, a length of time that nothing can be watched for."""
    for name, length in lengths.items():
        if not timedelta(0) < length <= LONGEST_WATCH:
            raise Refused(
                f"{name} is {show_duration(length)}, and must be over 0 s and at most 24h",
                hint=f"Write for example {name}=10m",
            )


def start_of_watch(since: datetime | None, now: datetime) -> datetime:
    """Return from when on to watch: since something happened, or now; Refused in the future."""
    if since is None:
        return now
    start = since.astimezone(UTC)
    if start > now + CLOCKS_DIFFER:
        raise Refused(
            f"since is {start.isoformat()}, which lies in the future",
            hint="Name the time of something that has happened: since=${applied.at}",
        )
    return min(start, now)


@contextmanager
def bounded(length: timedelta) -> Iterator[None]:
    """Let the calls made meanwhile end with this time, as with the task's own if that is sooner."""
    ends, before = datetime.now(UTC) + length, deadline.get()
    token = deadline.set(Deadline(ends if before.at is None else min(ends, before.at)))
    try:
        yield
    finally:
        deadline.reset(token)
