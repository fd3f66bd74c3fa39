"""
Derives each number of a post-mortem again, from the journal's own rows and nothing of ours.

Knows the sealed JSON (docs/reference/journal.md) and the form of the footnotes; imports no
drillbook code, so that a mistake in the drafting cannot hide in a helper both use.
"""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = Any  # what json.loads returns
NOTE = re.compile(r"^\[\^(\d+)\]: (.+)$", re.MULTILINE)
MARKED = re.compile(r"(“[^”]*”|[^\s|(“”]+(?: [^\s|(“”]+)*?)\[\^(\d+)\]")
LENGTH = re.compile(r"^(-?)(?:(\d+) h )?(?:(\d+) min)? ?(?:(\d+) s)?$")
CLOCK = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
TOKEN = re.compile(
    r"“[^”]*”"
    r"|-?\d+ h \d+ min|-?\d+ min \d+ s|-?\d+ s(?=\[)"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    r"|-?\d[\d.]*(?:e[+-]?\d+)?%?"
)


def journal(home: Path) -> dict[int, Json]:
    """Return every entry by its index, as it is sealed."""
    with closing(sqlite3.connect(home / "journal.db")) as database:
        rows = database.execute("SELECT idx, body FROM entry ORDER BY idx").fetchall()
    return {index: json.loads(body) for index, body in rows}


def value_at(entries: dict[int, Json], place: str) -> Json:
    """Follow `entry 57, data.result.bad` into the journal."""
    number, path = re.fullmatch(r"entry (\d+), (\S+)", place).groups()  # type: ignore[union-attr] - a test fails on None all the same
    found = entries[int(number)]
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        found = found[name] if name else found[int(index)]
    return found


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def derived(entries: dict[int, Json], place: str) -> Json:
    """Return what a footnote's place says: a value, or the seconds between two moments."""
    later, minus, earlier = place.partition(" minus ")
    if minus:
        return (
            moment(value_at(entries, later)) - moment(value_at(entries, earlier))
        ).total_seconds()
    return value_at(entries, later)


def is_same(shown: str, value: Json) -> bool:
    """Tell whether what the text shows is the value, as exactly as it is shown."""
    if shown.startswith("“"):
        plain = " ".join(str(value).split())
        plain = plain.replace("|", "¦").replace("[", "(").replace("]", ")")
        plain = plain.replace("“", '"').replace("”", '"').replace("`", "'")
        plain = (
            plain.replace("<", "\u2039")
            .replace(">", "\u203a")
            .replace("@", "@ ")
            .replace("://", ": //")
        )
        told = shown[1:-1]
        return (
            plain.startswith(told[:-1]) and len(plain) > 300
            if told.endswith("…") and (told != plain)
            else plain == told
        )
    if CLOCK.match(shown):
        return shown == moment(value).strftime("%Y-%m-%d %H:%M:%S")
    if shown.endswith("%"):
        return abs(float(shown[:-1]) / 100 - value) <= 0.0005 + 1e-9
    length = LENGTH.match(shown)
    if length and not shown.replace("-", "").isdigit():
        sign, hours, minutes, seconds = length.groups()
        told = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
        return abs((-told if sign else told) - value) <= (60 if hours else 0.5)
    if isinstance(value, float):
        return float(shown) == float(f"{value:.3g}")
    return shown == str(value)


def faults_of(text: str, entries: dict[int, Json]) -> tuple[list[str], int]:
    """
    Return what does not hold: a number without a place, or one that its place does not give.

    Also how many numbers were derived.
    """
    places = dict(NOTE.findall(text))
    body = text.partition("\n## Where each number is from")[0]
    faults, count = [], 0
    for found in TOKEN.finditer(body):
        behind = body[found.end() :]
        inside = body[: found.start()].endswith("[^")
        if inside:
            continue  # the number of a footnote
        note = re.match(r"\[\^(\d+)\]", behind)
        shown = found[0]
        if note is None:
            faults.append(f"no place for {shown!r} in {_line(body, found.start())!r}")
            continue
        count += 1
        value = derived(entries, places[note[1]])
        if not is_same(shown, value):
            faults.append(f"{shown!r} is {value!r} at {places[note[1]]}")
    return faults, count


def _line(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 : text.find("\n", at)]
