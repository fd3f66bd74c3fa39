"""A migration file with gentler statements in the places of those that make others wait."""

from dataclasses import dataclass

from drillbook.analysis.advice.constraints import add_checked, set_not_null
from drillbook.analysis.advice.indexes import add_unique, create_index, drop_index, refresh
from drillbook.analysis.advice.parts import Facts, Part, Proposal, Rewriter, Tables
from drillbook.analysis.advice.rows import add_filled_column, change_many
from drillbook.analysis.statements import BEGINS, Control, Statement, read_script

TINY_BYTES = 1_048_576
REWRITERS: dict[str, tuple[Rewriter, ...]] = {
    "index_stmt": (create_index,),
    "drop_stmt": (drop_index,),
    "refresh_mat_view_stmt": (refresh,),
    "alter_table_stmt": (add_unique, add_checked, set_not_null, add_filled_column),
    "update_stmt": (change_many,),
    "delete_stmt": (change_many,),
}
BOUND = {
    "lock_stmt": "it holds a lock over several statements",
    "declare_cursor_stmt": "it reads by a cursor",
}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One statement that was replaced."""

    line: int
    table: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The whole text, and what was changed in it; `kept_because` says why nothing could be."""

    text: str
    changes: tuple[Rewrite, ...] = ()
    kept_because: str = ""


def rewrite(text: str, tables: Tables) -> Rewritten:
    """
    Replace statements that make others wait long; everything else stays byte for byte.

    Tables that are tiny, or made in the same file, are left alone: there nobody waits.
    """
    script = read_script(text)
    if script.problems:
        return Rewritten(text, kept_because=script.problems[0].says)
    if because := _bound_together(script.statements):
        return Rewritten(text, kept_because=f"it must stay one transaction: {because}")
    data = text.encode()
    changes: list[Rewrite] = []
    blocks = _in_blocks(script.statements)
    made = {_made(one) for one in script.statements} - {""}
    for statement, in_block in reversed(list(zip(script.statements, blocks, strict=True))):
        proposal = _proposal(statement, tables, made)
        if proposal is None:
            continue
        after = _joined(proposal.parts, in_block=in_block)
        end = statement.start + len(statement.text.encode())
        data = data[: statement.start] + after.encode() + data[end:]
        changes.insert(
            0, Rewrite(statement.line, proposal.table, statement.text, after, proposal.why)
        )
    return Rewritten(data.decode(), tuple(changes))


def is_tiny(facts: Facts | None) -> bool:
    """Whether a table is known to be so small that nobody notices how it is changed."""
    return facts is not None and facts.size_bytes <= TINY_BYTES


def _proposal(statement: Statement, tables: Tables, made: set[str]) -> Proposal | None:
    for rewriter in REWRITERS.get(statement.kind, ()):
        found = rewriter(statement, tables)
        if found is not None:
            return None if is_tiny(tables.get(found.table)) or found.table in made else found
    return None


def _made(statement: Statement) -> str:
    if statement.kind not in {"create_stmt", "create_table_as_stmt"}:
        return ""
    node = statement.node
    relation = (
        node.create_stmt.relation if statement.kind == "create_stmt"
        else node.create_table_as_stmt.into.rel
    )  # fmt: skip
    return ".".join(part for part in (relation.schemaname, relation.relname) if part)


def _in_blocks(statements: tuple[Statement, ...]) -> list[bool]:
    """Return of each statement whether it stands between BEGIN and COMMIT."""
    inside, found = False, []
    for statement in statements:
        control = statement.control
        if control is not None:
            inside = control.kind in BEGINS or (
                inside and control.kind != Control.TRANS_STMT_COMMIT
            )
        found.append(inside)
    return found


def _bound_together(statements: tuple[Statement, ...]) -> str:
    for one in statements:
        if one.kind in BOUND:
            return f"line {one.line}, {BOUND[one.kind]}"
        if one.kind == "variable_set_stmt" and one.node.variable_set_stmt.is_local:
            return f"line {one.line}, SET LOCAL ends with its transaction"
        if one.control is not None and one.control.kind == Control.TRANS_STMT_SAVEPOINT:
            return f"line {one.line}, it has a savepoint"
        if one.kind == "create_stmt" and one.node.create_stmt.oncommit > 1:
            return f"line {one.line}, its temporary table ends with its transaction"
    return ""


def _joined(parts: tuple[Part, ...], *, in_block: bool) -> str:
    """Return the parts as text; the semicolon of the statement they replace follows."""
    if len(parts) == 1 and not (parts[0].alone and in_block):
        return parts[0].sql
    if in_block:
        return _joined_in_block(parts)
    return ";\n".join(part.sql if part.alone else f"BEGIN;\n{part.sql};\nCOMMIT" for part in parts)


def _joined_in_block(parts: tuple[Part, ...]) -> str:
    said = ["COMMIT"] if parts[0].alone else []
    for at, part in enumerate(parts):
        if part.alone:
            said.append(part.sql)
        else:
            said += [*(["BEGIN"] if at or said else []), part.sql, "COMMIT"]
    return ";\n".join([*said, "BEGIN"])
