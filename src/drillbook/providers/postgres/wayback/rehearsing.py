"""Ways back tried on clones: up, back, up again and back again, all compared with before."""

# ruff: noqa: S608 - the names in these statements come quoted from the catalog

import time
from dataclasses import dataclass

from drillbook.analysis.fingerprint import differences
from drillbook.analysis.statements import read_script
from drillbook.analysis.wayback.capturing import Capture
from drillbook.analysis.wayback.losses import written_by
from drillbook.analysis.wayback.pricing import given_losses, price_of
from drillbook.analysis.wayback.roles import change_roles
from drillbook.analysis.wayback.snapshot import Snapshot, reordered, unlike
from drillbook.analysis.wayback.words import Underivable
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed
from drillbook.ports.migrations import Change
from drillbook.ports.ways_back import ONLY_A_RESTORE, WayBackRehearsal, WayBackScript
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.wayback.clones import (
    LONGEST_SECONDS,
    Clones,
    acting,
    run_down,
    run_up,
)
from drillbook.providers.postgres.wayback.deriving import (
    Derivation,
    Explored,
    explore,
    snapshot_of,
)
from drillbook.providers.postgres.wayback.reading import read_roles, read_snapshot
from drillbook.providers.postgres.wayback.rows import Place, checksums, places, unequal

AT_MOST_BYTES = 256 * 1024 * 1024
NAMED_AT_MOST = 20


