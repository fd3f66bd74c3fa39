"""Words on the terminal: errors, JSON, colours that add to words and never replace them."""

import json
import os
import sys
from dataclasses import asdict
from typing import IO

from drillbook.cli.exit_codes import ExitCode
from drillbook.core.errors import (
    BookInvalid,
    Damaged,
    DrillbookError,
    SettingsInvalid,
    Unavailable,
)

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
HINTS: dict[type[DrillbookError], str] = {
    BookInvalid: "See all that is wrong: drillbook check FILE",
    SettingsInvalid: "Correct it, then prove it: drillbook doctor",
    Unavailable: "Try again; what answers and what does not: drillbook doctor",
    Damaged: "Keep a copy as it is, then: drillbook journal verify",
}
_KEPT = (ord("\t"), ord("\n"))
_CONTROLS = {at: f"\\x{at:02x}" for at in (*range(32), *range(127, 160)) if at not in _KEPT}


def coloured(stream: IO[str]) -> bool:
    """Whether colours may be written there: a terminal, and nobody asked for none."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, *styles: str, stream: IO[str] | None = None) -> str:
    """Return the text in a style where colours may be written, else as it is."""
    if not text or not coloured(stream or sys.stdout):
        return text
    codes = ";".join(STYLES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m"


def visible(text: str) -> str:
    """Return text of a file or a system without what could steer a terminal."""
    return text.translate(_CONTROLS)


def say(text: str = "") -> None:
    """Print a line for people."""
    print(text)


def tell_json(value: object) -> None:
    """Print a value as JSON for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _hint_by(error: DrillbookError) -> str:
    """Return what to do where the error itself does not say."""
    return next((hint for kind, hint in HINTS.items() if isinstance(error, kind)), "")


def tell_error(error: DrillbookError, code: ExitCode, *, as_json: bool) -> None:
    """Print an error and its hint on stderr: two lines for people, one object for programs."""
    from drillbook.core.secret import scrub

    message, hint = scrub(str(error)), scrub(error.hint or _hint_by(error))
    # A rejected book carries all that is wrong in it; its message names only the first.
    found = list(getattr(error, "diagnostics", ()))
    name = str(getattr(error, "name", ""))
    if as_json:
        told: dict[str, object] = {
            "kind": type(error).__name__,
            "message": message,
            "hint": hint,
            "exit_code": int(code),
        }
        told |= {"diagnostics": [asdict(each) for each in found]} if found else {}
        print(json.dumps({"error": told}, ensure_ascii=False), file=sys.stderr)
        return
    for each in found[1:]:
        print(visible(scrub(each.shown(name))), file=sys.stderr)
    word = paint("error:", "red", "bold", stream=sys.stderr)
    print(f"{word} {visible(message)}", file=sys.stderr)
    if hint:
        print(f"{paint('hint:', 'cyan', stream=sys.stderr)} {visible(hint)}", file=sys.stderr)
