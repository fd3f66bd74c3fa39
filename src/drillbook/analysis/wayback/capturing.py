"""The copies made before a migration, and what puts them back."""

# ruff: noqa: S608 - the names in these statements come quoted from the catalog

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drillbook.analysis.wayback.losses import Loss
from drillbook.analysis.wayback.snapshot import Key, Snapshot, Thing
from drillbook.analysis.wayback.words import literal

SCHEMA = "drillbook"
SETTINGS = (
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL check_function_bodies = off",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)


@dataclass(frozen=True, slots=True)
class CountedOn:
    """A sequence whose place is kept; one that stays is never set back behind its place."""

    name: str
    ascending: bool
    stays: bool


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that is copied before a migration; `prefix` begins the side tables' names."""

    prefix: str
    losses: tuple[Loss, ...] = ()
    defaults: Mapping[Key, str] = field(default_factory=dict)
    sequences: tuple[CountedOn, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be copied."""
        return not (self.losses or self.sequences)

    @property
    def side_tables(self) -> tuple[str, ...]:
        """The full names of the copies."""
        names = [self.side(number) for number in range(len(self.losses))]
        names += [self._sequences] if self.sequences else []
        return (*names, *([self._moment] if self._needs_moment else []))

    def side(self, number: int) -> str:
        """Return the name of a loss's copy."""
        return f"{SCHEMA}.{self.prefix}_{number + 1}"

    @property
    def _sequences(self) -> str:
        return f"{SCHEMA}.{self.prefix}_sequences"

    @property
    def _moment(self) -> str:
        return f"{SCHEMA}.{self.prefix}_moment"

    @property
    def _needs_moment(self) -> bool:
        return any(loss.added for loss in self.losses)

    def taking(self) -> list[str]:
        """Return the statements that copy; they run first in the migration's first transaction."""
        said = []
        tables = sorted(loss.table.name for loss in self.losses)
        said += [f"LOCK TABLE ONLY {name} IN SHARE ROW EXCLUSIVE MODE" for name in tables]
        if self.losses:
            # Who does not see all rows gets an error here, not a copy with holes.
            said.append("SELECT pg_catalog.set_config('row_security', 'off', true)")
        for number, loss in enumerate(self.losses):
            columns = [f"{_kept(c)} AS k{n}" for n, c in enumerate(loss.key)]
            columns += [f"{_kept(c)} AS c{n}" for n, c in enumerate(loss.columns)]
            listed = ", ".join(columns)
            said.append(
                f"CREATE TABLE {self.side(number)} AS SELECT {listed} FROM ONLY {loss.table.name}"
            )
        if self.losses:
            said.append("SELECT pg_catalog.set_config('row_security', 'on', true)")
        if self.sequences:
            places = " UNION ALL ".join(
                f"SELECT {literal(s.name)}::text AS name, last_value, is_called FROM {s.name}"
                for s in self.sequences
            )
            said.append(f"CREATE TABLE {self._sequences} AS {places}")
        if self._needs_moment:
            said.append(
                f"CREATE TABLE {self._moment} AS SELECT "
                "(pg_catalog.pg_current_xact_id()::text::numeric % 4294967296)::bigint AS xid"
            )
        return said

    def taking_out(self, after: Snapshot) -> list[str]:
        """
        Return the statements that remove the rows a migration added; tables are as after it.

        They are told by its transaction's number in them, which a rewrite of the table would lose.
        """
        said: list[str] = []
        losses = [loss for loss in self.losses if loss.added]
        for number in reversed(_by_references(self.losses, after)):
            said += self._take_out(number, after)
        return _quietly(said, losses, after)

    def putting_back(self, now: Snapshot) -> list[str]:
        """Return the statements that put rows and values back; tables are as before by then."""
        said: list[str] = []
        for number in _by_references(self.losses, now):
            said += self._set_values(number, now)
            said += self._put_in(number)
        return _quietly(said, self.losses, now)

    def ending(self) -> list[str]:
        """Return the statements that set sequences back and drop the copies."""
        return [*map(self._place, self.sequences), *self.forgetting()]

    def forgetting(self) -> list[str]:
        """Return the statements that drop the copies."""
        return [f"DROP TABLE IF EXISTS {name}" for name in self.side_tables]

    def _place(self, sequence: CountedOn) -> str:
        name = literal(sequence.name)
        found = (
            f"SELECT pg_catalog.setval({name}::regclass, q.last_value, q.is_called) "
            f"FROM {self._sequences} q"
        )
        if not sequence.stays:
            return f"{found} WHERE q.name = {name}"
        sign = ">" if sequence.ascending else "<"
        return (
            f"{found}, {sequence.name} s WHERE q.name = {name} AND (q.last_value {sign} "
            "s.last_value OR q.last_value = s.last_value AND q.is_called AND NOT s.is_called)"
        )

    def _same(self, loss: Loss) -> str:
        pairs = (f"t.{c.name} = {_back(f's.k{n}', c)}" for n, c in enumerate(loss.key))
        return " AND ".join(pairs)

    def _take_out(self, number: int, after: Snapshot) -> list[str]:
        loss = self.losses[number]
        keys = [after.things.get(column.key) for column in loss.key]
        if not loss.added:
            return []
        same = " AND ".join(
            f"t.{c.name}::text = s.k{n}::text" for n, c in enumerate(keys) if c is not None
        )
        return [
            (
                f"DELETE FROM ONLY {after.things[loss.table.key].name} t USING {self._moment} m "
                "WHERE t.xmin::text::bigint = m.xid AND NOT EXISTS "
                f"(SELECT FROM {self.side(number)} s WHERE {same})"
            )
        ]

    def _set_values(self, number: int, now: Snapshot) -> list[str]:
        loss = self.losses[number]
        settable = [(n, c) for n, c in enumerate(loss.columns) if not _is_always(c, now)]
        if loss.gone or not settable:
            return []
        values = ", ".join(f"{c.name} = {_back(f's.c{n}', c)}" for n, c in settable)
        differs = " OR ".join(
            f"t.{c.name}::text IS DISTINCT FROM s.c{n}::text" for n, c in settable
        )
        # Rows written since get what an INSERT would have given them.
        filled = [
            f"UPDATE ONLY {loss.table.name} SET {c.name} = {self.defaults[c.key]} "
            f"WHERE {c.name} IS NULL"
            for _, c in settable
            if c.key in self.defaults
        ]
        return [
            (
                f"UPDATE ONLY {loss.table.name} t SET {values} FROM {self.side(number)} s "
                f"WHERE {self._same(loss)} AND ({differs})"
            ),
            *filled,
        ]

    def _put_in(self, number: int) -> list[str]:
        loss = self.losses[number]
        if not (loss.gone or loss.taken):
            return []
        columns = [*loss.key, *loss.columns]
        if not columns:
            return []
        names = ", ".join(c.name for c in columns)
        values = [_back(f"s.k{n}", c) for n, c in enumerate(loss.key)]
        values += [_back(f"s.c{n}", c) for n, c in enumerate(loss.columns)]
        found = (
            f"INSERT INTO {loss.table.name} ({names}) OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join(values)} FROM {self.side(number)} s"
        )
        if loss.gone:
            return [found]
        where = f"SELECT FROM ONLY {loss.table.name} t WHERE {self._same(loss)}"
        return [f"{found} WHERE NOT EXISTS ({where})"]


def prefix_of(name: str, sha256: str) -> str:
    """Return how the side tables of one migration begin."""
    digest = hashlib.sha256(f"{name}\0{sha256}".encode()).hexdigest()[:10]
    return f"before_{digest}"


def _is_always(column: Thing, now: Snapshot) -> bool:
    found = now.by_address.get(("column", column.address))
    return found is not None and found.props["identity"] == "a"


def _kept(column: Thing) -> str:
    # A copy must not hang on types and collations that the migration may drop.
    if column.ids["base_type"] and not column.ids["own_collation"]:
        return column.name
    return f'({column.name})::text COLLATE "default"'


def _back(value: str, column: Thing) -> str:
    if column.ids["base_type"] and not column.ids["own_collation"]:
        return value
    return f"{value}::{column.props['type']}"


def _quietly(statements: list[str], losses: Sequence[Loss], now: Snapshot) -> list[str]:
    """Return the statements with what keeps triggers, rules and policies still around them."""
    if not statements:
        return []
    both = [_silence(loss, now) for loss in losses]
    quiet = [statement for off, _ in both for statement in off]
    loud = [statement for _, on in both for statement in on]
    # Deferred checks would keep the next ALTER TABLE from running.
    return [*quiet, *statements, "SET CONSTRAINTS ALL IMMEDIATE", *loud]


def _silence(loss: Loss, now: Snapshot) -> tuple[list[str], list[str]]:
    table = now.things.get(loss.table.key)
    if table is None:
        table = now.by_address.get(("table", loss.table.address))
    if table is None:
        return [], []
    head = f"ALTER TABLE {table.name}"
    words = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
    off, on = [], []
    for word, ids in (("TRIGGER", "triggers"), ("RULE", "rules")):
        for name, state in table.ids[ids]:
            if state != "D":
                off.append(f"{head} DISABLE {word} {name}")
                on.append(f"{head} {words[state]} {word} {name}")
    if table.props["force_rls"]:
        off.append(f"{head} NO FORCE ROW LEVEL SECURITY")
        on.append(f"{head} FORCE ROW LEVEL SECURITY")
    return off, on


def _by_references(losses: Sequence[Loss], now: Snapshot) -> list[int]:
    """Return the losses so that referenced tables come first, as far as there is no circle."""
    numbers: dict[Key, int] = {}
    for number, loss in enumerate(losses):
        made_again = now.by_address.get(("table", loss.table.address))
        if loss.table.key in now.things or made_again is None:
            numbers[loss.table.key] = number
        else:
            numbers[made_again.key] = number
    after: dict[int, set[int]] = {number: set() for number in numbers.values()}
    for thing in now.things.values():
        if thing.kind == "constraint" and thing.ids["type"] == "f" and thing.parent is not None:
            here = numbers.get(thing.parent)
            there = numbers.get((thing.parent[0], thing.ids["refers"], 0))
            if here is not None and there is not None and here != there:
                after[here].add(there)
    order: list[int] = []
    while len(order) < len(losses):
        left = [n for n in after if n not in order]
        free = [n for n in left if after[n] <= set(order)]
        order.append((free or left)[0])
    return order
