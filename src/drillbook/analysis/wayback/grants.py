"""Who may do what: the GRANTs and REVOKEs from one state to another."""

from collections.abc import Iterable

from drillbook.analysis.wayback.snapshot import Grant, Snapshot, Thing

OBJECTS = {
    "schema": "SCHEMA",
    "enum": "TYPE",
    "domain": "TYPE",
    "composite type": "TYPE",
    "range type": "TYPE",
    "sequence": "SEQUENCE",
    "table": "TABLE",
    "foreign table": "TABLE",
    "view": "TABLE",
    "materialized view": "TABLE",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "FUNCTION",
}
DEFAULTS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS"}


def change_grants(was: Thing, now: Thing, current: Snapshot) -> list[str]:
    """Return the statements that give an object its grants of before."""
    before, found = set(was.grants or ()), set(now.grants or ())
    column, of = "", now
    if now.kind in ("column", "view column"):
        column, of = f" ({now.name})", current.parent(now)
    target = f"{OBJECTS.get(of.kind, '')} {of.name}"
    owner = of.owner or ""
    taken = [_as(grant, owner, _revoke(grant, column, target)) for grant in _sorted(found - before)]
    given = [_as(grant, owner, _grant(grant, column, target)) for grant in _sorted(before - found)]
    return [statement for group in (*taken, *given) for statement in group]


def change_defaults(was: Thing | None, now: Thing | None) -> list[str]:
    """Return the statements for default grants; without one of the two they are the usual ones."""
    thing = was or now
    if thing is None:
        return []
    before = {tuple(g) for g in (was.props["grants"] if was else thing.props["usual"])}
    found = {tuple(g) for g in (now.props["grants"] if now else thing.props["usual"])}
    schema = f" IN SCHEMA {thing.props['schema']}" if thing.props["schema"] else ""
    head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {thing.props['role']}{schema}"
    objects = DEFAULTS[str(thing.props["objects"])]
    taken = [
        f"{head} REVOKE {privilege} ON {objects} FROM {grantee}"
        for grantee, privilege, _ in sorted(found - before)
    ]
    given = [
        f"{head} GRANT {privilege} ON {objects} TO {grantee}{_option(grantable)}"
        for grantee, privilege, grantable in sorted(before - found)
    ]
    return taken + given


def _sorted(grants: Iterable[Grant]) -> list[Grant]:
    return sorted(grants)


def _revoke(grant: Grant, column: str, target: str) -> str:
    return f"REVOKE {grant[1]}{column} ON {target} FROM {grant[0]}"


def _grant(grant: Grant, column: str, target: str) -> str:
    return f"GRANT {grant[1]}{column} ON {target} TO {grant[0]}{_option(grant[2])}"


def _option(grantable: object) -> str:
    return " WITH GRANT OPTION" if grantable else ""


def _as(grant: Grant, owner: str, statement: str) -> list[str]:
    if grant[3] in (owner, f'"{owner}"'):
        return [statement]
    return [f"SET LOCAL ROLE {grant[3]}", statement, "RESET ROLE"]
