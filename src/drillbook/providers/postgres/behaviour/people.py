"""Who is signed in: which settings the policies ask, and a value that existing rows know."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import dumps

import postgast
from postgast.pg_query_pb2 import A_Const, A_Expr, ColumnRef, FuncCall, Node, RangeVar
from psycopg import sql

from drillbook.providers.postgres.behaviour.shapes import Shape, Table
from drillbook.providers.postgres.behaviour.trying import Persona, Trial
from drillbook.providers.postgres.queries import query

JWT = "request.jwt"
SUBJECT = "sub"
VALUES_AT_MOST = 4
PLACES_AT_MOST = 8
_SETTING = re.compile(r"current_setting\(\s*'([\w.]+)'")
_PEOPLE = ("users", "user", "profiles", "accounts", "members", "customers")


@dataclass(frozen=True, slots=True)
class Link:
    """A policy compares a column with a setting (`request.jwt.claims` with a key of it)."""

    setting: str
    relation: int
    column: str


@dataclass(frozen=True, slots=True)
class People:
    """The settings that say who is there, and the columns they are compared with."""

    values: Mapping[str, str]
    links: tuple[Link, ...]

    def persona(self, role: str) -> Persona:
        """Return a role with somebody signed in; roles for strangers have nobody."""
        claims: dict[str, str] = {"role": role}
        settings: dict[str, str] = {}
        if "anon" not in role.lower():
            claims |= {
                name.partition("#")[2]: value
                for name, value in self.values.items()
                if name.startswith(JWT)
            }
            settings = {n: v for n, v in self.values.items() if not n.startswith(JWT)}
        settings[f"{JWT}.claims"] = dumps(claims)
        settings |= {f"{JWT}.claim.{name}": value for name, value in claims.items()}
        return Persona(role, role, settings)

    def owner(self, label: str) -> Persona:
        """Return the login itself, with somebody signed in."""
        signed_in = self.persona(label)
        return Persona(label, "", signed_in.settings)

    def columns_of(self, table: Table) -> Mapping[str, str]:
        """Return what a row of somebody's own has in the columns that say whose it is."""
        return {
            link.column: self.values[link.setting]
            for link in self.links
            if link.relation == table.relation.oid and link.setting in self.values
        }


def find_people(trial: Trial, shape: Shape, known: Mapping[str, str]) -> People:
    """Read the policies, and take somebody whom most of the compared columns know."""
    settings = _settings_of_functions(trial)
    links = tuple(dict.fromkeys(_links(trial, shape, settings)))
    if known:
        return People(known, links)
    by_setting: dict[str, list[Link]] = {}
    for link in links:
        by_setting.setdefault(link.setting, []).append(link)
    values = {name: _best(trial, shape, found) for name, found in by_setting.items()}
    if not any(values.values()):
        values |= {_slot(name): _anybody(trial, shape) for name in settings.values()}
    return People({name: value for name, value in values.items() if value}, links)


def _settings_of_functions(trial: Trial) -> dict[str, str]:
    """Return functions that read a setting, by short and full name."""
    found: dict[str, str] = {}
    for name, short, body in trial.session.execute(query("behaviour", "settings_of_functions")):
        asked = [setting for setting in _SETTING.findall(body) if "." in setting]
        if asked:
            found[short] = found[name] = asked[-1]
    return found


def _links(trial: Trial, shape: Shape, settings: Mapping[str, str]) -> Iterator[Link]:
    for relation, expression in trial.session.execute(query("behaviour", "policies")):
        own = shape.tables.get(relation)
        if own is None:
            continue
        try:
            tree = postgast.parse(f"SELECT {expression}")
        except (postgast.PgQueryError, ValueError):
            continue  # a policy of a newer server: nobody is found by it
        named = {
            found.alias.aliasname or found.relname: (found.schemaname, found.relname)
            for found in postgast.find_nodes(tree, RangeVar)
        }
        for compared in postgast.find_nodes(tree, A_Expr):
            for one, other in (
                (compared.lexpr, compared.rexpr),
                (compared.rexpr, compared.lexpr),
            ):
                yield from _link(shape, own, named, settings, one, other)


