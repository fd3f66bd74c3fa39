"""What of a runbook is carried out: the runbook and procedure somebody named."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from drillbook.compiler.diagnostics import nearest
from drillbook.compiler.document import Book, Procedure, Role, Runbook, Step, Task
from drillbook.core.errors import NotFound, SettingsInvalid

ALL = "all"
ROLLBACK = "rollback"
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Selected:
    """The pieces of a runbook to compile; one of the `alternatives` is chosen in the run."""

    runbook: Runbook
    procedure: str = ""
    gate: tuple[Task, ...] = ()
    symptoms: tuple[Task, ...] = ()
    steps: tuple[Step, ...] = ()
    alternatives: tuple[Procedure, ...] = ()
    only_way_back: bool = False


def slug(title: str) -> str:
    """Return a title as a word for the command line: `database-migration`."""
    return _NOT_WORD.sub("-", title.casefold()).strip("-")


@dataclass(frozen=True, slots=True)
class Titles:
    """The runbooks of a book by their slugs."""

    book: Book
    by_slug: dict[str, list[Runbook]]

    def find(self, title: str) -> Runbook:
        """Return the runbook with this title or slug; NotFound names the nearest."""
        matches = self.by_slug.get(slug(title), [])
        matches = [each for each in matches if each.title == title] or matches
        if not matches:
            names = [each.title for each in self.book.runbooks]
            hint = nearest_title(title, names) or f"{self.book.name} holds no runbook."
            raise NotFound(f"{self.book.name} has no runbook {title!r}", hint=hint)
        if len(matches) > 1:
            lines = " and ".join(str(each.span.line) for each in matches)
            raise SettingsInvalid(
                f"{self.book.name} has {len(matches)} runbooks named {title!r}, on lines {lines}",
                hint="Give each a title of its own.",
            )
        return matches[0]


def titles_of(book: Book) -> Titles:
    """Return the runbooks of a book, to be found by title."""
    by_slug: dict[str, list[Runbook]] = {}
    for each in book.runbooks:
        by_slug.setdefault(slug(each.title), []).append(each)
    return Titles(book, by_slug)


def find_runbook(book: Book, title: str) -> Runbook:
    """Return the runbook with this title or slug; NotFound names the nearest."""
    return titles_of(book).find(title)


def nearest_title(title: str, names: Iterable[str]) -> str:
    """Return `Did you mean X?`, or the titles there are; slugs count as titles."""
    by_slug = {slug(name): name for name in names}
    if near := nearest(slug(title), by_slug):
        return f"Did you mean {by_slug[near]}?"
    return f"There are {', '.join(by_slug.values())}." if by_slug else ""


def select(runbook: Runbook, procedure: str | None) -> Selected:
    """Return what to carry out; errors list the procedures there are."""
    gate, symptoms = runbook.prerequisites, runbook.symptoms
    if procedure is not None:
        chosen = _named(runbook, procedure)
        if chosen is None:
            return _whole_or_way_back(runbook, procedure)
        name, procedures = chosen
    else:
        name, procedures = _only(runbook)
    if len(procedures) > 1:
        return Selected(runbook, name, gate, symptoms, alternatives=procedures)
    steps = procedures[0].steps if procedures else ()
    return Selected(runbook, name, gate, symptoms, steps)


def _named(runbook: Runbook, name: str) -> tuple[str, tuple[Procedure, ...]] | None:
    """Return the procedure, or the group of alternatives, with this name."""
    wanted = slug(name)
    for title, group in _units(runbook):
        if slug(title) == wanted:
            return title, group
    for each in runbook.procedures:
        if wanted in (slug(each.title), slug(each.title).removesuffix("-procedure")):
            return each.title, (each,)
    return None


def _units(runbook: Runbook) -> list[tuple[str, tuple[Procedure, ...]]]:
    """Return what can be carried out as one: a procedure, or all alternatives of one group."""
    units: dict[str, list[Procedure]] = {}
    for at, each in enumerate(runbook.procedures):
        units.setdefault(each.alternative_of or f"\0{at}", []).append(each)
    return [
        (group[0].title if key.startswith("\0") else key, tuple(group))
        for key, group in units.items()
    ]


def _only(runbook: Runbook) -> tuple[str, tuple[Procedure, ...]]:
    units = _units(runbook)
    if len(units) > 1:
        titles = ", ".join(title for title, _ in units)
        raise SettingsInvalid(
            f"runbook {runbook.title} has {len(units)} procedures: {titles}",
            hint=f"Choose one: --procedure {slug(units[0][0])}, "
            "or --procedure all to carry them out one after the other.",
        )
    return units[0] if units else ("", ())


def _whole_or_way_back(runbook: Runbook, name: str) -> Selected:
    """Return all procedures in order for `all`, the rollback steps for `rollback`."""
    steps = tuple(step for each in runbook.procedures for step in each.steps)
    way_back = tuple(step for step in steps if step.role is Role.ROLLBACK)
    if slug(name) == ROLLBACK and way_back:
        return Selected(runbook, "Rollback", steps=way_back, only_way_back=True)
    if slug(name) == ALL and runbook.procedures:
        return Selected(runbook, ALL, runbook.prerequisites, runbook.symptoms, steps)
    titles = [title for title, _ in _units(runbook)] + (["Rollback"] if way_back else [])
    raise NotFound(
        f"runbook {runbook.title} has no procedure {name!r}", hint=nearest_title(name, titles)
    )
