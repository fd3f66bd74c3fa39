"""The signals a symptom may name: `errors.rate("5m")`; what each takes, gives and means."""

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

from drillbook.analysis.expression_tokens import (
    FUNCTIONS,
    Call,
    Token,
    closing,
    paths_and_calls,
    tokens,
)
from drillbook.core.quantities import parse_duration

LONGEST_WINDOW = timedelta(hours=1)
LEAST_STATUS, MOST_STATUS = 100, 599


class Takes(StrEnum):
    """What stands between the brackets of a signal."""

    WINDOW = 'how far back, such as "5m"'
    STATUS = "a status, such as 500"
    SHARE = "a share from 0 to 1, such as 0.05"
    NAME = 'a name, such as "errors_total"'


class Gives(StrEnum):
    """What a signal comes to."""

    TRUTH = "true or false"
    COUNT = "a whole number"
    SHARE = "a share from 0 to 1"
    DURATION = "a duration"
    NUMBER = "a number"


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal; the last `optional` of what it takes may be left out."""

    name: str
    takes: tuple[Takes, ...]
    gives: Gives
    says: str
    optional: int = 0


_WINDOW = (Takes.WINDOW,)
_ALL = (
    Signal(
        "errors.rate", _WINDOW, Gives.SHARE,
        "the share of users' requests that ended in a status of 500 or more",
    ),
    Signal(
        "errors.count", (*_WINDOW, Takes.STATUS), Gives.COUNT,
        "how many users' requests ended in a status of 500 or more, or in exactly this one",
        optional=1,
    ),
    Signal(
        "errors.over", (*_WINDOW, Takes.SHARE), Gives.TRUTH,
        "whether the share of errors is over this one, so surely that chance would make it so "
        "once in a hundred times, and by five errors or more",
    ),
    Signal(
        "errors.raised", _WINDOW, Gives.TRUTH,
        "whether more requests fail than in the hour before, and still do; within seconds where "
        "all fail, of one route too, and with at most one false alarm in a hundred hours",
    ),
    Signal(
        "errors.lines", _WINDOW, Gives.COUNT,
        "how many lines of level error or worse were written that tell of no request",
    ),
    Signal(
        "refusals.rate", _WINDOW, Gives.SHARE,
        "the share of those who asked that were refused (401, 403 or 429), each counted once",
    ),
    Signal(
        "refusals.count", _WINDOW, Gives.COUNT, "how many requests were answered 401, 403 or 429"
    ),
    Signal(
        "refusals.raised", _WINDOW, Gives.TRUTH,
        "whether more of those who ask are refused than in the hour before, and still are; each "
        "counts once, so one client with a wrong password is no incident",
    ),
    Signal("latency.p50", _WINDOW, Gives.DURATION, "half of the requests were faster than this"),
    Signal("latency.p95", _WINDOW, Gives.DURATION, "95 in 100 requests were faster than this"),
    Signal("latency.p99", _WINDOW, Gives.DURATION, "99 in 100 requests were faster than this"),
    Signal(
        "latency.raised", _WINDOW, Gives.TRUTH,
        "whether more requests are slow than in the hour before, and still are: a quarter of all "
        "three times the median and 100 ms more, or more than before over a second; "
        "of one route too",
    ),
    Signal("requests.count", _WINDOW, Gives.COUNT, "how many requests users made"),
    Signal(
        "requests.missing", _WINDOW, Gives.TRUTH,
        "whether nobody came though by the hour before chance does not explain it",
    ),
    Signal(
        "probes.rate", _WINDOW, Gives.SHARE, "the share of the lookout's own probes that failed"
    ),
    Signal(
        "probes.failing", _WINDOW, Gives.TRUTH,
        "whether more than half of the lookout's own probes failed, of three or more",
    ),
    Signal(
        "logs.silent", _WINDOW, Gives.TRUTH,
        "whether a source of the log that spoke before says nothing any more, or cannot be read",
    ),
)  # fmt: skip
SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _ALL}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A signal as an expression asks for it; `text` is how it is written there."""

    signal: Signal
    text: str
    window: timedelta
    status: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A condition made ready: its measurements stand in it as `measured_0`, `measured_1`."""

    text: str
    expression: str
    measurements: dict[str, Measurement]


class SignalUnknown(Exception):
    """What is wrong with a measurement, and where it stands in the expression, from 0."""

    def __init__(self, at: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.hint = hint


@lru_cache(maxsize=256)
def measured(text: str) -> Measured:
    """Take the measurements out of an expression; SignalUnknown says what is wrong with one."""
    words = tokens(text)
    found: dict[str, Measurement] = {}
    edits: list[tuple[int, int, str]] = []
    calls = [call for call in paths_and_calls(text)[1] if _is_measurement(call)]
    for number, call in enumerate(calls):
        first = call.owner.at if call.owner else call.at
        opening = next(at for at, word in enumerate(words) if word.at > call.at)
        end = closing(words, opening)
        last = words[end].at + 1
        name = f"measured_{number}"
        found[name] = _measurement(call, text[first:last], words[opening + 1 : end])
        edits.append((first, last, name))
    expression = text
    for first, last, name in reversed(edits):
        expression = expression[:first] + name + expression[last:]
    return Measured(text, expression, found)


def _is_measurement(call: Call) -> bool:
    return call.owner is not None and call.name not in FUNCTIONS


def _measurement(call: Call, text: str, words: tuple[Token, ...]) -> Measurement:
    at = call.owner.at if call.owner else call.at
    name = f"{call.owner.path}.{call.name}" if call.owner else call.name
    signal = SIGNALS.get(name)
    if signal is None:
        raise SignalUnknown(at, f"there is no signal {name}", _nearest(name))
    given = [word for word in words if word.text != ","]
    wanted = signal.takes
    if not len(wanted) - signal.optional <= len(given) <= len(wanted):
        raise SignalUnknown(
            at, f"{name} is given {len(given)} values", f"It takes {' and '.join(wanted)}."
        )
    values: dict[Takes, object] = {}
    for takes, word in zip(wanted, given, strict=False):
        values[takes] = _value(name, takes, word)
    window, status, share = (values.get(each) for each in (*_WINDOW, Takes.STATUS, Takes.SHARE))
    return Measurement(
        signal=signal,
        text=text,
        window=window if isinstance(window, timedelta) else timedelta(0),
        status=status if isinstance(status, int) else None,
        share=share if isinstance(share, float) else None,
    )


def _value(name: str, takes: Takes, word: Token) -> object:
    try:
        return _window(word) if takes is Takes.WINDOW else _number(takes, word)
    except ValueError as error:
        raise SignalUnknown(word.at, f"{name}: {error}", f"It takes {takes}.") from error


def _number(takes: Takes, word: Token) -> int | float:
    number = float(word.text) if word.kind in ("int", "float") else -1.0
    if takes is Takes.STATUS and LEAST_STATUS <= number <= MOST_STATUS and number.is_integer():
        return int(number)
    if takes is Takes.SHARE and 0 <= number < 1:
        return number
    raise ValueError(f"{word.text} is not {takes}")


def _window(word: Token) -> timedelta:
    if word.kind != "string":
        raise ValueError(f"{word.text} is not {Takes.WINDOW}")
    length = parse_duration(word.text.strip("\"'"))
    if not timedelta(0) < length <= LONGEST_WINDOW:
        raise ValueError(f"{word.text} is not over 0 s and at most 1 h")
    return length


def _nearest(name: str) -> str:
    near = get_close_matches(name, SIGNALS, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"There are {', '.join(SIGNALS)}."