class Unproven(Exception):
    """A way back does not lead to what was before."""

    def __init__(self, why: str, found: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.differences = found


@dataclass(frozen=True, slots=True)
class Whole:
    """A database as it is compared: its catalog two times over, its rows, its sequences."""

    snapshot: Snapshot
    objects: dict[str, str]
    rows: dict[str, tuple[int, int]]
    places: dict[int, Place]


@dataclass(frozen=True, slots=True)
class PostgresWaysBack:
    """The `WaysBack` port on a server whose databases nobody needs."""

    server: Server
    at_most_bytes: int = AT_MOST_BYTES

    def rehearse(self, change: Change, effect: Effect) -> WayBackRehearsal:
        """Try the given down script, or derive one; it goes up, down, up and down again."""
        return rehearse_way_back(self.server, change, effect, at_most_bytes=self.at_most_bytes)


def rehearse_way_back(
    server: Server,
    change: Change,
    effect: Effect,
    *,
    role: str = "",
    at_most_bytes: int = AT_MOST_BYTES,
) -> WayBackRehearsal:
    """
    Return what trying the way back of a migration on clones of the server's database showed.

    With a role everything is done as that role, whose rights count in earnest.
    """
    started = time.monotonic()
    clones = Clones(server, effect.key)
    trial = _Trial(
        server, clones, change, effect, at_most_bytes, role if clones.has_role(role) else ""
    )
    try:
        found = trial.given() if change.down.strip() else trial.derived()
    except (Unproven, Underivable) as reason:
        found = _none(change, reason)
    finally:
        trial.settle_roles()
    return found.model_copy(update={"seconds": round(time.monotonic() - started, 3)})


def _none(change: Change, reason: Exception) -> WayBackRehearsal:
    named = reason.differences if isinstance(reason, Unproven) else ()
    what = "the given down script does not lead back" if change.down.strip() else "none is derived"
    return WayBackRehearsal(
        says=f"{ONLY_A_RESTORE}: {what} ({reason})", why_not=str(reason), differences=named
    )


@dataclass
class _Trial:
    server: Server
    clones: Clones
    change: Change
    effect: Effect
    at_most_bytes: int
    role: str
    _before: Whole | None = None

    @property
    def before(self) -> Whole:
        if self._before is None:
            self._before = look(self.server)
        return self._before

    def given(self) -> WayBackRehearsal:
        before = self.before
        down = self.change.down
        with self.clones.clone() as clone:
            self._up(clone, "")
            after = snapshot_of(clone)
            self._back(clone, down)
            self._compare(before, clone)
            now = self._again(clone, "", down, after)
            order = reordered(before.snapshot, now.snapshot)
        written = written_by(read_script(down).statements)
        losses = given_losses(before.snapshot, after, now.snapshot, written)
        price = price_of(before.snapshot, after, None, order, losses)
        script = WayBackScript(
            name=self.change.name,
            down_sql=down,
            derived=False,
            proven=True,
            price=price,
            says="the given down script: up, down, up and down again gave the same schema and data",
        )
        return WayBackRehearsal(script=script, says=script.says, price=price)

    def derived(self) -> WayBackRehearsal:
        before = self.before
        with self.clones.clone() as clone:
            self._up(clone, "")
            explored = explore(self.server, clone, self.change, before.snapshot)
            if explored.capture.is_empty:
                return self._prove(clone, explored, "")
        self.settle_roles()
        capture = "".join(f"{s};\n" for s in explored.capture.taking())
        with self.clones.clone() as clone:
            self.clones.give_room(clone, self.role)
            self._up(clone, capture)
            return self._prove(clone, explored, capture)

    def settle_roles(self) -> None:
        """Take back what a migration changed in roles, which no clone keeps apart."""
        if self._before is None:
            return
        before = self._before.snapshot.roles
        with self.server.session() as session:
            now = read_roles(session)
        if before != now:
            self.clones.outside(change_roles(before, now))

    def _prove(self, clone: Server, explored: Explored, capture: str) -> WayBackRehearsal:
        kept = _size(clone, explored.capture.side_tables)
        if kept[1] > self.at_most_bytes:
            raise Unproven(
                f"what would be lost is too big to copy: {kept[1]:,} bytes of {kept[0]:,} rows, "
                f"at most {self.at_most_bytes:,}"
            )
        try:
            with acting(clone, self.role) as session:
                down = Derivation(session, explored, read_script(self.change.text)).run()
        except DrillbookError as error:
            raise Unproven(f"a statement of the way back failed: {error}") from error
        self._compare(self.before, clone)
        now = self._again(clone, capture, down, explored.after)
        order = reordered(self.before.snapshot, now.snapshot)
        price = price_of(explored.before, explored.after, explored.capture, order)
        script = WayBackScript(
            name=self.change.name,
            capture_sql=capture,
            down_sql=down,
            forget_sql="".join(f"{s};\n" for s in explored.capture.forgetting()),
            side_tables=explored.capture.side_tables,
            derived=True,
            proven=True,
            says="derived from the catalog: up, down, up and down again gave the same schema "
            f"and data{_copied(*kept, explored.capture)}",
            price=price,
        )
        return WayBackRehearsal(script=script, says=script.says, price=price, captured_rows=kept[0])

    def _up(self, clone: Server, capture: str) -> None:
        self.effect.still_mine()
        try:
            run_up(clone, self.change.text, capture, role=self.role)
        except Failed as error:
            if capture:
                raise Unproven(
                    f"copying before the migration stands in its way: {error}"
                ) from error
            raise Failed(f"{self.change.name} cannot be applied to the copy: {error}") from error

    def _back(self, clone: Server, down: str) -> None:
        try:
            run_down(clone, down, role=self.role)
        except DrillbookError as error:
            raise Unproven(f"a statement of the way back failed: {error}") from error

    def _again(self, clone: Server, capture: str, down: str, after: Snapshot) -> Whole:
        """Go up and down once more: what was left somewhere shows now."""
        try:
            run_up(clone, self.change.text, capture, role=self.role)
        except Failed as error:
            raise Unproven(f"after the way back it cannot be applied again: {error}") from error
        found = unlike(after, snapshot_of(clone))
        if found:
            raise Unproven(f"up again gave another schema: {found[0]}", found[:NAMED_AT_MOST])
        self._back(clone, down)
        return self._compare(self.before, clone)

    def _compare(self, before: Whole, clone: Server) -> Whole:
        now = look(clone, before.snapshot)
        found = (
            *differences(before.objects, now.objects),
            *unlike(before.snapshot, now.snapshot),
        )
        # Rows are only looked at where the tables are as before.
        found = found or (*unequal(before.rows, now.rows), *_behind(before, now))
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise Unproven(f"afterwards {found[0]}{more}", found[:NAMED_AT_MOST])
        return now


def look(server: Server, layout: Snapshot | None = None) -> Whole:
    """Read everything that is compared, the columns in the order of the layout."""
    with server.session(at_most=LONGEST_SECONDS) as session:
        snapshot = read_snapshot(session)
        state = read_state(session)
        missing = layout is not None and bool(unlike(layout, snapshot))
        rows = {} if missing else checksums(session, layout or snapshot)
        return Whole(snapshot, dict(state.objects), rows, places(session))


def _behind(before: Whole, now: Whole) -> list[str]:
    """Return the sequences that stand before where they stood: they may give a number again."""
    by_name = {place.name: place for place in now.places.values()}
    said = []
    for oid, place in before.places.items():
        found = by_name.get(place.name)
        thing = before.snapshot.things.get((1259, oid, 0))
        sign = -1 if thing is not None and int(thing.props["increment"]) < 0 else 1
        if found is None or (sign * found.last, found.called) < (sign * place.last, place.called):
            said.append(f"sequence {place.name} stands before {place.last}, where it stood")
    return said


def _size(clone: Server, tables: tuple[str, ...]) -> tuple[int, int]:
    rows = size = 0
    with clone.session(at_most=LONGEST_SECONDS) as session:
        for name in tables:
            text = f"SELECT count(*), pg_total_relation_size('{name}') FROM {name}"
            row = session.execute(text.encode()).fetchone()
            if row is not None:
                rows, size = rows + int(row[0]), size + int(row[1])
    return rows, size


def _copied(rows: int, size: int, capture: Capture) -> str:
    if not capture.losses:
        return ""
    tables = " and ".join(sorted(loss.table.name for loss in capture.losses))
    # Also where it copies no row: the lock is what the forecast does not know of.
    return (
        f"; {rows:,} rows ({size:,} bytes) are copied before it, and who writes to {tables} waits "
        "until its first transaction ends"
    )
