"""What the compiler has to say about a file: where, what is wrong, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Severity(StrEnum):
    """An error stops the compile; a finding does not."""

    ERROR = "error"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One sentence about one place; codes are listed in docs/reference/language.md."""

    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def shown(self, name: str) -> str:
        """Return `file:line:column: code message — hint`."""
        tail = f" — {self.hint}" if self.hint else ""
        return f"{name}:{self.line}:{self.column}: {self.code} {self.message}{tail}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""
