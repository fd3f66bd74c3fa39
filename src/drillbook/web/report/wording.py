"""Values in words that are safe to show: cut, and with nothing invisible in them."""

import json
import re
import unicodedata
from datetime import UTC, datetime

from pydantic import JsonValue

from drillbook.core.quantities import show_size
from drillbook.web.report.report import Grid, Shown, Value

LONGEST_VALUE = 1_000
LONGEST_CELL = 200
MOST_VALUES = 60
MOST_GRID_ROWS = 40
MOST_GRID_COLUMNS = 8
MANY = 7
DIGEST = re.compile(r"[0-9a-f]{16,128}")
CONTROL_PICTURES = 0x2400
DELETE, DELETE_PICTURE = 0x7F, "\u2421"
MINUTE, HOUR, DAY = 60, 3600, 86400
MILLISECOND = 0.001
# Below these the rounded figure does not yet read 1000 ms, 10.00 s or 60.0 s.
WHOLE_MILLISECONDS, FINE, COARSE = 0.9995, 9.995, 59.95
_SUSPECT = re.compile(r"[^\t\n\x20-\x7e]")
_HIDDEN_KINDS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# A zero-width joiner and variation selectors make up emoji and scripts; alone they do no harm.
_JOINERS = {"\u200d", "\u200c"}


def visible(text: str) -> str:
    """Return the text with control, direction-changing and unassigned characters made visible."""
    return _SUSPECT.sub(lambda hit: _picture(hit[0]), text.replace("\r\n", "\n"))


def _picture(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(CONTROL_PICTURES + code)
    if code == DELETE:
        return DELETE_PICTURE
    if character not in _JOINERS and unicodedata.category(character) in _HIDDEN_KINDS:
        return f"[U+{code:04X}]"
    return character


def cut(text: str, at_most: int = LONGEST_VALUE) -> str:
    """Return the text made visible, at most so long, with a word about what was cut."""
    if len(text) <= at_most:
        return visible(text)
    return f"{visible(text[:at_most])} … (cut: {len(text):,} characters in all)"


def one_line(text: str, at_most: int = LONGEST_CELL) -> str:
    """Return the text on one line."""
    return cut(" ".join(text.split()), at_most)


def brief(text: str, at_most: int) -> str:
    """Return the beginning of a text on one line."""
    flat = " ".join(text[: at_most * 4].split())
    return visible(flat if len(flat) <= at_most else f"{flat[:at_most]}…")


def one_value(name: str, text: str) -> Value:
    """Return a value, cut when it is long."""
    whole = len(text) if len(text) > LONGEST_VALUE else 0
    return Value(name=visible(name), text=visible(text[:LONGEST_VALUE]), characters=whole)


def scalar(value: JsonValue) -> str:
    """Return one JSON value as text: strings as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def shown(data: JsonValue) -> Shown:
    """Return named values flat: `a.b`, lists of alike objects as tables."""
    values: list[Value] = []
    grids: list[Grid] = []
    _flatten(data, "", values, grids)
    return Shown(
        values=tuple(values[:MOST_VALUES]),
        grids=tuple(grids[:MOST_VALUES]),
        left_out=max(0, len(values) - MOST_VALUES) + max(0, len(grids) - MOST_VALUES),
    )


def _flatten(data: JsonValue, name: str, values: list[Value], grids: list[Grid]) -> None:
    if isinstance(data, dict) and data:
        if phrase := _phrase(data):
            values.append(one_value(name, phrase))
            return
        if (
            name
            and len(data) >= MANY
            and not any(isinstance(v, dict | list) for v in data.values())
        ):
            _summarize(data, name, values, grids)
            return
        for key, item in data.items():
            _flatten(item, f"{name}.{key}" if name else key, values, grids)
    elif isinstance(data, list) and data:
        if grid := _grid(name, data):
            grids.append(grid)
        elif all(not isinstance(item, dict | list) for item in data):
            values.append(one_value(name, ", ".join(map(scalar, data))))
        else:
            for place, item in enumerate(data):
                _flatten(item, f"{name}[{place}]", values, grids)
    elif data not in ({}, []) or name:
        values.append(one_value(name, scalar(data)))


def _summarize(
    data: dict[str, JsonValue], name: str, values: list[Value], grids: list[Grid]
) -> None:
    """Add a large flat mapping: digests as their number, all else as a table of two columns."""
    if all(DIGEST.fullmatch(scalar(value)) for value in data.values()):
        values.append(one_value(name, f"{len(data)} digests, by name"))
        return
    rows = [(cut(key, LONGEST_CELL), _cell(value)) for key, value in data.items()]
    grids.append(
        Grid(
            name=visible(name), columns=("name", "value"), rows=tuple(rows[:MOST_GRID_ROWS]),
            left_out=max(0, len(rows) - MOST_GRID_ROWS),
        )
    )  # fmt: skip


def _phrase(data: dict[str, JsonValue]) -> str:
    """Return a file in one phrase: its name, its hash, never its text."""
    if "sha256" not in data or not data.keys() <= {
        "name", "sha256", "text", "size_bytes", "media_type",
    }:  # fmt: skip
        return ""
    size = data.get("size_bytes")
    about = f"{show_size(size)}, " if isinstance(size, int) else ""
    return f"{scalar(data.get('name', ''))} ({about}sha256 {short(scalar(data['sha256']))})"


def _grid(name: str, items: list[JsonValue]) -> Grid | None:
    columns: dict[str, None] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        columns.update(dict.fromkeys(item))
    if not columns or len(columns) > MOST_GRID_COLUMNS:
        return None
    rows = [item for item in items if isinstance(item, dict)]
    cells = [tuple(_cell(row.get(column, "")) for column in columns) for row in rows]
    return Grid(
        name=visible(name),
        columns=tuple(map(one_line, columns)),
        rows=tuple(cells[:MOST_GRID_ROWS]),
        left_out=max(0, len(cells) - MOST_GRID_ROWS),
    )


def _cell(value: JsonValue) -> str:
    if isinstance(value, list) and all(not isinstance(item, dict | list) for item in value):
        return cut(", ".join(map(scalar, value)), LONGEST_CELL)
    if isinstance(value, dict) and (phrase := _phrase(value)):
        return cut(phrase, LONGEST_CELL)
    return cut(scalar(value), LONGEST_CELL)


def moment(at: datetime) -> str:
    """Return a moment to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(at: datetime) -> str:
    """Return the time of day to the millisecond, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[11:23]


def span_of_time(seconds: float) -> str:
    """Return seconds as people say them: `340 ms`, `2.41 s`, `3 min 12 s`, `2 h 05 min`."""
    if 0 < seconds < MILLISECOND:
        return "<1 ms"
    if seconds < WHOLE_MILLISECONDS:
        return f"{seconds * 1000:.0f} ms"
    if seconds < FINE:
        return f"{seconds:.2f} s"
    if seconds < COARSE:
        return f"{seconds:.1f} s"
    return _minutes_and_more(round(seconds))


def _minutes_and_more(whole: int) -> str:
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def plural(count: int, word: str) -> str:
    """Return `1 task`, `2 tasks`, `2 entries`."""
    if count == 1:
        return f"1 {word}"
    return f"{count:,} {word[:-1]}ies" if word.endswith("ry") else f"{count:,} {word}s"


def short(digest: str) -> str:
    """Return the first 12 digits of a hash."""
    return digest[:12]
