"""The lookout as a service: reads and probes in threads of their own, one process a home."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic, thread_time

from drillbook.core.errors import DrillbookError, Refused
from drillbook.core.secret import scrub
from drillbook.watch.incidents import says_error
from drillbook.watch.lookout import Event, Lookout, Told
from drillbook.watch.measuring import Sight

LOCK = "lookout.lock"
KEPT = "lookout"
# Of one core, each environment's reader and the looks may use so much; then they come less often.
MOST_OF_A_CORE = 0.04
LONGEST_NAP_SECONDS = 30.0
KEEP_EVERY_SECONDS = 10.0


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the home's lock as its only lookout; the kernel gives it back when the process ends."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise Refused(
                f"a lookout watches already from {home} (pid {file.read().strip() or 'unknown'})",
                hint="See what it sees: drillbook signals",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def is_watching(home: Path) -> bool:
    """Whether a lookout of this home lives."""
    path = home / LOCK
    if not path.exists():
        return False
    with path.open("r", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def watch(
    lookout: Lookout, tell: Told, stop: Flag, *, every: timedelta, probe_every: timedelta
) -> None:
    """Watch until `stop`: each environment read and probed beside, all symptoms looked at here."""
    restore(lookout)
    for event in lookout.leave_gone(datetime.now(UTC)):
        tell(event)
    threads = [
        *(_thread(_reading, sight, stop, every) for sight in lookout.sights.values()),
        *(_thread(_probing, sight, stop, probe_every) for sight in lookout.sights.values()),
    ]
    kept_at, trouble = monotonic() - KEEP_EVERY_SECONDS, ""
    try:
        while not stop.is_set():
            used = thread_time()
            before = trouble
            try:
                events = lookout.look(datetime.now(UTC))
                for event in events:
                    tell(event)
                if events or monotonic() - kept_at >= KEEP_EVERY_SECONDS:
                    keep(lookout)
                    kept_at = monotonic()
                trouble = ""
            except DrillbookError as error:  # a lookout that ends looks like one that sees nothing
                trouble = says_error(error)
            if trouble != before:
                now, kind = datetime.now(UTC), "trouble" if trouble else "recovered"
                tell(Event(kind, now, trouble or "incidents are kept again"))
            stop.wait(_nap(thread_time() - used, every))
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)


def _thread(
    work: Callable[[Sight, Flag, timedelta], None], sight: Sight, stop: Flag, every: timedelta
) -> Thread:
    thread = Thread(target=work, args=(sight, stop, every), daemon=True)
    thread.start()
    return thread


def _reading(sight: Sight, stop: Flag, every: timedelta) -> None:
    while sight.reader is not None and not stop.is_set():
        used = thread_time()
        try:
            sight.reader.read(datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - what nobody foresaw must not end the reading
            said = scrub(f"{type(error).__name__}: {error}")
            sight.reader.problem = f"the log cannot be read: {said}"
        stop.wait(_nap(thread_time() - used, every))


def _probing(sight: Sight, stop: Flag, every: timedelta) -> None:
    while sight.probes is not None and not stop.is_set():
        begun = monotonic()
        with suppress(Exception):  # no probe was sent, which is unknown; the next one may be
            sight.probes.send(datetime.now(UTC))
        stop.wait(max(0.0, every.total_seconds() - (monotonic() - begun)))


def _nap(used_seconds: float, every: timedelta) -> float:
    """Return how long to rest, so that a busy log costs no more than its part of a core."""
    return min(LONGEST_NAP_SECONDS, max(every.total_seconds(), used_seconds / MOST_OF_A_CORE))


def keep(lookout: Lookout) -> None:
    """Keep what the next lookout must know, what is not usual, and what `signals` may show."""
    lookout.incidents.keep(
        KEPT,
        {
            "at": datetime.now(UTC).isoformat(),
            "pid": os.getpid(),
            "bad": {name: sight.bad() for name, sight in lookout.sights.items()},
            "symptoms": {
                key: {
                    "standing": str(look.standing),
                    "since": look.since.isoformat() if look.since else None,
                    "says": look.says,
                }
                for key, look in lookout.looks.items()
            },
        },
    )


def restore(lookout: Lookout) -> None:
    """Leave out of the usual what an earlier lookout saw raised."""
    kept = lookout.incidents.kept(KEPT)
    if not isinstance(kept, dict):
        return
    for name, sight in lookout.sights.items():
        sight.leave_out(kept.get("bad", {}).get(name, {}))
