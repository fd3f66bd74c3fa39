"""The `Migrations` port: exactly once, because ledger row and migration commit together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from drillbook.analysis.fingerprint import fingerprint
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import Unit, units_of
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, UndoImpossible
from drillbook.ports.migrations import Change, LedgerRow, Status, Story
from drillbook.providers.postgres import ledger, retiring, supabase_ledger
from drillbook.providers.postgres.catalog import read_objects, read_state
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.lone import is_done
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.side_tables import missing
from drillbook.providers.postgres.story import Telling, note_story
from drillbook.providers.postgres.walking import LONGEST_SECONDS, Walk, become_ourselves, held


@dataclass(frozen=True, slots=True)
class PostgresMigrations:
    """Applies migrations to one database and keeps the ledger there."""

    server: Server

    def settle(self, effect: Effect) -> LedgerRow | None:
        """End what an earlier attempt of this effect left running; return its ledger row."""
        with self._session("drillbook look") as session:
            end_leftovers(session, effect.key, self.server.where)
            if not ledger.exists(session) or ledger.by_key(session, effect.key) is None:
                return None
            row = _completed(session, effect.key)
        if row.status is Status.APPLIED:
            # A kill may have come between the commit and its notes.
            note_story(effect, row.story)
        return row

    def in_force(self, name: str) -> LedgerRow | None:
        """Return the row of the migration of this name that is applied or half applied."""
        with self.server.session() as session:
            return ledger.in_force(session, name)

    def apply(self, change: Change, effect: Effect) -> LedgerRow:
        """Apply a migration, going on where an earlier attempt of this effect stopped."""
        units = _units(change)
        new = ledger.new_row(
            effect,
            change.name,
            change.sha256,
            statements=sum(
                len(unit.statements) for unit in units_of(read_script(change.text).statements)
            ),
            units=len(units),
        )
        with self._alone(effect, units) as session:
            row = ledger.by_key(session, effect.key)
            if row is not None and row.status is not Status.APPLYING:
                return _completed(session, effect.key)

            def mark(done: int, under_way: bool) -> None:
                with _one_transaction(session):
                    if ledger.kept(session, effect.key) is None:
                        there = ledger.in_force(session, change.name)
                        _refuse_second(there, change, self.server.where)
                        _insert(session, new, done=done, under_way=under_way)
                    else:
                        _advance(session, effect.key, len(units), True, done, under_way)
                    if done == len(units) and change.takes_back:
                        retiring.retire(session, effect.key, change.takes_back)
                    elif done == len(units):
                        supabase_ledger.record(session, change)

            telling = Telling(effect, up=True, before=row.story if row else Story())
            walk = Walk(self.server, session, effect, change, units, mark, telling)
            walk.go(row.done if row else 0, under_way=bool(row and row.under_way))
            ledger.tell(session, effect.key, telling.story())
            found = _completed(session, effect.key)
        if row is not None or found.story.rest is not None:
            note_story(effect, found.story)  # what a kill kept from being noted, and the sum
        return found

    def take_back(self, change: Change, effect: Effect) -> LedgerRow:
        """Run the down script of a migration this effect applied."""
        units = units_of(read_script(change.down).statements) if change.down.strip() else ()
        with self._alone(effect, units) as session:
            row = self._settled(session, change, effect)
            if row.status is Status.TAKEN_BACK:
                return _completed(session, effect.key)
            mark = partial(_take_out, session, effect.key, len(units), change)
            if row.status is Status.APPLYING and not row.done:
                ledger.advance(session, effect.key, up=False, done=0, units=0)
                return _completed(session, effect.key)
            if not units:
                raise UndoImpossible(
                    f"{change.name} came without a down script; only a restore leads back",
                    hint="Restore the backup taken before it.",
                )
            self._refuse_forgotten(session, row, change)
            telling = Telling(effect, up=False)
            walk = Walk(self.server, session, effect, change, units, mark, telling, up=False)
            try:
                walk.go(row.undone, under_way=row.under_way)
            except Failed as error:
                raise _told_of_half(error, row) from error
            return _completed(session, effect.key)

    def _refuse_forgotten(self, session: Session, row: LedgerRow, change: Change) -> None:
        """Stop before the first statement when what the way back needs was let go."""
        # On the way down itself they go with its last statements.
        gone = missing(session, change.side_tables) if row.status is Status.APPLIED else ()
        if gone:
            raise UndoImpossible(
                f"the rows that the way back of {change.name} needs are gone from "
                f"{self.server.where} ({', '.join(gone)}): they were let go after it was applied; "
                "nothing was changed",
                hint="Restore the backup taken before it.",
            )

    def _settled(self, session: Session, change: Change, effect: Effect) -> LedgerRow:
        """Return the row; a lone statement cut off on the way up is found done or not done."""
        row = ledger.by_key(session, effect.key)
        if row is None:
            raise Failed(f"{change.name} has no row in the ledger of {self.server.where}")
        if row.status is not Status.APPLYING or not row.under_way:
            return row
        unit = _units(change)[row.done]
        done = row.done + int(unit.lone is not None and is_done(session, unit, unit.lone))
        # Still "applying", even when that was the last one: the way down begins from here.
        ledger.cut_off(session, effect.key, done=done)
        return row.model_copy(update={"done": done, "under_way": False})

    def judge(self, effect: Effect, way_back: str) -> None:
        """Write down what a trial of the way back showed."""
        with self._session(session_name(effect.key)) as session:
            ledger.judge(session, effect.key, way_back)

    @contextmanager
    def _session(self, application: str) -> Iterator[Session]:
        with self.server.session(application=application, at_most=LONGEST_SECONDS) as session:
            yield session

    @contextmanager
    def _alone(self, effect: Effect, units: tuple[Unit, ...]) -> Iterator[Session]:
        """Open the effect's session; several units need the lock in between as well."""
        effect.still_mine()
        with self._session(session_name(effect.key)) as session:
            end_leftovers(session, effect.key, self.server.where)
            ledger.ensure(session)
            if len(units) > 1 or any(unit.lone for unit in units):
                row = session.execute(query("ledger", "try_session_lock")).fetchone()
                if not row or not row[0]:
                    raise held(session, self.server.where)
            yield session


