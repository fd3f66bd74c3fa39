"""A linter of SQL files: what others have learned about dangerous statements."""

from typing import Protocol

from drillbook.core.model import Frozen


class LintFinding(Frozen):
    """One finding of a linter, at a line (1 is the first) and a column (0 is the first)."""

    line: int
    column: int
    rule: str
    says: str
    hint: str = ""


class Linted(Frozen):
    """What a linter found; `available` is false when it could not look, and `says` why."""

    available: bool
    says: str
    findings: tuple[LintFinding, ...] = ()


class Linter(Protocol):
    """Look through one SQL text."""

    def lint(self, text: str, *, server_major: int, in_transaction: bool) -> Linted:
        """Return the findings; a linter that is not there is said, never hidden."""
        ...
