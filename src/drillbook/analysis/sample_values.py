"""Values for a try: another one of the same shape, or one made from a type and its checks."""

import hashlib
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
NUMBERS = frozenset({*INTEGERS, "numeric", "real", "double precision", "money", "oid"})
STEPS = (1_000_003, 10_007, 101, 7, 1, -1, 2, -2)
DAYS = ("date", "timestamp with time zone", "timestamp without time zone")
MOST_CANDIDATES = 40
LONGEST_WORD = 64

_DAY = re.compile(r"^(\d{4,6})-(\d\d)-(\d\d)(.*)$")
_RANGE = re.compile(r'^([\[(])"?([^",]*)"?,"?([^",]*)"?([\])])$')
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")
_WORDS = (
    "sample", "sample@example.com", "sample-1", "https://example.com/sample", "+4917000000000",
    "EUR", "DE", "en", "#336699", "Europe/Berlin", "12345", "A-12345", "2031-01-15", "{}",
    "11111111-2222-4333-8444-555555555555", "0123456789abcdef", "1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A type as the server names it, below all domains."""

    base: str
    category: str = ""
    longest: int = 0
    labels: Sequence[str] = ()
    bounds: str = ""
    checks: Sequence[str] = field(default=())


def varied(kind: Kind, text: str, number: int) -> str | None:
    """
    Return another value like this one, the same for the same number; None when there is none.

    Numbers count from 1; higher ones try other ways of being different.
    """
    found = _varied(kind, text, number)
    return None if found is None or found == text else found


def made(kind: Kind) -> tuple[str, ...]:
    """Return values of a type, those its checks speak of first."""
    texts = dict.fromkeys([*_from_checks(kind), *_typical(kind)])
    fitting = [text for text in texts if not kind.longest or len(text) <= kind.longest]
    if not fitting and kind.longest:
        fitting = ["x" * kind.longest]
    return tuple(fitting[:MOST_CANDIDATES])


def _varied(kind: Kind, text: str, number: int) -> str | None:
    if kind.labels:
        return _other_label(kind.labels, text, number)
    if kind.base in NUMBERS:
        return _shifted_number(kind.base, text, number)
    if kind.base in DAYS:
        return _shifted_day(text, number)
    if kind.bounds:
        return _shifted_range(kind, text, number)
    by_base = _BY_BASE.get(kind.base)
    if by_base is not None:
        return by_base(text, number)
    return _other_text(text, number, kind.longest) if kind.category == "S" else None


def _other_label(labels: Sequence[str], text: str, number: int) -> str | None:
    if number >= len(labels):
        return None
    at = labels.index(text) if text in labels else 0
    return labels[(at + number) % len(labels)]


def _shifted_number(base: str, text: str, number: int) -> str | None:
    step = STEPS[(number - 1) % len(STEPS)] + (number - 1) // len(STEPS)
    try:
        value = Decimal(text.lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return str(number)
    if base not in INTEGERS:
        # Without an exponent, and without more digits than the type has places for.
        return format(value + (step if base != "numeric" else step % 97 or 1), "f")
    limit = INTEGERS[base]
    moved = int(value) + step
    if not -limit <= moved < limit:
        moved = int(value) % limit // 2 + number
    return str(moved)


def _shifted_day(text: str, number: int) -> str:
    found = _DAY.match(text)
    if found is None:
        return f"{2031 + number}-01-15"
    year, month, day, rest = found.groups()
    if rest.endswith("BC"):
        return f"{2031 + number}-01-15"
    # A leap day exists every fourth year; the 28th exists always.
    kept = "28" if (month, day) == ("02", "29") else day
    return f"{int(year) + 7 * number:04d}-{month}-{kept}{rest}"


def _shifted_range(kind: Kind, text: str, number: int) -> str | None:
    found = _RANGE.match(text)
    if found is None:
        return None
    opened, low, high, closed = found.groups()
    inner = Kind(kind.bounds)
    bounds = [_varied(inner, bound, number) if bound else "" for bound in (low, high)]
    if None in bounds or not any(bounds):
        return None
    return f"{opened}{_quoted(bounds[0])},{_quoted(bounds[1])}{closed}"


def _quoted(bound: str | None) -> str:
    return f'"{bound}"' if bound else ""


def _other_text(text: str, number: int, longest: int) -> str | None:
    token = _token(text, number)
    if _is_uuid(text):
        return _other_uuid(text, number)
    if number % 2 == 0:
        return _same_shape(text, token)
    at = text.find("@")
    head, tail = (text[:at], text[at:]) if at > 0 else (text, "")
    short = token[:6]
    room = longest - len(short) - len(tail) if longest else len(head)
    if room < 0:
        return _same_shape(text, token)
    return f"{head[:room]}{short}{tail}"


def _same_shape(text: str, token: str) -> str:
    """Change the digits and letters of the part before any @, each into one of its own sort."""
    at = text.find("@")
    head, tail = (text[:at], text[at:]) if at > 0 else (text, "")
    digest = hashlib.sha256(token.encode()).digest()
    changed = []
    for index, sign in enumerate(head):
        number = digest[index % len(digest)] + index // len(digest)
        if sign.isascii() and sign.isdigit():
            changed.append(str(number % 10))
        elif sign.isascii() and sign.isalpha():
            first = "a" if sign.islower() else "A"
            changed.append(chr(ord(first) + number % 26))
        else:
            changed.append(sign)
    return "".join(changed) + tail


def _token(text: str, number: int) -> str:
    return hashlib.sha256(f"{number} {text}".encode()).hexdigest()


def _is_uuid(text: str) -> bool:
    with suppress(ValueError):
        return str(uuid.UUID(text)) == text
    return False


def _other_uuid(text: str, number: int) -> str:
    return str(uuid.UUID(hex=_token(text, number)[:32], version=4))


def _other_truth(text: str, number: int) -> str | None:
    return ("false" if text == "true" else "true") if number == 1 else None


def _other_address(text: str, number: int) -> str | None:
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return None
    length = found.network.prefixlen
    bits = found.max_prefixlen
    step = number << (bits - length)
    moved = (int(found.ip) + step) % (1 << bits)
    address = type(found.ip)(moved)
    return f"{address}/{length}" if "/" in text else str(address)


def _other_time(text: str, number: int) -> str:
    hour, _, rest = text.partition(":")
    return f"{(int(hour) + number) % 24:02d}:{rest}"


_BY_BASE: dict[str, Callable[[str, int], str | None]] = {
    "uuid": _other_uuid,
    "boolean": _other_truth,
    "inet": _other_address,
    "cidr": _other_address,
    "macaddr": lambda text, number: f"02:{':'.join(re.findall('..', _token(text, number)[:10]))}",
    "bytea": lambda text, number: f"\\x{_token(text, number)[:16]}",
    "interval": lambda text, number: f"{number + len(text)} days",
    "time without time zone": _other_time,
    "time with time zone": _other_time,
}


def _from_checks(kind: Kind) -> Iterator[str]:
    for check in kind.checks:
        quoted = [found.replace("''", "'") for found in _QUOTED.findall(check)]
        numbers = _NUMBER.findall(_QUOTED.sub("", check))
        if kind.base in NUMBERS:
            yield from _around(numbers, kind.base)
        else:
            yield from quoted
            if kind.category == "S":
                yield from _of_lengths(numbers)


def _around(numbers: Iterable[str], base: str) -> Iterator[str]:
    for text in numbers:
        value = Decimal(text)
        for near in (value, value + 1, value - 1):
            whole = near == near.to_integral_value()
            limit = INTEGERS.get(base)
            if limit is None or (whole and -limit <= near < limit):
                yield format(near, "f")


def _of_lengths(numbers: Iterable[str]) -> Iterator[str]:
    for text in numbers:
        if text.isdigit() and 0 < int(text) <= LONGEST_WORD:
            yield "a" * int(text)
            yield "1" * int(text)


def _typical(kind: Kind) -> Sequence[str]:
    if kind.labels:
        return tuple(kind.labels)
    if kind.base in NUMBERS:
        return ("1", "10", "100", "0", "2", "1000")
    if kind.bounds:
        low, high = _ends(kind.bounds)
        return (f'["{low}","{high}")',)
    if kind.base in _TYPICAL:
        return _TYPICAL[kind.base]
    if kind.category == "A":
        return ("{}",)
    return _WORDS if kind.category == "S" else ()


def _ends(bounds: str) -> tuple[str, str]:
    if bounds in NUMBERS:
        return "1", "10"
    return (
        ("2031-01-15", "2031-01-16")
        if bounds == "date"
        else (
            "2031-01-15 10:00:00+00",
            "2031-01-15 11:00:00+00",
        )
    )


_TYPICAL: dict[str, Sequence[str]] = {
    "boolean": ("true", "false"),
    "uuid": ("11111111-2222-4333-8444-555555555555",),
    "date": ("2031-01-15",),
    "timestamp with time zone": ("2031-01-15 10:00:00+00",),
    "timestamp without time zone": ("2031-01-15 10:00:00",),
    "time without time zone": ("10:00:00",),
    "time with time zone": ("10:00:00+00",),
    "interval": ("1 hour",),
    "json": ("{}", "[]"),
    "jsonb": ("{}", "[]"),
    "xml": ("<a/>",),
    "bytea": ("\\x01",),
    "inet": ("192.0.2.1",),
    "cidr": ("192.0.2.0/24",),
    "macaddr": ("02:00:00:00:00:01",),
    "bit": ("1",),
    "bit varying": ("1",),
    "point": ("(1,1)",),
    "tsvector": ("sample",),
    "tsquery": ("sample",),
}
