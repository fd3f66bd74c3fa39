"""Understand one entry of a log: JSON, key=value, the formats of web servers, or plain text."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from drillbook.ports.logs import LogLine
from drillbook.providers.logfile import keys
from drillbook.providers.logfile.times import in_plain_line, of_access_log, of_value

LONGEST_MESSAGE = 500
LONGEST_RAW = 2000
LONGEST_STACK = 8000
LONGEST_PATH = 500
_LONGEST_NAME = 100
_LONGEST_MILLISECONDS = 86_400_000.0

_COMBINED = re.compile(
    r"(?P<address>\S+) \S+ (?P<user>\S+) \[(?P<at>[^\]]+)\] "
    r'"(?:(?P<method>[A-Z]+) (?P<path>\S+)[^"]*|[^"]*)" (?P<status>\d{3}) '
)
_LEVEL = re.compile(
    r"\b(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRITICAL|CRIT|ALERT|EMERG(?:ENCY)?"
    r"|FATAL|PANIC|SEVERE|LOG|HINT|DETAIL|STATEMENT)\b",
    re.IGNORECASE,
)
_LEADING_LEVEL = re.compile(rf"[\[(<|]?\s*{_LEVEL.pattern}\s*[\])>|]?:?\s*", re.IGNORECASE)
_WORDS_FOR_LEVELS = {"err": "error", "crit": "critical", "emerg": "emergency", "severe": "error"}
# A level stands near the beginning; further on it is a word of the message.
_LEVEL_WITHIN = 60
_PAIR = re.compile(r'([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_FEWEST_PAIRS = 3
_UNITS = {"": None, "us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1000.0}
_DURATION = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,20})?(?:e-\d{1,2})?)\s*(?P<unit>us|µs|ms|s|)")
_STATUS = re.compile(r"[1-5]\d\d")

# Each key with what it tells and how far it is believed.
_FIELDS: dict[str, tuple[tuple[str, int], ...]] = {}
for _field in (
    "TIME", "STATUS", "LEVEL", "PATH", "MESSAGE", "METHOD", "RELEASE", "COMMIT", "DEPLOYMENT",
    "USER", "ADDRESS", "REGION", "REQUEST", "STACK",
):  # fmt: skip
    for _rank, _key in enumerate(getattr(keys, _field)):
        _FIELDS[_key] = (*_FIELDS.get(_key, ()), (_field, _rank))
_INNER = frozenset(keys.INNER)
_INNER_RANK = 100
_MOST_KEYS = 64


def read_line(text: str) -> LogLine | None:
    """Return what an entry says, or None when its form or its time is not understood."""
    head, _, rest = text.strip().partition("\n")
    if head.startswith("{"):
        line = _from_json(head)
        if line is None or not rest:
            return line
        return _with_stack(line, rest)
    line = _from_access_log(head) or _from_pairs(head) or _from_plain(head)
    return _with_stack(line, rest) if line and rest else line


def _with_stack(line: LogLine, rest: str) -> LogLine:
    stack = f"{line.stack}\n{rest}".strip("\n") if line.stack else rest
    values = {name: getattr(line, name) for name in LogLine.__slots__}
    return LogLine(**{**values, "stack": stack[-LONGEST_STACK:]})


def _from_json(text: str) -> LogLine | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _from_values(values, text) if isinstance(values, dict) else None


def _from_values(values: Mapping[str, object], text: str) -> LogLine | None:
    found = _found(values)
    at = of_value(found.get("TIME"))
    if at is None:
        return None
    said = found.get("MESSAGE")
    message = "" if said is None or isinstance(said, dict | list) else str(said)
    first, _, more = message.partition("\n")
    path = _text(found.get("PATH"), LONGEST_PATH)
    return LogLine(
        at=at,
        status=_status(found.get("STATUS")),
        level=_level_of(found.get("LEVEL")),
        path=path.partition("?")[0],
        message=first[:LONGEST_MESSAGE],
        method=_name(found.get("METHOD")).upper(),
        milliseconds=_milliseconds(values),
        release=_name(found.get("RELEASE")),
        commit=_name(found.get("COMMIT")),
        user=_name(found.get("USER")),
        address=_name(found.get("ADDRESS")).partition(",")[0],
        region=_name(found.get("REGION")),
        deployment=_name(found.get("DEPLOYMENT")),
        request=_name(found.get("REQUEST")),
        stack=(_text(found.get("STACK"), LONGEST_STACK) or more)[-LONGEST_STACK:],
        raw="" if message or path else text[:LONGEST_RAW],
    )


def _found(values: Mapping[str, object]) -> dict[str, object]:
    """Return what each field is told by: of several keys by the one that is believed most."""
    found: dict[str, object] = {}
    if len(values) <= _MOST_KEYS and dict not in map(type, values.values()):
        for name, told_by in _tellers(tuple(values)):
            for key in told_by:
                value = values[key]
                if value is not None:
                    found[name] = value
                    break
        return found
    ranks: dict[str, int] = {}
    for key, value, extra in _told(values):
        for name, rank in _FIELDS.get(key, ()):
            if value is not None and rank + extra < ranks.get(name, 1000):
                found[name], ranks[name] = value, rank + extra
    return found


@lru_cache(maxsize=256)  # the lines of one log have few sets of keys
def _tellers(told: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return which of these keys tell each field, the one that is believed most first."""
    by: dict[str, list[tuple[int, str]]] = {}
    for key in told:
        for name, rank in _FIELDS.get(key, ()):
            by.setdefault(name, []).append((rank, key))
    return tuple((name, tuple(key for _, key in sorted(many))) for name, many in by.items())


