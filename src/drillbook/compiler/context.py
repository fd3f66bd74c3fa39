"""What is known while one runbook is compiled: its book, the catalog, the stack, the names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drillbook.analysis.expression_tokens import has_division, has_fraction
from drillbook.analysis.expressions import ExpressionInvalid, compile_expression
from drillbook.compiler.diagnostics import Notes
from drillbook.compiler.directive import Mistake
from drillbook.compiler.document import Book, Span
from drillbook.compiler.names import Names
from drillbook.compiler.select import Selected, Titles
from drillbook.core.catalog import Catalog
from drillbook.core.errors import BookInvalid
from drillbook.core.files import File
from drillbook.core.plan import PlanPart
from drillbook.core.policy import StackFacts

MOST_TASKS = 10_000
Files = Callable[[str], File]
Library = Callable[[str], Book | None]
Visit = tuple[str, str, str]  # book, runbook, procedure
Expand = Callable[["Context", Selected, str], PlanPart]


@dataclass(slots=True)
class Budget:
    """How many tasks a plan may still get: runbooks that run runbooks multiply."""

    left: int = MOST_TASKS

    def spend(self) -> None:
        """Count one task; BookInvalid when there are too many."""
        self.left -= 1
        if self.left < 0:
            raise BookInvalid(
                f"the plan has more than {MOST_TASKS} tasks",
                hint="Run the runbooks it calls as runs of their own.",
            )


@dataclass(frozen=True, slots=True)
class Context:
    """One part being compiled; `known` are values known before a run, None in a mere check."""

    titles: Titles
    catalog: Callable[[], Catalog] | None
    stack: StackFacts | None
    notes: Notes
    names: Names = field(default_factory=Names)
    known: Mapping[str, object] | None = None
    expand: Expand | None = None  # compiles the part of a runbook that is called
    files: Files | None = None
    library: Library | None = None
    trail: tuple[Visit, ...] = ()
    budget: Budget = field(default_factory=Budget)

    @property
    def book(self) -> Book:
        """The book being compiled."""
        return self.titles.book

    @property
    def planning(self) -> bool:
        """Whether a plan is made, and not only a check."""
        return self.known is not None

    def with_names(self, names: Names) -> "Context":
        """Return the same context with other names in scope."""
        return Context(  # `replace` takes five times as long, and this runs for every step
            self.titles,
            self.catalog,
            self.stack,
            self.notes,
            names,
            self.known,
            self.expand,
            self.files,
            self.library,
            self.trail,
            self.budget,
        )

    def mistake(self, span: Span, mistake: Mistake, *, offset: int) -> None:
        """Note a mistake at its column; `offset` is where the text read starts in the span."""
        at = Span(span.line, span.column + offset + mistake.at)
        self.notes.error(at, mistake.code, mistake.message, mistake.hint)

    def check_path(self, path: str, at: Span, *, result: object = None, own: str = "") -> None:
        """Note what is wrong with a path, if anything."""
        trouble = self.names.check(path, result=result, own=own)
        if trouble is not None:
            self.notes.error(at, trouble.code, trouble.message, trouble.hint)

    def check_expression(
        self, text: str, at: Span, *, result: object = None, own: str = "", metrics: bool = False
    ) -> None:
        """Note what is wrong with an expression and with the values it reads."""
        try:
            expression = compile_expression(text, metrics=metrics)
        except ExpressionInvalid as error:
            place = Span(at.line, at.column + error.column - 1)
            self.notes.error(place, "DB405", str(error), error.hint)
            return
        for reference in expression.references:
            trouble = self.names.check(reference.keys, result=result, own=own)
            if trouble is not None:
                place = Span(at.line, at.column + reference.at)
                self.notes.error(place, trouble.code, trouble.message, trouble.hint)
        if not metrics and has_division(text) and not has_fraction(text):
            self.notes.finding(
                at,
                "DB410",
                f"`{text}` divides whole numbers and drops the remainder",
                "Write 1.0 * … in front if the fraction counts.",
            )