def _link(
    shape: Shape,
    own: Table,
    named: Mapping[str, tuple[str, str]],
    settings: Mapping[str, str],
    one: Node,
    other: Node,
) -> Iterator[Link]:
    column = next(iter(postgast.find_nodes(one, ColumnRef)), None)
    if column is None or any(postgast.find_nodes(one, FuncCall)):
        return
    setting = _asked(other, settings)
    if not setting:
        return
    parts = [field.string.sval for field in column.fields if field.HasField("string")]
    if not parts:
        return
    for table in _candidates(shape, own, named, parts[:-1]):
        if any(found.name == parts[-1] for found in table.columns):
            yield Link(setting, table.relation.oid, parts[-1])
            return


def _candidates(
    shape: Shape, own: Table, named: Mapping[str, tuple[str, str]], qualifier: list[str]
) -> Iterator[Table]:
    if qualifier and qualifier[-1] in named:
        schema, name = named[qualifier[-1]]
        found = shape.named(f"{schema}.{name}" if schema else name)
        if found is not None:
            yield found
        return
    yield own
    for schema, name in named.values() if not qualifier else ():
        found = shape.named(f"{schema}.{name}" if schema else name)
        if found is not None:
            yield found


def _asked(side: Node, settings: Mapping[str, str]) -> str:
    """Return which setting an expression reads, with the key of a claim where one is named."""
    for call in postgast.find_nodes(side, FuncCall):
        names = [part.string.sval for part in call.funcname]
        if names[-1] == "current_setting" and call.args:
            written = _constants(call.args[0])
            if written and "." in written[0]:
                return _slot(written[0], side)
        if names[-1] in settings:
            return _slot(settings[names[-1]], side)
    return ""


def _slot(setting: str, side: Node | None = None) -> str:
    if not setting.startswith(JWT):
        return setting
    tail = setting.removeprefix(f"{JWT}.claim.")
    if tail != setting:
        return f"{JWT}#{tail}"
    keys = [] if side is None else _keys(side)
    return f"{JWT}#{keys[-1] if keys else SUBJECT}"


def _keys(side: Node) -> list[str]:
    return [
        key
        for found in postgast.find_nodes(side, A_Expr)
        if found.name and found.name[0].string.sval == "->>"
        for key in _constants(found.rexpr)[:1]
    ]


def _constants(node: Node) -> list[str]:
    return [found.sval.sval for found in postgast.find_nodes(node, A_Const) if found.sval.sval]


def _best(trial: Trial, shape: Shape, links: Iterable[Link]) -> str:
    """Return the value that most of the columns hold; of equals the first."""
    places = [(shape.tables[link.relation].sql, link.column) for link in links][:PLACES_AT_MOST]
    found: dict[str, int] = {}
    for table, column in places:
        statement = sql.SQL("SELECT {0}::text FROM {1} WHERE {0} IS NOT NULL LIMIT {2}")
        rows = trial.read(
            statement.format(sql.Identifier(column), table, sql.Literal(VALUES_AT_MOST))
        ).found
        for (value,) in rows:
            if value is None or value in found:
                continue
            found[value] = sum(_holds(trial, place, value) for place in places)
            if found[value] == len(places):
                return value
    return max(found, key=found.__getitem__) if found else ""


def _holds(trial: Trial, place: tuple[sql.Identifier, str], value: str) -> bool:
    table, column = place
    statement = sql.SQL("SELECT 1 FROM {} WHERE {} = %s LIMIT 1")
    return bool(trial.read(statement.format(table, sql.Identifier(column)), [value]).found)


def _anybody(trial: Trial, shape: Shape) -> str:
    """Return the key of some user where no policy says which column means one."""
    places = [(sql.Identifier("auth", "users"), "id")]
    places += [
        (table.sql, table.key[0].name)
        for table in shape.tables.values()
        if table.relation.short in _PEOPLE and len(table.key) == 1
    ]
    for table, column in places:
        statement = sql.SQL("SELECT {}::text FROM {} LIMIT 1")
        rows = trial.read(statement.format(sql.Identifier(column), table)).found
        if rows and rows[0][0]:
            return rows[0][0]
    return ""