def _units(change: Change) -> tuple[Unit, ...]:
    """Return what commits together; what the way back needs is kept with the first of it."""
    units = units_of(read_script(change.text).statements)
    if not change.capture.strip():
        return units
    capture = tuple(replace(one, line=0) for one in read_script(change.capture).statements)
    at = next((at for at, unit in enumerate(units) if unit.lone is None), None)
    if at is None:
        return (Unit(capture), *units)
    first = Unit(capture + units[at].statements)
    return (*units[:at], first, *units[at + 1 :])


@contextmanager
def _one_transaction(session: Session) -> Iterator[None]:
    """Go on in the transaction at hand, else in one of its own."""
    if session.info.transaction_status.name == "INTRANS":
        yield
        return
    with session.transaction():
        yield


def _insert(session: Session, new: LedgerRow, *, done: int, under_way: bool) -> None:
    """Write the first row together with what the schema was before; inside a transaction."""
    session.execute("SAVEPOINT drillbook_before")
    objects = read_objects(session)
    # Taking the savepoint back takes back the settings that reading needs.
    session.execute("ROLLBACK TO SAVEPOINT drillbook_before")
    session.execute("RELEASE SAVEPOINT drillbook_before")
    changed = {
        "done": done,
        "under_way": under_way,
        "objects_before": objects,
        "fingerprint_before": fingerprint(objects),
    }
    ledger.insert(session, new.model_copy(update=changed))


def _advance(session: Session, key: str, units: int, up: bool, done: int, under_way: bool) -> None:
    ledger.advance(session, key, up=up, done=done, units=units, under_way=under_way)


def _take_out(
    session: Session, key: str, units: int, change: Change, done: int, under_way: bool
) -> None:
    with _one_transaction(session):
        _advance(session, key, units, False, done, under_way)
        if done >= units and change.takes_back:
            retiring.reinstate(session, key)
        elif done >= units:
            supabase_ledger.forget(session, change)


def _completed(session: Session, key: str) -> LedgerRow:
    """Return an effect's row; add what the schema looked like afterwards if that is missing."""
    become_ourselves(session)
    row = ledger.by_key(session, key)
    if row is None:
        raise Failed(f"the ledger's row of {key} is gone", hint="Somebody took it out by hand.")
    up = row.status is Status.APPLIED and not row.fingerprint_after
    down = row.status is Status.TAKEN_BACK and not row.fingerprint_back
    if not (up or down):
        return row
    state = read_state(session)
    ledger.complete(session, key, up=up, fingerprint=state.fingerprint, objects=state.objects)
    return ledger.by_key(session, key) or row


def _told_of_half(error: Failed, row: LedgerRow) -> Failed:
    """Say that a way back of the whole may not fit a half that was applied."""
    if row.done >= row.units:
        return error
    return Failed(
        f"{error} {row.name} was applied in part only, {row.done} of {row.units} parts, and its "
        "way back is made for the whole",
        hint=f"Apply the rest (drillbook resume {row.run}) and take it back then, or mend by hand.",
        again=error.again,
    )


def _refuse_second(row: LedgerRow | None, change: Change, where: str) -> None:
    if row is None:
        return
    when = f" at {row.applied_at:%Y-%m-%d %H:%M} UTC" if row.applied_at else ""
    if row.sha256 and row.sha256 != change.sha256:
        raise Refused(
            f"{change.name} is already in {where} with other contents (sha256 "
            f"{row.sha256[:12]}, this one {change.sha256[:12]}), applied{when} by {row.run}; "
            "nothing was changed",
            hint="Give the new contents a name of their own.",
        )
    if row.status is Status.APPLIED:
        raise Refused(
            f"{change.name} is already applied to {where}{when} by {row.run or row.applied_by}; "
            "nothing was changed",
            hint="There is nothing to do; to apply it anew, take it back first.",
        )
    raise Refused(
        f"{change.name} is half applied to {where} ({row.done} of {row.units} parts) by {row.run}; "
        "nothing was changed",
        hint=f"Resume or undo that run: drillbook resume {row.run}",
    )
