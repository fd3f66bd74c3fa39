"""A way back derived: what must be copied first, and the statements found step by step."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from drillbook.analysis.statements import Script, Statement, read_script
from drillbook.analysis.wayback.capturing import SETTINGS, Capture, CountedOn, prefix_of
from drillbook.analysis.wayback.dropping import drop_concurrently
from drillbook.analysis.wayback.losses import Difference, Loss, Written, loss_of, written_by
from drillbook.analysis.wayback.making import make
from drillbook.analysis.wayback.passes import Known, drop_changed, drop_new, rest, shape
from drillbook.analysis.wayback.renaming import rename_back, step_aside
from drillbook.analysis.wayback.roles import change_roles
from drillbook.analysis.wayback.snapshot import Key, Snapshot, Thing
from drillbook.analysis.wayback.words import Underivable
from drillbook.ports.migrations import Change
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.wayback.clones import LONGEST_SECONDS, together
from drillbook.providers.postgres.wayback.reading import read_snapshot
from drillbook.providers.postgres.wayback.rows import Place, changed, places

ROUNDS = 5


def snapshot_of(server: Server) -> Snapshot:
    """Return the catalog of a database."""
    with server.session(at_most=LONGEST_SECONDS) as session:
        return read_snapshot(session)


@dataclass(frozen=True, slots=True)
class Explored:
    """The catalog before and after a migration, and what must be copied before it."""

    before: Snapshot
    after: Snapshot
    capture: Capture
    casts: frozenset[tuple[str, str]]
    server_version: int


def explore(source: Server, clone: Server, change: Change, before: Snapshot) -> Explored:
    """Compare a clone on which the migration was applied with the database it came from."""
    with ExitStack() as stack:
        was = stack.enter_context(source.session(at_most=LONGEST_SECONDS))
        now = stack.enter_context(clone.session(at_most=LONGEST_SECONDS))
        after = read_snapshot(now)
        casts = frozenset((str(a), str(b)) for a, b in now.execute(query("wayback", "casts")))
        statements = read_script(change.text).statements
        losses = tuple(_losses(was, now, before, after, written_by(statements)))
        capture = Capture(
            prefix_of(change.name, change.sha256),
            losses,
            _defaults(before, after),
            tuple(_sequences(places(was), places(now), before, after)),
        )
        return Explored(before, after, capture, casts, now.info.server_version)


def _losses(
    was: Session, now: Session, before: Snapshot, after: Snapshot, written: Written
) -> Iterator[Loss]:
    keys: dict[int, list[tuple[int, ...]]] = {}
    for oid, numbers in was.execute(query("wayback", "keys")).fetchall():
        keys.setdefault(int(oid), []).append(tuple(map(int, numbers)))
    touched = _touched(now, before, after)
    named = _resolved(was, before, written)
    for thing in sorted(before.things.values(), key=lambda t: t.name):
        if thing.kind != "table" or thing.ids["relkind"] != "r":
            continue
        known = keys.get(thing.key[1], [])
        difference = named.get(thing.key, Difference())
        if thing.key in touched and thing.key in after.things:
            key = _first_kept(before, after, thing, known)
            seen = changed(was, now, (before, after), thing, key)
            difference = Difference(
                seen.columns | difference.columns,
                seen.taken or difference.taken,
                seen.added or difference.added,
            )
        loss = loss_of(before, after, thing, known, difference)
        if isinstance(loss, str):
            raise Underivable(loss)
        if loss is not None:
            yield loss


def _first_kept(
    before: Snapshot, after: Snapshot, table: Thing, keys: list[tuple[int, ...]]
) -> tuple[int, ...] | None:
    kept = {c.key[2] for c in after.children(table.key, "column")}
    plain = {c.key[2] for c in before.children(table.key, "column") if c.props["generated"] is None}
    return next((key for key in keys if set(key) <= kept & plain), None)


def _touched(now: Session, before: Snapshot, after: Snapshot) -> set[Key]:
    """Return the tables that were written to, or have another file than before."""
    counted = now.execute("SELECT current_setting('track_counts')::bool").fetchone()
    written = {int(oid) for (oid,) in now.execute(query("wayback", "written")).fetchall()}
    return {
        key
        for key, thing in after.things.items()
        if thing.kind == "table"
        and key in before.things
        and (
            not (counted and counted[0])
            or key[1] in written
            or thing.ids["file"] != before.things[key].ids["file"]
        )
    }


def _resolved(was: Session, before: Snapshot, written: Written) -> dict[Key, Difference]:
    """Return what the statements say they change, by table; a parent stands for its parts."""
    found: dict[Key, Difference] = {}
    for name in sorted({*written.columns, *written.taken, *written.added}):
        row = was.execute("SELECT to_regclass(%s)::oid::bigint", [name]).fetchone()
        if row is None or row[0] is None:
            continue
        for table in _leaves(before, (1259, int(row[0]), 0)):
            names = {f'"{n}"' for n in written.columns.get(name, ())}
            names |= set(written.columns.get(name, ()))
            columns = {
                c.key
                for c in before.children(table, "column")
                if c.name in names and c.props["generated"] is None
            }
            old = found.get(table, Difference())
            found[table] = Difference(
                old.columns | columns,
                old.taken or name in written.taken,
                old.added or name in written.added,
            )
    return found


def _leaves(before: Snapshot, key: Key) -> Iterator[Key]:
    if key not in before.things:
        return
    yield key
    for thing in before.things.values():
        if thing.kind in ("partition", "inheritance") and thing.ids["parent"] == key[1]:
            yield from _leaves(before, (key[0], thing.ids["child"], 0))


def _defaults(before: Snapshot, after: Snapshot) -> dict[Key, str]:
    """Return what fills columns that are dropped and may not be empty."""
    found = {}
    for thing in before.things.values():
        column = before.parent(thing) if thing.kind == "default" else None
        if column is None or column.kind != "column" or column.key in after.things:
            continue
        if column.props["not_null"]:
            found[column.key] = str(thing.props["expression"])
    return found


def _sequences(
    was: dict[int, Place], now: dict[int, Place], before: Snapshot, after: Snapshot
) -> Iterator[CountedOn]:
    for oid, place in sorted(was.items()):
        found = now.get(oid)
        ascending = _increment(before, oid, place) > 0
        if found is None:
            yield CountedOn(place.name, ascending, stays=False)
        elif _is_behind(found, place, ascending):
            yield CountedOn(place.name, ascending, stays=True)


def _increment(before: Snapshot, oid: int, place: Place) -> int:
    thing = before.things.get((1259, oid, 0))
    if thing is not None:
        return int(thing.props["increment"])
    if place.column in before.things and place.column is not None:
        return int(before.things[place.column].props["sequence"]["increment"])
    return 1


def _is_behind(found: Place, place: Place, ascending: bool) -> bool:
    sign = 1 if ascending else -1
    return (sign * found.last, found.called) < (sign * place.last, place.called)


@dataclass
class Derivation:
    """Finds the statements by carrying them out, one pass after the other, on a clone."""

    session: Session
    explored: Explored
    script: Script
    _first: list[str] = field(default_factory=list)
    _together: list[str] = field(default_factory=list)
    _last: list[str] = field(default_factory=list)
    _seen: Snapshot | None = None

    def run(self) -> str:
        """Lead the clone back and return the script that does it."""
        before, capture = self.explored.before, self.explored.capture
        known = Known(
            captured=frozenset(
                c.key for loss in capture.losses for c in (*loss.columns, *loss.key)
            ),
            casts=self.explored.casts,
            server_version=self.explored.server_version,
            keep=self._concurrent("drop"),
        )
        self._drop_alone()
        self._do(capture.taking_out(self._now()))
        for step in (drop_new, step_aside, rename_back, drop_changed, shape):
            self._do(step(before, self._now(), known))
        self._do(capture.putting_back(self._now()))
        for _ in range(ROUNDS):
            done = len(self._together)
            self._do(drop_changed(before, self._now(), known))
            self._do(rest(before, self._now(), known))
            if len(self._together) == done:
                break
        self._do(change_roles(before.roles, self._now().roles))
        self._do(capture.ending())
        self._make_alone()
        return self._text()

    def _text(self) -> str:
        together = [*SETTINGS, *self._together] if self._together else []
        return "".join(f"{s};\n" for s in (*self._first, *together, *self._last))

    def _now(self) -> Snapshot:
        if self._seen is None:
            self._seen = read_snapshot(self.session)
        return self._seen

    def _do(self, statements: list[str]) -> None:
        if statements:
            self._seen = None
            together(self.session, [*SETTINGS, *statements])
            self._together += statements

    def _drop_alone(self) -> None:
        """Indexes that were built without making anybody wait go the same way, first."""
        names, before = self._concurrent("make"), self.explored.before
        for key, thing in self._now().things.items():
            if thing.kind == "index" and thing.name in names and key not in before.things:
                self._alone(drop_concurrently(thing), self._first)

    def _make_alone(self) -> None:
        before = self.explored.before
        for name in sorted(self._concurrent("drop")):
            was = before.by_address.get(("index", name))
            if was is None or ("index", name) in self._now().by_address:
                continue
            (statement,) = make(was, before)
            alone = statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
            self._alone(alone, self._last)

    def _alone(self, statement: str, into: list[str]) -> None:
        self._seen = None
        self.session.execute(statement.encode())
        into.append(statement)

    def _concurrent(self, what: str) -> frozenset[str]:
        found = {name for s in self.script.statements for name in _names_of(s, what)}
        return frozenset(
            thing.name
            for snapshot in (self.explored.before, self.explored.after)
            for thing in snapshot.things.values()
            if thing.kind == "index" and found & {thing.bare, thing.bare.strip('"')}
        )


def _names_of(statement: Statement, what: str) -> Iterator[str]:
    node = statement.node
    if what == "make" and statement.kind == "index_stmt" and node.index_stmt.concurrent:
        yield node.index_stmt.idxname
    if what == "drop" and statement.kind == "drop_stmt" and node.drop_stmt.concurrent:
        for found in node.drop_stmt.objects:
            yield found.list.items[-1].string.sval
