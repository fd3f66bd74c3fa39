"""One direction of a migration, unit by unit, each committed together with its ledger entry."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg
from psycopg import errors

from drillbook.analysis.statements import Statement
from drillbook.analysis.touching import Mode, touched
from drillbook.analysis.units import Lone, Unit
from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import DrillbookError, Failed, OutcomeUnknown, Refused, Unavailable
from drillbook.ports.migrations import Change
from drillbook.providers.postgres import ledger
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.lone import clear_failed, finish_begun, is_done, make_ready
from drillbook.providers.postgres.patience import Patience, named
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.sentences import as_ours, detail_of, first_line, is_lost
from drillbook.providers.postgres.server import Server, Session, set_locally
from drillbook.providers.postgres.story import Telling, placed
from drillbook.providers.postgres.waiting import Watch, watched

LONGEST_SECONDS = 7 * 86400.0
LONGEST_PAUSE_SECONDS = 10.0
LEAST_MILLISECONDS = 10
PRIVILEGES_OF_PARAMETERS = 150000
# SET, and what may call set_config: after these the time-outs are set again.
MAY_SET = frozenset({"variable_set_stmt", "select_stmt", "do_stmt", "call_stmt"})
END_IT = (
    "Wait until that transaction ends and try again, or end it: drillbook do database.blockers "
    "names it, database.end_session ends it."
)

Mark = Callable[[int, bool], None]


@dataclass(frozen=True, slots=True)
class Walk:
    """One direction of one migration; `mark` writes the units done and whether one is under way."""

    server: Server
    session: Session
    effect: Effect
    change: Change
    units: tuple[Unit, ...]
    mark: Mark
    telling: Telling
    up: bool = True

    @property
    def title(self) -> str:
        """The file in words."""
        return self.change.name if self.up else f"the way back of {self.change.name}"

    def go(self, done: int, *, under_way: bool) -> None:
        """Carry out what is not done yet."""
        change = self.change
        patience = Patience(
            self.session, self.effect, change.patience_seconds, change.lock_timeout_seconds
        )
        for position in range(done, len(self.units)):
            unit = self.units[position]
            cut_off = unit.lone if under_way and position == done else None
            if cut_off is not None and is_done(self.session, unit, cut_off):
                self._mark(position, position + 1, under_way=False)
                continue
            self._patiently(position, unit, patience)

    def _patiently(self, position: int, unit: Unit, patience: Patience) -> None:
        """
        Try as often as retries, patience and deadline allow; every try has its lock time-out.

        Before each try a look: behind a transaction that lasts nobody queues, for everybody else
        would queue behind us.
        """
        harmless = unit.lone is not None and unit.lone.waits_harmlessly
        wanted: Mapping[str, Mode] = {} if harmless else touched(unit.statements)
        says = placed(unit.statements[0].line, unit.statements[0].says)
        for tried in range(1, self.change.retries + 2):
            if blockers := patience.until_free(wanted, says):
                self.telling.waited(position, tried, named(blockers))
                raise self._in_the_way(position, named(blockers), patience.waited_seconds)
            if patience.waited_for:
                self.telling.waited(position, tried, patience.waited_for)
            with self._watched() as watch:
                try:
                    self._try(position, unit, watch, tried)
                except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
                    reason, cause = first_line(error), error
                else:
                    self.telling.stays()
                    return
            self._roll_back()
            self.telling.is_gone()
            self._pause(position, tried, watch, reason, cause)
        raise AssertionError("the last try returns or raises")

    def _try(self, position: int, unit: Unit, watch: Watch, tried: int) -> None:
        if unit.lone is not None:
            self._run_alone(position, unit, unit.lone, watch, tried)
        else:
            self._together(position, unit, watch, tried)

    def _watched(self) -> AbstractContextManager[Watch]:
        pid = self.session.info.backend_pid
        return watched(self.server, pid, self.telling.waits, self.effect.progress)

    def _pause(
        self, position: int, tried: int, watch: Watch, reason: str, cause: psycopg.Error
    ) -> None:
        """Wait a moment before the next try, or raise when there is none."""
        pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** (tried - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads tries, guards nothing
        blockers = watch.says or "a session that could not be seen"
        self.telling.waited(position, tried, blockers)
        self.effect.progress(f"waited for {blockers}; try {tried} ended: {reason}", None)
        if tried > self.change.retries or deadline.get().left(at_most=pause) < pause:
            raise self._not_free(position, tried, blockers) from cause
        time.sleep(pause)

    def _not_free(self, position: int, tried: int, blockers: str) -> DrillbookError:
        return Unavailable(
            f"{self.title}: a lock was not free within {self.change.lock_timeout_seconds:g} s, "
            f"tried {tried} times; it is held by {blockers}. {self._what_stays(position)}",
            hint=END_IT,
        )

    def _in_the_way(self, position: int, blockers: str, seconds: float) -> DrillbookError:
        return Unavailable(
            f"{self.title}: a transaction is in the way that did not end within "
            f"{seconds:.1f} s: {blockers}. Nobody was made to wait. "
            f"{self._what_stays(position)}",
            hint=END_IT,
        )

    def _together(self, position: int, unit: Unit, watch: Watch, tried: int) -> None:
        session = self.session
        committing = False
        at: Statement | None = None
        try:
            session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            self._guard()
            self._mark(position, position + 1, under_way=False)
            self._be_patient_only_so_long()
            first = self._number_of(position)
            for number, at in enumerate(unit.statements, first):
                self._run(number, at, watch, tried)
                self._limit_again(at, watch)
            self._see_the_mark(last=position + 1 == len(self.units))
            self.effect.still_mine()
            committing = True
            session.execute("COMMIT")
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            raise
        except psycopg.Error as error:
            raise self._failed(error, position, at, committing=committing) from error
        except BaseException:
            # Ours (the guard, the fence) or the interpreter's: nothing of the unit may stay.
            self._roll_back()
            raise

    def _run(self, number: int, at: Statement, watch: Watch, tried: int) -> None:
        says = placed(at.line, at.says)
        watch.at(says)
        began = time.monotonic()
        cursor = self.session.execute(at.text.encode())
        self.telling.ran(number, at, time.monotonic() - began, cursor.rowcount, tried)
        self.effect.progress(says, None)

    def _run_alone(self, position: int, unit: Unit, lone: Lone, watch: Watch, tried: int) -> None:
        statement = unit.statements[0]
        self.effect.still_mine()
        if self._make_ready(position, lone, statement):
            self._mark(position, position + 1, under_way=False)
            return
        self._mark(position, position, under_way=True)
        self.effect.progress(placed(statement.line, statement.says), None)
        try:
            self._be_patient_only_so_long(lone)
            self._run(self._number_of(position), statement, watch, tried)
        except psycopg.Error as error:
            if is_lost(error):
                raise OutcomeUnknown(
                    f"the connection to {self.server.where} was lost during line {statement.line} "
                    f"({statement.says}): {first_line(error)}",
                    hint="Look again when the server answers: what is half done is found there.",
                ) from error
            # Known to have failed: clear away what it left, so that a next try starts clean.
            clear_failed(self.session, lone)
            self._mark(position, position, under_way=False)
            if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected):
                raise
            raise self._failed(error, position, statement, committing=False) from error
        self._mark(position, position + 1, under_way=False)

    def _make_ready(self, position: int, lone: Lone, statement: Statement) -> bool:
        """Put right what a failed statement left; tell whether that was all there was to do."""
        try:
            self._be_patient_only_so_long(lone)
            for says in make_ready(self.session, lone):
                self.effect.progress(says, None)
                self.telling.repaired(position, says)
            return finish_begun(self.session, lone)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            raise
        except psycopg.Error as error:
            raise self._failed(error, position, statement, committing=False) from error

    def _number_of(self, position: int) -> int:
        return 1 + sum(len(unit.statements) for unit in self.units[:position])

    def _mark(self, position: int, done: int, *, under_way: bool) -> None:
        """Write the ledger as ourselves; then bring back what the file set in its session."""
        become_ourselves(self.session)
        self.mark(done, under_way)
        if self.up:
            ledger.tell(self.session, self.effect.key, self.telling.story())
        for unit in self.units[:position]:
            for statement in unit.statements:
                if statement.sets_for_session:
                    self.session.execute(statement.text.encode())

    def _be_patient_only_so_long(self, lone: Lone | None = None) -> None:
        local = lone is None
        # CONCURRENTLY waits without making anybody else wait.
        patience = 0 if lone is not None and lone.waits_harmlessly else self._lock_milliseconds
        left = deadline.get().left(at_most=LONGEST_SECONDS)
        set_locally(self.session, "lock_timeout", str(patience), local=local)
        set_locally(self.session, "statement_timeout", f"{left * 1000:.0f}", local=local)
        # An autovacuum gives way only after deadlock_timeout: that must come before our own.
        if self.session.info.server_version >= PRIVILEGES_OF_PARAMETERS:
            values = {"milliseconds": str(max(1, patience // 2) or 1), "local": local}
            self.session.execute(query("applying", "cancel_autovacuum_soon"), values)
        # Answering "committed" before it is on disk would make "done" a guess.
        row = self.session.execute("SHOW synchronous_commit").fetchone()
        if row and row[0] == "off":
            set_locally(self.session, "synchronous_commit", "local", local=local)

    def _limit_again(self, at: Statement, watch: Watch) -> None:
        """Keep waits below the lock time-out and the unit before its deadline, whatever it sets."""
        if at.kind in MAY_SET or watch.blocked_seconds:
            used = round(watch.blocked_seconds * 1000)
            left = max(LEAST_MILLISECONDS, self._lock_milliseconds - used)
            seconds = deadline.get().left(at_most=LONGEST_SECONDS)
            values = {
                "lock": min(left, self._lock_milliseconds),
                "statement": max(LEAST_MILLISECONDS, round(seconds * 1000)),
            }
            self.session.execute(query("applying", "limit_waits"), values)

    @property
    def _lock_milliseconds(self) -> int:
        return max(1, round(self.change.lock_timeout_seconds * 1000))  # 0 would wait for ever

    def _guard(self) -> None:
        """Let nobody else apply migrations in this database until the transaction ends."""
        row = self.session.execute(query("ledger", "try_lock")).fetchone()
        if not row or not row[0]:
            raise held(self.session, self.server.where)

    def _see_the_mark(self, *, last: bool) -> None:
        """Refuse to commit when the file changed the ledger; look as ourselves, not as its role."""
        if last:
            become_ourselves(self.session)
            ledger.stamp(self.session, self.effect.key)
            if self.up:
                ledger.tell(self.session, self.effect.key, self.telling.story())
            found = ledger.kept(self.session, self.effect.key)
        else:
            self.session.execute("SAVEPOINT drillbook_look")
            become_ourselves(self.session)
            found = ledger.kept(self.session, self.effect.key)
            # Taking the savepoint back also gives the file's role back to its next part.
            self.session.execute("ROLLBACK TO SAVEPOINT drillbook_look")
            self.session.execute("RELEASE SAVEPOINT drillbook_look")
        if found is None or found[:2] != (self.change.name, self.change.sha256):
            raise Failed(
                f"{self.title} changes Drillbook's own ledger; nothing of it was kept",
                hint="Take what touches schema drillbook out of the file.",
            )

    def _failed(
        self, error: psycopg.Error, position: int, at: Statement | None, *, committing: bool
    ) -> DrillbookError:
        if committing and is_lost(error):
            return OutcomeUnknown(
                f"the connection to {self.server.where} was lost while {self.title} was being "
                f"committed: {first_line(error)}",
                hint="Look again when the server answers: its ledger knows.",
            )
        self._roll_back()
        ours = as_ours(error, self.server.where)
        detail = detail_of(error)
        place = f"line {at.line}" if at is not None and at.line else "for the way back"
        where = f", {place} ({at.says})" if at is not None else ""
        said = str(ours) if is_lost(error) else first_line(error)
        return type(ours)(
            f"{self.title}{where}: {said}{f' ({detail})' if detail else ''}. "
            f"{self._what_stays(position)}",
            hint=ours.hint,
            again=ours.again,
        )

    def _what_stays(self, position: int) -> str:
        if position == 0:
            return "Nothing was changed."
        return f"The first {position} of {len(self.units)} parts stay done; a next try goes on."

    def _roll_back(self) -> None:
        if not self.session.closed and self.session.info.transaction_status.name != "IDLE":
            try:
                self.session.execute("ROLLBACK")
            except psycopg.Error:
                # The connection is gone, and with it the transaction.
                self.session.close()


def become_ourselves(session: Session) -> None:
    """Take back a SET ROLE or SET SESSION AUTHORIZATION of the file."""
    session.execute("RESET SESSION AUTHORIZATION")
    session.execute("RESET ROLE")


def held(session: Session, where: str) -> Refused:
    """Return the refusal that names who applies migrations in this database at the moment."""
    rows = session.execute(query("ledger", "lock_holders")).fetchall()
    holders = describe(session, dict(rows))
    who = " and ".join(holder.says for holder in holders) or "a session that ended just now"
    return Refused(
        f"another migration is being applied to {where} by {who}; nothing was changed",
        hint="Wait until it is done, then start again.",
    )
