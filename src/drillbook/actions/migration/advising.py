"""Advice on a migration file: what it may do to tables of this size, and a gentler file."""

from typing import TYPE_CHECKING

from drillbook.actions.migration.subject import domain
from drillbook.analysis.reading import refuse_broken
from drillbook.core.effect import Effect, Evidence
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.ports.database import Database, TableSize
from drillbook.ports.linters import Linted, Linter

if TYPE_CHECKING:
    from drillbook.analysis.advice.parts import Facts


class Advice(Frozen):
    """One finding: `weight` is `danger`, or `note` where nobody will be hurt."""

    line: int
    table: str
    weight: str
    source: str
    rule: str
    says: str
    hint: str
    size: str


class Gentler(Frozen):
    """One statement, what would be gentler, and why."""

    line: int
    table: str
    before: str
    after: str
    why: str


class Advised(Frozen):
    """
    Findings, dangers first, and a proposal to review: the whole file with gentler statements.

    The proposal is never applied by itself; `kept` holds it as a file with the record.
    `linted` is false when the linter could not look, and `linter` says why.
    """

    says: str
    dangers: int
    findings: tuple[Advice, ...]
    linted: bool
    linter: str
    changes: tuple[Gentler, ...]
    proposal: str = ""
    kept_because: str = ""
    kept: Evidence | None = None


@domain.read
def advise(database: Database, linter: Linter, effect: Effect, *, file: File) -> Advised:
    """Lint a migration, weigh what is found by the sizes of its tables, propose gentler ways."""
    # The grammar is loaded only when a file is read.
    from drillbook.analysis.advice.findings import Weight  # noqa: PLC0415
    from drillbook.analysis.advice.indexes import dropped_indexes  # noqa: PLC0415
    from drillbook.analysis.advice.rewriting import rewrite  # noqa: PLC0415
    from drillbook.analysis.statements import read_script  # noqa: PLC0415

    reading = refuse_broken(file)
    dropped = dropped_indexes(read_script(file.text).statements)
    sizes = database.sizes((*reading.tables, *dropped))
    linted = linter.lint(
        file.text,
        server_major=database.access().server_major,
        in_transaction=reading.transactional,
    )
    findings = _findings(file, sizes, linted)
    rewritten = rewrite(file.text, _facts(sizes))
    changes = tuple(
        Gentler(line=one.line, table=one.table, before=one.before, after=one.after, why=one.why)
        for one in rewritten.changes
    )
    dangers = sum(one.weight == Weight.DANGER for one in findings)
    proposal = rewritten.text if changes else ""
    kept = _keep(effect, file, proposal) if proposal else None
    return Advised(
        says=_says(dangers, len(findings), len(changes), linted),
        dangers=dangers, findings=findings, linted=linted.available, linter=linted.says,
        changes=changes, proposal=proposal, kept_because=rewritten.kept_because, kept=kept,
    )  # fmt: skip


def _facts(sizes: tuple[TableSize, ...]) -> "dict[str, Facts]":
    from drillbook.analysis.advice.parts import Facts  # noqa: PLC0415 - as above

    return {
        one.table: Facts(
            rows=one.rows, size_bytes=one.size_bytes, partitioned=one.partitioned,
            unique_indexes=one.unique_indexes, key=one.key,
        )
        for one in sizes
    }  # fmt: skip


def _findings(file: File, sizes: tuple[TableSize, ...], linted: Linted) -> tuple[Advice, ...]:
    from drillbook.analysis.advice.findings import Weight, own_findings, weighed  # noqa: PLC0415
    from drillbook.analysis.statements import read_script  # noqa: PLC0415 - as above

    script, tables = read_script(file.text), _facts(sizes)
    found = list(own_findings(script, tables)) + [
        weighed(script, tables, one.line, one.column, one.rule, one.says, one.hint)
        for one in linted.findings
    ]
    found.sort(key=lambda one: (one.weight is not Weight.DANGER, one.line, one.source))
    return tuple(Advice(**one.model_dump(mode="json")) for one in found)


def _keep(effect: Effect, file: File, proposal: str) -> Evidence:
    name = f"{file.name.removesuffix('.sql')}.proposed.sql"
    return effect.keep(name, proposal.encode(), "application/sql")


def _says(dangers: int, findings: int, changes: int, linted: Linted) -> str:
    gentler = (
        f"a gentler file with {changes} changed statements is there to review"
        if changes
        else "no gentler file is proposed"
    )
    missing = "" if linted.available else f"; NOT linted: {linted.says}"
    return f"{dangers} dangers and {findings - dangers} notes; {gentler}{missing}"
