"""A migration file in words: what is wrong with it, what it takes away, who would wait."""

from drillbook.analysis.dangers import Danger, dangers_of, destructive_of, tables_of
from drillbook.analysis.reading import Reading
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.files import File


def reading_of(file: File) -> Reading:
    """Return everything a file tells without a database."""
    script = read_script(file.text)
    units = units_of(script.statements)
    return Reading(
        statements=len(script.statements),
        problems=tuple(
            f"{file.name}, line {found.line}: {found.says}" for found in script.problems
        ),
        transactional=len(units) == 1 and units[0].lone is None,
        non_transactional=tuple(
            f"line {unit.statements[0].line}: {unit.statements[0].says}"
            for unit in units
            if unit.lone is not None
        ),
        destructive=tuple(map(_says, destructive_of(script.statements))),
        dangers=tuple(map(_says, dangers_of(script.statements))),
        tables=tables_of(script.statements),
    )


def _says(danger: Danger) -> str:
    table = f", {danger.table}" if danger.table else ""
    return f"line {danger.line}{table}: {danger.says}"
