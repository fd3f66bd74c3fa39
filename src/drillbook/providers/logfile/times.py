"""The times that stand in logs, in the forms that are common."""

import math
import re
from datetime import UTC, datetime, timedelta

_MILLISECONDS_FROM = 1e11
_MICROSECONDS_FROM = 1e14
_LATEST = 4e9
_DAY = timedelta(days=1)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_ISO = re.compile(
    r"\[?(?P<at>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) ?"
    r"(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?\]?"
)
_SLASHES = re.compile(
    r"(?P<year>\d{4}|\d\d)/(?P<month>\d\d)/(?P<day>\d\d)[ T]"
    r"(?P<time>\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)"
)
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?:\.\d+)? "
)
_APACHE = re.compile(
    r"\[(?:[A-Z][a-z]{2} )?(?P<month>[A-Z][a-z]{2}) (?P<day>\d\d) "
    r"(?P<time>\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?P<year>\d{4})\]"
)
_KLOG = re.compile(
    r"(?P<level>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<time>\d\d:\d\d:\d\d\.\d{1,6})\s+\d+ "
)
_KLOG_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_EPOCH = re.compile(r"\[?(?P<seconds>1\d{9}(?:\.\d{1,9})?|1\d{12})\]?[ \t]")
Timed = tuple[datetime, str, str]


def of_value(value: object) -> datetime | None:
    """Return the time a value of JSON means; a text without zone is of this machine."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _of_number(float(value))
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        found = in_plain_line(f"{value} ")
        return found[0] if found else None
    # The file is on this machine, so a time without zone is this machine's.
    return at.astimezone() if at.tzinfo is None else at


def of_access_log(text: str) -> datetime | None:
    """Return the time of a web server's access log."""
    try:
        day, hour = text[:11], text[12:]
        clock, _, zone = hour.partition(" ")
        written = f"{day[7:11]}-{_MONTHS[day[3:6]]:02}-{day[:2]}T{clock}{zone}"
        at = datetime.fromisoformat(written)
    except (ValueError, KeyError):
        return None
    return at if at.tzinfo else None


def in_plain_line(text: str) -> Timed | None:
    """Return the time a line begins with, what follows it, and the level if the time names it."""
    try:
        return _iso(text) or _other(text)
    except (ValueError, KeyError, OverflowError):
        return None


def _iso(text: str) -> Timed | None:
    match = _ISO.match(text)
    if match is None:
        return None
    zone = {"UTC": "Z", "GMT": "Z", None: ""}.get(match["zone"], match["zone"] or "")
    at = datetime.fromisoformat(match["at"].replace(",", ".") + zone)
    return _zoned(at), text[match.end() :].lstrip(), ""


def _other(text: str) -> Timed | None:
    if match := _SLASHES.match(text):
        year = match["year"] if len(match["year"]) == len("2026") else f"20{match['year']}"
        clock = match["time"].replace(",", ".")
        at = datetime.fromisoformat(f"{year}-{match['month']}-{match['day']}T{clock}")
        return _zoned(at), text[match.end() :].lstrip(), ""
    if match := _SYSLOG.match(text):
        return _this_year(_MONTHS[match["month"]], match), text[match.end() :], ""
    if match := _APACHE.match(text):
        month = _MONTHS[match["month"]]
        at = datetime.fromisoformat(f"{match['year']}-{month:02}-{match['day']}T{match['time']}")
        return _zoned(at), text[match.end() :].lstrip(), ""
    if match := _KLOG.match(text):
        level = _KLOG_LEVELS[match["level"]]
        return _this_year(int(match["month"]), match), text[match.end() :], level
    if match := _EPOCH.match(text):
        counted = _of_number(float(match["seconds"]))
        return (counted, text[match.end() :], "") if counted else None
    return None


def _this_year(month: int, match: re.Match[str]) -> datetime:
    """Return a time written without its year: the latest such one that is not to come."""
    now = datetime.now().astimezone()
    day = int(match["day"])
    at = _zoned(datetime.fromisoformat(f"{now.year}-{month:02}-{day:02}T{match['time']}"))
    if at <= now + _DAY:
        return at
    return _zoned(datetime.fromisoformat(f"{now.year - 1}-{month:02}-{day:02}T{match['time']}"))


def _zoned(at: datetime) -> datetime:
    return at.astimezone() if at.tzinfo is None else at


def _of_number(value: float) -> datetime | None:
    if not math.isfinite(value):
        return None
    if value > _MICROSECONDS_FROM:
        value /= 1_000_000
    elif value > _MILLISECONDS_FROM:
        value /= 1000
    return datetime.fromtimestamp(value, UTC) if 0 < value < _LATEST else None
