"""Turn a masked line into its shape: its words, and marks where parameters are."""

import json
import re
from collections.abc import Iterator, Mapping

from drillbook.analysis.loggroups.masking import MARK, Memo, mask_text
from drillbook.analysis.loggroups.stacks import Stack, read_stack
from drillbook.analysis.loggroups.words import DAYS, MONTHS, UNITS

LONGEST_SHAPE = 64
# So many calls of the app, from where it went wrong outwards, tell one failure from another.
INNERMOST = 3
# A quotation that is nearly all of the line is the message itself.
_WHOLE = 0.8
_CALENDAR = MONTHS | DAYS
_QUOTED = re.compile(r'"([^"]{0,400})"')
_REQUEST = re.compile(r"(?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS|CONNECT|TRACE) ")
_SINGLE = re.compile(r"(?<![\w'])'([^']{0,200})'(?!\w)")
_SPACED_FIELD = re.compile(r"(?<=\w)(?: =|= )\s*(?![=\x00])[^\s,;=)\]}]+(?=[\s,;)\]}]|$)")
_EMPTY_FIELD = re.compile(r"(?<=\w)=(?=[\s,;)\]}]|$)")
_BRACKETED_MARKS = re.compile(r"\(\s*(?:\x00[\s,.:;/#%KMGTBbkmgs+-]*)+\)")
_ITEM = re.compile(r"[\w$\x00]+(?:(?:/[.]|[.'@/-]|::)[\w$\x00]+)*")
_ONLY_MARKS = re.compile(r"[\x00\W]+")
_MESSAGE_KEYS = ("message", "msg", "event", "log", "text", "body", "error", "err")
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname")

Shape = tuple[str, ...]


def shape_of(masked: str, raw: str, memo: Memo) -> Shape:
    """Return the shape of a line, given masked and as it was written."""
    if raw.startswith("{") and (shape := _json_shape(raw, memo)):
        return shape
    if "\n" in raw and (stack := read_stack(raw)):
        head = raw.partition("\n")[0]
        says_more = stack.exception not in head and not head.startswith("Traceback")
        return (_words(_tidy(mask_text(head, memo))) if says_more else ()) + _of_stack(stack, memo)
    return _words(_tidy(masked))


def _of_stack(stack: Stack, memo: Memo) -> Shape:
    """Return the exception, what it says, its root, and the innermost calls of the app."""
    calls = stack.own[:INNERMOST] or stack.frames[:1]
    named = tuple(f"{frame.name}()" for frame in calls)
    says = _words(_tidy(mask_text(stack.message, memo))) if stack.message else ()
    return (stack.exception, *says, *((stack.cause,) if stack.cause else ()), *named)


def _json_shape(raw: str, memo: Memo) -> Shape | None:
    """Return the level, the message and the stack of a line of JSON; its other fields vary."""
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, Mapping):
        return None
    message = next((values[key] for key in _MESSAGE_KEYS if values.get(key)), None)
    if message is None:
        return None
    level = next((values[key] for key in _LEVEL_KEYS if isinstance(values.get(key), str)), "")
    text = message if isinstance(message, str) else json.dumps(message)
    stack = next(filter(None, map(read_stack, _texts(values))), None)
    if stack:
        text = text.partition("\n")[0]
    said = _words(_tidy(mask_text(f"{level} {text}", memo)))
    return said + (_of_stack(stack, memo) if stack else ())


def _texts(values: Mapping[object, object]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (each for each in value.values() if isinstance(each, str))


def _tidy(masked: str) -> str:
    if '"' in masked:
        masked = _QUOTED.sub(_quoted, masked)
    if "'" in masked:
        masked = _SINGLE.sub(f" {MARK} ", masked)
    if "=" in masked:
        masked = _EMPTY_FIELD.sub(f"={MARK} ", _SPACED_FIELD.sub(f"={MARK} ", masked))
    if "(" in masked:
        masked = _BRACKETED_MARKS.sub(" ", masked)
    return masked


def _quoted(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 12) : match.start()]
    keeps = before.endswith(("msg=", "message=", "error=", "err=", "event="))
    whole = len(match[0]) > _WHOLE * len(match.string)
    return match[1] if keeps or whole or _REQUEST.match(match[1]) else f" {MARK} "


def _words(text: str) -> Shape:
    shape: list[str] = []
    for item in _ITEM.findall(text):
        if MARK in item and _ONLY_MARKS.fullmatch(item):
            _add_mark(shape)
        elif not (shape and shape[-1] == MARK and item.lower() in UNITS):
            shape.append(item)
        if len(shape) >= LONGEST_SHAPE:
            break
    # A line without words is a ruler, or a picture of one.
    return tuple(shape) or tuple(text.split()[:1])


def _add_mark(shape: list[str]) -> None:
    """Add a parameter, and let it take in the marks, months and days right before it."""
    while shape and (shape[-1] == MARK or shape[-1].lower() in _CALENDAR):
        shape.pop()
    shape.append(MARK)
