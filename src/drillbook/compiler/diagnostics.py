"""What the compiler has to say about a file: where, what is wrong, what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from drillbook.compiler.document import Span
from drillbook.core.errors import BookInvalid


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


CODES = {
    "DB001": "a contact is still a placeholder",
    "DB002": "the file holds no runbook steps",
    "DB003": "two runbooks have the same title",
    "DB101": "a directive is malformed",
    "DB102": "a text, list or ${…} in a directive is not closed",
    "DB103": "a key has no value",
    "DB104": "a key is given twice",
    "DB105": "a name after `as` is missing or malformed",
    "DB106": "a directive stands in an HTML comment",
    "DB107": "two directives stand on one bullet",
    "DB108": "a directive stands outside any task",
    "DB109": "a directive is not closed by a backtick",
    "DB110": "this directive cannot stand here",
    "DB201": "there is no such action",
    "DB202": "the action has no such key",
    "DB203": "a key the action needs is missing",
    "DB204": "a value does not fit its key",
    "DB205": "there is no such environment",
    "DB206": "the action needs an environment",
    "DB207": "the action acts on no environment",
    "DB208": "the environment lacks a system the action needs",
    "DB301": "no value has this name",
    "DB302": "a value is used before it is there",
    "DB303": "a name is defined twice",
    "DB304": "a value has no such field",
    "DB305": "the name is taken by the language",
    "DB306": "a value of the way back is used on the way forward",
    "DB307": "a path is malformed",
    "DB401": "there is no such option",
    "DB402": "an option is given twice",
    "DB403": "an option is malformed",
    "DB404": "this option cannot stand here",
    "DB405": "an expression is wrong",
    "DB406": "this undo cannot stand here",
    "DB407": "the result has no such field to keep as evidence",
    "DB408": "there is no such role",
    "DB409": "too few people can approve",
    "DB410": "a division drops its remainder",
    "DB411": "an option has no directive to belong to",
    "DB412": "a prerequisite changes something",
    "DB413": "nobody's role fits both the policy and the task",
    "DB414": "a signal does not exist, or is asked for wrongly",
    "DB501": "an input has no such type",
    "DB502": "the default of an input does not fit its type",
    "DB503": "the name of an input is malformed or taken",
    "DB601": "there is no such runbook",
    "DB602": "there is no such procedure",
    "DB603": "a runbook runs itself",
    "DB604": "the runbook called has no such input",
    "DB605": "an input the called runbook needs is missing",
    "DB606": "a choice has no options",
    "DB607": "the plan is too large",
    "DB608": "the runbook called has errors",
}


@dataclass(slots=True)
class Notes:
    """Collects diagnostics, each once."""

    found: dict[Diagnostic, None] = field(default_factory=dict[Diagnostic, None])

    def error(self, at: Span, code: str, message: str, hint: str = "") -> None:
        """Note a mistake at a place."""
        self._add(at, code, message, hint, Severity.ERROR)

    def finding(self, at: Span, code: str, message: str, hint: str = "") -> None:
        """Note something to look at, which does not stop the compile."""
        self._add(at, code, message, hint, Severity.FINDING)

    def _add(self, at: Span, code: str, message: str, hint: str, severity: Severity) -> None:
        self.found[Diagnostic(at.line, at.column, code, message, hint, severity)] = None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The mistakes, in the order of the file."""
        return tuple(each for each in self if each.severity is Severity.ERROR)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.found, key=lambda each: (each.line, each.column, each.code)))


class BookRejected(BookInvalid):
    """A book that does not compile, with all that is wrong in it."""

    def __init__(self, name: str, diagnostics: Iterable[Diagnostic]) -> None:
        self.name = name
        self.diagnostics = tuple(diagnostics)
        first, more = self.diagnostics[0], len(self.diagnostics) - 1
        tail = f" (and {more} more)" if more else ""
        super().__init__(
            f"{name}:{first.line}:{first.column}: {first.code} {first.message}{tail}",
            hint=first.hint,
        )


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was most likely meant, or nothing."""
    names = list(known)
    if near := get_close_matches(word, names, n=1):
        return near[0]
    shorter = [name for name in names if len(word) > 1 and name.startswith(word)]
    swapped = [name for name in names if sorted(name) == sorted(word)]
    return next(iter(shorter + swapped), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean X?` for the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else ""


def nearest_or_all(word: str, known: Iterable[str], *, are: str = "There are") -> str:
    """Return `Did you mean X?`, or what there is to choose from."""
    names = list(known)
    everything = f"{are} {', '.join(names)}." if names else ""
    return did_you_mean(word, names) or everything