def _told(values: Mapping[str, object]) -> Iterator[tuple[str, object, int]]:
    """Give each key with its value, those of inner objects after the line's own."""
    for key, value in values.items():
        if type(value) is dict:
            if key in _INNER:
                for inner, its in value.items():
                    yield inner, its, _INNER_RANK
                    yield f"{key}.{inner}", its, _INNER_RANK
        else:
            yield key, value, 0


def _from_access_log(text: str) -> LogLine | None:
    match = _COMBINED.match(text)
    at = of_access_log(match["at"]) if match else None
    if match is None or at is None:
        return None
    return LogLine(
        at=at,
        status=int(match["status"]),
        path=(match["path"] or "").partition("?")[0][:LONGEST_PATH],
        method=match["method"] or "",
        address="" if match["address"] == "-" else match["address"][:_LONGEST_NAME],
        user="" if match["user"] == "-" else match["user"][:_LONGEST_NAME],
        raw=text[:LONGEST_RAW],
    )


def _from_pairs(text: str) -> LogLine | None:
    if text.count("=") < _FEWEST_PAIRS:
        return None
    pairs = {key: _unquoted(value) for key, value in _PAIR.findall(text)}
    if len(pairs) < _FEWEST_PAIRS:
        return None
    line = _from_values(pairs, text)
    if line is None or line.raw:
        return line
    return LogLine(
        **{**{name: getattr(line, name) for name in LogLine.__slots__}, "raw": text[:LONGEST_RAW]}
    )


def _unquoted(value: str) -> str:
    if value[:1] != '"':
        return value
    return value.strip('"').replace('\\"', '"').replace("\\\\", "\\")


def _from_plain(text: str) -> LogLine | None:
    timed = in_plain_line(text)
    if timed is None:
        return None
    at, rest, level = timed
    if leading := _LEADING_LEVEL.match(rest):
        level, rest = leading["level"], rest[leading.end() :]
    elif not level and (near := _LEVEL.search(rest, 0, _LEVEL_WITHIN)):
        level = near["level"] if _is_marked(rest, near) else ""
    message = rest.strip()
    return LogLine(
        at=at,
        level=_level_of(level),
        message=message[:LONGEST_MESSAGE],
        raw=text[:LONGEST_RAW],
    )


def _is_marked(text: str, level: re.Match[str]) -> bool:
    """Tell whether a word is a level and no word of a sentence: in capitals, or in brackets."""
    before, after = text[: level.start()][-1:], text[level.end() :][:1]
    return level["level"].isupper() or (before in "[<(|:" and after in "]>)|:" and bool(before))


def _level_of(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _level_of_number(value)
    word = _name(value).lower()
    return _WORDS_FOR_LEVELS.get(word, word)


def _level_of_number(value: int) -> str:
    """Return the level that pino, bunyan and Python mean by a number; else the number."""
    names = {10: "debug", 20: "debug", 30: "info", 40: "warning", 50: "error", 60: "fatal"}
    return names.get(value, str(value))


def _text(value: object, longest: int) -> str:
    if isinstance(value, list):
        return "\n".join(str(part) for part in value)[-longest:]
    return "" if value is None or isinstance(value, dict | bool) else str(value)[:longest]


def _name(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:_LONGEST_NAME]


def _status(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, int) or (isinstance(value, str) and _STATUS.fullmatch(value)):
        number = int(value)
        return number if 100 <= number <= 599 else 0  # noqa: PLR2004 - HTTP's statuses
    return 0


def _milliseconds(values: Mapping[str, object]) -> float | None:
    """Return how long the request took; a number that can be no such time is none."""
    for key, in_milliseconds in keys.DURATION.items():
        if key not in values:
            continue
        value = values[key]
        if type(value) is float or type(value) is int:
            length = float(value) * in_milliseconds
            return length if 0 <= length <= _LONGEST_MILLISECONDS else None
        found = _DURATION.fullmatch(_name(value))
        if found:
            unit = _UNITS[found["unit"]] or in_milliseconds
            length = float(found["number"]) * unit
            return length if length <= _LONGEST_MILLISECONDS else None
    return None
