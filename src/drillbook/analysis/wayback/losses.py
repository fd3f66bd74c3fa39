"""Which data a migration may lose: from its catalogs, its statements and what it really changed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from postgast.pg_query_pb2 import InsertStmt, Node

from drillbook.analysis.statements import Statement
from drillbook.analysis.wayback.columns import has_other_type
from drillbook.analysis.wayback.snapshot import Key, Snapshot, Thing

WHOLE_NUMBERS = ("smallint", "integer", "bigint", "numeric")
TEXTS = ("text", "character varying")


@dataclass(frozen=True, slots=True)
class Written:
    """What statements name: columns set, rows taken away, rows added; tables as written."""

    columns: Mapping[str, frozenset[str]]
    taken: frozenset[str]
    added: frozenset[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What really differed in one table's rows between before and after."""

    columns: frozenset[Key] = frozenset()
    taken: bool = False
    added: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """What of one table has to be kept; `columns` besides the key, all of them when rows go."""

    table: Thing
    key: tuple[Thing, ...]
    columns: tuple[Thing, ...]
    gone: bool = False
    taken: bool = False
    added: bool = False


def written_by(statements: Iterable[Statement]) -> Written:
    """Return which rows and columns the statements change, as far as they say so themselves."""
    columns: dict[str, set[str]] = {}
    taken: set[str] = set()
    added: set[str] = set()
    for statement in statements:
        node = statement.node
        if statement.kind == "update_stmt":
            table = _name(node.update_stmt.relation)
            names = {t.res_target.name for t in node.update_stmt.target_list}
            columns.setdefault(table, set()).update(names)
        elif statement.kind == "delete_stmt":
            taken.add(_name(node.delete_stmt.relation))
        elif statement.kind == "truncate_stmt":
            taken |= {_name(found.range_var) for found in node.truncate_stmt.relations}
        elif statement.kind == "merge_stmt":
            taken.add(_name(node.merge_stmt.relation))
            added.add(_name(node.merge_stmt.relation))
        elif statement.kind == "insert_stmt":
            added.add(_name(node.insert_stmt.relation))
            columns.setdefault(_name(node.insert_stmt.relation), set()).update(_set_on(node))
    return Written(
        {table: frozenset(names) for table, names in columns.items()},
        frozenset(taken),
        frozenset(added),
    )


def _set_on(node: Node) -> set[str]:
    insert: InsertStmt = node.insert_stmt
    return {t.res_target.name for t in insert.on_conflict_clause.target_list}


def _name(relation: object) -> str:
    schema, name = getattr(relation, "schemaname", ""), getattr(relation, "relname", "")
    parts = [part for part in (schema, str(name)) if part]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def is_lossless(before: str, after: str) -> bool:
    """Tell whether a type holds every value of another one, so that casting back gives it again."""
    start, end = _parts(before), _parts(after)
    if start == end or (end[0] in TEXTS and not end[1]):
        return True
    if start[0] in TEXTS and end[0] in TEXTS:
        return not end[1] or bool(start[1] and start[1][0] <= end[1][0])
    if start[0] == end[0] == "numeric" and start[1]:
        return not end[1] or _holds(start[1], end[1])
    if start[0] in WHOLE_NUMBERS[:3] and end[0] in WHOLE_NUMBERS and not end[1]:
        return WHOLE_NUMBERS.index(start[0]) < WHOLE_NUMBERS.index(end[0])
    return (start[0], end[0]) in {
        ("real", "double precision"),
        ("date", "timestamp without time zone"),
    }


def _parts(type_: str) -> tuple[str, tuple[int, ...]]:
    name, _, rest = type_.partition("(")
    numbers, _, suffix = rest.partition(")")
    return (name + suffix).strip(), tuple(int(n) for n in numbers.split(",") if n.strip().isdigit())


def _holds(start: tuple[int, ...], end: tuple[int, ...]) -> bool:
    scale, wider = (*start, 0)[1], (*end, 0)[1]
    return wider >= scale and end[0] - wider >= start[0] - scale


def columns_lost(before: Snapshot, after: Snapshot, table: Key) -> frozenset[Key]:
    """Return the columns of a table that stays which are dropped, or change to a lossy type."""
    lost = set()
    for column in before.children(table, "column"):
        if column.props["generated"] is not None:
            continue
        found = after.things.get(column.key)
        if found is None or (has_other_type(column, found) and not _is_held(column, found)):
            lost.add(column.key)
    return frozenset(lost)


def _is_held(was: Thing, found: Thing) -> bool:
    return is_lossless(was.props["type"], found.props["type"])


def loss_of(
    before: Snapshot,
    after: Snapshot,
    table: Thing,
    keys: Collection[tuple[int, ...]],
    difference: Difference,
) -> Loss | str | None:
    """Return what to keep of a table, None for nothing, or why it cannot be kept."""
    plain = [c for c in before.children(table.key, "column") if c.props["generated"] is None]
    if table.key not in after.things:
        return Loss(table, (), tuple(plain), gone=True)
    lost = columns_lost(before, after, table.key) | difference.columns
    if not (lost or difference.taken or difference.added):
        return None
    kept = {c.key[2] for c in after.children(table.key, "column")} & {c.key[2] for c in plain}
    key = next((numbers for numbers in keys if set(numbers) <= kept), None)
    if key is None:
        return f"{table.name} has no unique key without nulls that the migration leaves in place"
    chosen = tuple(c for number in key for c in plain if c.key[2] == number)
    if {c.key for c in chosen} & lost and not difference.taken:
        # Key values that change are rows that go and rows that come.
        difference = Difference(difference.columns, taken=True, added=True)
    others = [c for c in plain if c not in chosen]
    columns = others if difference.taken else [c for c in others if c.key in lost]
    return Loss(table, chosen, tuple(columns), taken=difference.taken, added=difference.added)
