"""What an error's own words and its stack say it is, and about what."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from drillbook.analysis.culprit.symptom_words import RULES, Symptom

__all__ = ["Frame", "Reading", "Symptom", "frames_of", "read_error", "routine_of"]

LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack: the file as written there, its line, and the function."""

    file: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What one error is, and about what: a value's name, an object, an address, a service.

    `routine` is the function of the database in which it happened, "" for none.
    """

    symptom: Symptom
    about: str = ""
    frames: tuple[Frame, ...] = ()
    routine: str = ""


_EXCEPTION = re.compile(
    r"^(?:Caused by: |Uncaught |Unhandled \w+: )?(?:[\w$]+\.)*[A-Z]\w*"
    r"(?:Error|Exception|Violation|Fault|Panic|Warning)\b",
    re.MULTILINE,
)
_CHAINING = re.compile(r"^(?:Traceback |The above exception|During handling|\s*\^+\s*$)")
_FRAMES = (
    re.compile(
        r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)', re.MULTILINE
    ),
    re.compile(
        r"^\s*at (?:async )?(?:(?P<function>[\w$.<>\[\] ]+?) \()?(?P<file>[^()\s]+?)"
        r":(?P<line>\d+)(?::\d+)?\)?\s*$",
        re.MULTILINE,
    ),
    re.compile(
        r"^\s*at (?P<function>[\w$.<>/]+)\((?P<file>[\w$]+\.(?:java|kt|scala)):(?P<line>\d+)\)",
        re.MULTILINE,
    ),
)
_ROUTINE = re.compile(
    r"PL/pgSQL function (?P<name>[\w.\"]+?)(?:\([^)]*\))? line \d+"
    r"|SQL function \"(?P<sql>[\w.]+)\""
)
# Of a library, not of the app: where installed code lies in Python, JavaScript and Java.
_FOREIGN = re.compile(
    r"site-packages|dist-packages|node_modules|/lib/python\d|^<|^node:|\binternal/"
)

_OF_RUNTIME = ("java.", "javax.", "jdk.", "sun.", "kotlin.", "scala.")


@lru_cache(maxsize=4096)
def read_error(message: str, stack: str = "") -> Reading:
    """Return what an error is; its own words count before those of what caused it."""
    message, stack = message[:LONGEST_TEXT], stack[-LONGEST_TEXT:]
    said = [message, *reversed(list(_exceptions(stack)))]
    frames, routine = frames_of(stack), routine_of(f"{message}\n{stack}")
    for symptom, about in filter(None, (_fits(text) for text in said if text)):
        return Reading(symptom, about, frames, routine)
    if frames or _EXCEPTION.search(message):
        return Reading(Symptom.CODE, _name_of(said), frames, routine)
    return Reading(Symptom.OTHER, "", frames, routine)


def routine_of(text: str) -> str:
    """Return the database's own function in which an error happened, the innermost."""
    found = _ROUTINE.search(text)
    return (found["name"] or found["sql"]).replace('"', "") if found else ""


def frames_of(stack: str) -> tuple[Frame, ...]:
    """Return the app's own lines of a stack, the innermost last; libraries' are left out."""
    for pattern in _FRAMES:
        found = [
            Frame(one["file"], int(one["line"]), (one["function"] or "").strip())
            for one in pattern.finditer(stack)
            if not _FOREIGN.search(one["file"])
            and not (one["function"] or "").startswith(_OF_RUNTIME)
        ]
        if found:
            # Python's innermost comes last, JavaScript's and Java's first.
            return tuple(found if pattern is _FRAMES[0] else reversed(found))
    return ()


def _fits(text: str) -> tuple[Symptom, str] | None:
    for symptom, pattern in RULES:
        found = pattern.search(text)
        if found:
            named = [value for key, value in found.groupdict().items() if value]
            return symptom, (named[0] if named else "").strip("\"'`")
    return None


def _exceptions(stack: str) -> Iterator[str]:
    """Yield the lines of a stack that name an exception and what it says, as they stand."""
    for line in stack.splitlines():
        if line and not line[0].isspace() and not _CHAINING.match(line):
            yield line


def _name_of(said: list[str]) -> str:
    for text in said:
        found = _EXCEPTION.search(text)
        if found:
            return found[0].rpartition(".")[2].removeprefix("Caused by: ")
    return ""
