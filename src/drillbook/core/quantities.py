"""Durations and sizes as people write them: `30m`, `1.5h`, `500ms`, `1GiB`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
UNIT_BYTES = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
UNIT_MICROS = 1_000_000
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s?([kKMGT]i?B|B)")
LONGEST_SECONDS = 10 * 365 * 86400.0


def parse_duration(text: str) -> timedelta:
    """Return the duration written as `30m`, `1h30m` or `500ms`; ValueError says what is allowed."""
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r} is not a duration: write a number and ms, s, m, h, d or w")
    seconds = sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"{text!r} is longer than 10 years")
    return timedelta(seconds=seconds)


def show_duration(duration: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, exact to the microsecond."""
    micros = round(duration.total_seconds() * 1_000_000)
    if micros < 0:
        return "-" + show_duration(-duration)
    pieces = []
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000)):
        whole, micros = divmod(micros, size)
        pieces += [f"{whole}{unit}"] if whole else []
    if 0 < micros < UNIT_MICROS:
        pieces.append(f"{micros / 1000:.3f}".rstrip("0").rstrip(".") + "ms")
    elif micros or not pieces:
        pieces.append(f"{micros / 1_000_000:.6f}".rstrip("0").rstrip(".") + "s")
    return "".join(pieces)


def parse_size(text: str) -> int:
    """Return the bytes written as `1GiB`, `20MB` or `512B`."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a number and B, kB, MB, GB, KiB, MiB, GiB")
    unit = match[2].replace("K", "k", 1) if match[2] == "KB" else match[2]
    return round(float(match[1]) * UNIT_BYTES[unit])


def show_size(size_bytes: int) -> str:
    """Return bytes for people: `1.5 GiB`."""
    amount, units = float(size_bytes), ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(amount) >= 1024 and len(units) > 1:  # noqa: PLR2004 - binary units
        amount /= 1024
        units.pop(0)
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta, BeforeValidator(_duration), PlainSerializer(show_duration, when_used="json")
]
Size = Annotated[int, BeforeValidator(_size)]
