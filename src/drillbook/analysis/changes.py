"""A migration file in words: what is wrong with it, what it takes away, who would wait."""

from drillbook.analysis.dangers import Danger, destructive_of
from drillbook.analysis.statements import Problem, Script, read_script
from drillbook.analysis.units import Unit
from drillbook.core.errors import Refused
from drillbook.core.files import File


def refuse_broken(file: File) -> Script:
    """Return the file's statements, or refuse it with its first problem."""
    script = read_script(file.text)
    if script.problems:
        first = script.problems[0]
        more = f" (and {len(script.problems) - 1} more)" if len(script.problems) > 1 else ""
        raise Refused(
            f"{file.name}, line {first.line}: {first.says}{more}; nothing was changed",
            hint="See all problems: drillbook do migration.check file=…",
        )
    return script


def problem_sentences(file: File, problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return each problem with the file's name and its line."""
    return tuple(f"{file.name}, line {problem.line}: {problem.says}" for problem in problems)


def danger_sentences(dangers: tuple[Danger, ...]) -> tuple[str, ...]:
    """Return each danger with its line and table."""
    return tuple(
        f"line {danger.line}, {danger.table}: {danger.says}"
        if danger.table
        else f"line {danger.line}: {danger.says}"
        for danger in dangers
    )


def lone_sentences(units: tuple[Unit, ...]) -> tuple[str, ...]:
    """Return the statements that cannot run inside a transaction."""
    return tuple(
        f"line {unit.statements[0].line}: {unit.statements[0].says}"
        for unit in units
        if unit.lone is not None
    )


def price_of_way_back(file: File) -> str:
    """Return what no down script brings back, in one phrase; empty when nothing is lost."""
    losses = destructive_of(read_script(file.text).statements)
    return "; ".join(f"{loss.table}: {loss.says}" for loss in losses)
