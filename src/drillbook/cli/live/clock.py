"""Times and durations for people: local, short, and with their unit."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def local(at: datetime, *, now: datetime | None = None) -> str:
    """Return a time on this machine's clock, with its date when it is another day."""
    here = at.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return f"{here:%H:%M:%S}" if here.date() == today else f"{here:%Y-%m-%d %H:%M:%S}"


def lasted(seconds: float) -> str:
    """Return seconds as `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min` or `3 d 4 h`."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth still says something
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    for unit, small, size, below in (
        ("min", "s", MINUTE, HOUR),
        ("h", "min", HOUR, DAY),
        ("d", "h", DAY, float("inf")),
    ):
        if seconds < below:
            whole, rest = divmod(seconds, size)
            step = {"s": 1.0, "min": MINUTE, "h": HOUR}[small]
            part = int(rest // step)
            return f"{whole:.0f} {unit}" + (f" {part} {small}" if part else "")
    return f"{seconds:.0f} s"
