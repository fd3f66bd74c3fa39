"""Join the lines of one entry: a stack trace, a statement or an object over several lines."""

import re
from collections.abc import Iterable, Iterator

# An entry that goes on for longer is no entry: what follows stands for itself.
MOST_LINES = 400
_TRACEBACK = "Traceback (most recent call last):"
_GOES_ON = re.compile(
    r"\s*(?:at (?:async )?\S|\.\.\. \d+ (?:more|common)|Caused by: |Suppressed: |\[cause\]: )"
    r"|(?:During handling of the above exception|The above exception was the direct cause)"
    r"|[}\])]+[,;]?\s*$"
)
_BARE_EXCEPTION = re.compile(
    r"(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Exception|Error|Throwable)(?:: |$)|Traceback \("
)
_TELLS_OF_FAILURE = re.compile(
    r"\b(?:error|warn(?:ing)?|fatal|critical|severe|panic|exception)\b", re.IGNORECASE
)


def fold(lines: Iterable[str]) -> Iterator[str]:
    """
    Give the entries of a log, each with the lines that belong to it, joined by newlines.

    A line goes on when it is indented below one that is not, or is part of a stack trace. A bare
    exception belongs to the line before when that one tells of a failure.
    """
    entry: list[str] = []
    traceback = False
    for line in lines:
        if entry and len(entry) < MOST_LINES and (traceback or _belongs(line, entry)):
            entry.append(line)
            traceback = _in_traceback(line, traceback=traceback)
            continue
        if entry:
            yield _joined(entry)
        entry = [line]
        traceback = _TRACEBACK in line
    if entry:
        yield _joined(entry)


def _in_traceback(line: str, *, traceback: bool) -> bool:
    """Tell whether the exception of a Python traceback is still to come."""
    if _TRACEBACK in line:
        return True
    return traceback and (line[:1] in ("", " ", "\t", "|", "+"))


def _belongs(line: str, entry: list[str]) -> bool:
    head = entry[0]
    if line[:1] in (" ", "\t") and head[:1] not in (" ", "\t"):
        return bool(line.strip())
    if not line.strip():
        # An empty line stands inside a chain of Python's tracebacks.
        return any(_TRACEBACK in each for each in entry)
    if _GOES_ON.match(line):
        return len(entry) > 1 or not line.startswith(("}", "]", ")"))
    if _TRACEBACK in line and any(_TRACEBACK in each for each in entry):
        return any(_GOES_ON.match(each) for each in entry[-3:])
    return len(entry) == 1 and bool(_BARE_EXCEPTION.match(line) and _TELLS_OF_FAILURE.search(head))


def _joined(entry: list[str]) -> str:
    while len(entry) > 1 and not entry[-1].strip():
        entry.pop()
    return "\n".join(entry)
