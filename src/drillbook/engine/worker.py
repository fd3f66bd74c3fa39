"""The worker: a process that carries runs out and takes over those of dead workers."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from drillbook.core.catalog import Bindings, Catalog
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.core.secret import scrub
from drillbook.engine.fleet import BEAT_SECONDS, Fleet
from drillbook.engine.fleet_files import FileFleet
from drillbook.engine.journal import Entry, open_journal
from drillbook.engine.keeping import EXIT_UNRECORDED, Keeping
from drillbook.engine.messages import Start
from drillbook.engine.progress import Progress
from drillbook.engine.recorder import Recorder
from drillbook.engine.steps import Steps
from drillbook.engine.store import (
    QUEUE,
    QUEUE_POLL_SECONDS,
    STEP_PROTOCOL,
    UNDER_WAY,
    WORKFLOW,
    Store,
    configuration,
    prepare,
    quiet,
    store_errors,
)
from drillbook.engine.wakeups import Wakeups

if TYPE_CHECKING:
    from drillbook.engine.scope import Json

IDLE_SECONDS = 30.0
TAKE_OVER_TRIES = 10
ORPHANS_SECONDS = 10.0


@dataclass
class Worker:
    """One worker of a store. `start`, then `wait`; a process that ends just ends: all is stored."""

    store: Store
    catalog: Catalog
    bindings: Bindings
    _said: str = ""

    def start(self) -> None:
        """Join the fleet, launch the engine and begin to take over."""
        prepare(self.store)
        with store_errors(self.store):
            self._journal = open_journal(self.store.url, self.store.home)
            self._fleet = _fleet(self.store)
            self._files = _identities(self.store)
            self._fleet.join()
            self._stop, self._at_work = Event(), Event()
            self._threads: list[Thread] = []
            self._repeat(BEAT_SECONDS, self._beat)
            # At once: a frozen peer may hold the very file that the start waits for.
            self._repeat(BEAT_SECONDS, self._take_over)
            self._launch()
        self._note(EntryKind.WORKER_STARTED, self._fleet.executor, {"steps": STEP_PROTOCOL})
        self._at_work.set()
        self._repeat(ORPHANS_SECONDS, self._adopt)

    def _launch(self) -> None:
        from dbos import DBOS

        quiet()
        keeping = Keeping(self._journal, self._stop)
        self._recorder = Recorder(keeping)
        dbos: DBOS = DBOS(config=configuration(self.store, self._fleet.executor))  # type: ignore[arg-type]  # a TypedDict with every key optional
        steps = Steps(
            catalog=self.catalog,
            bindings=self.bindings,
            journal=keeping,
            recorder=self._recorder,
            progress=Progress(self.store.home / "progress"),
            still_mine=self._fleet.still_mine,
            cancel_asked=self._cancel_asked,
            stopping=self._stop.is_set,
            alone=self._fleet.alone,
            give_up=self._give_up,
        )
        register(steps)
        DBOS.launch()
        self._wakeups = Wakeups(self.store, dbos)
        self._wakeups.start()
        DBOS.register_queue(QUEUE, polling_interval_sec=QUEUE_POLL_SECONDS)
        self._dbos = dbos

    def wait(self, *, until_idle: bool) -> bool:
        """Work until a signal says stop; True when nothing has been under way for a while."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        idle_since = monotonic()
        while not self._stop.wait(1.0):
            if not until_idle:
                continue
            if self._under_way():
                idle_since = monotonic()
            elif monotonic() - idle_since > IDLE_SECONDS:
                return True
        return False

    def _cancel_asked(self, run: str) -> bool:
        return self._wakeups.cancel_asked(run)

    def leave(self) -> None:
        """Give the lock back before this process ends; only for a worker with nothing to do."""
        self._stop.set()
        for thread in self._threads:
            thread.join()  # a beat without a lock would end the process before its last look
        self._fleet.leave()

    def _under_way(self) -> bool:
        from dbos import DBOS
        from sqlalchemy.exc import SQLAlchemyError

        try:
            found = DBOS.list_workflows(
                status=UNDER_WAY, app_version=STEP_PROTOCOL, limit=1, load_input=False
            )
        except SQLAlchemyError:
            return True  # the store is away for a moment, and nobody can tell
        return bool(found)

    def _repeat(self, seconds: float, do: Callable[[], None]) -> None:
        self._threads.append(Thread(target=self._every, args=(seconds, do), daemon=True))
        self._threads[-1].start()

    def _every(self, seconds: float, do: Callable[[], None]) -> None:
        while True:
            try:
                do()
            except Exception as error:  # noqa: BLE001 - a thread that ended would be missed by nobody
                self._say(f"error: {do.__name__.strip('_')} will be tried again: {error}")
            if self._stop.wait(seconds):
                return

    def _say(self, says: str) -> None:
        says = scrub(says).strip().partition("\n")[0]
        if says != self._said:
            self._said = says
            sys.stderr.write(f"{says}\n")
            sys.stderr.flush()

    def _give_up(self, says: str, error: Exception) -> None:
        """End this process at once: what is under way goes on with the next worker."""
        self._say(f"error: {says}: {getattr(error, 'orig', None) or error}")
        os._exit(EXIT_UNRECORDED)

    def _beat(self) -> None:
        self._fleet.beat()
        if _identities(self.store) != self._files:
            self._say("error: the store's files were removed or replaced; this worker ends")
            os._exit(EXIT_UNRECORDED)

    def _take_over(self) -> None:
        for executor in self._fleet.dead():
            if self._at_work.is_set():
                self._recover(executor)
                self._fleet.forget(executor)

    def _adopt(self) -> None:
        """Take over runs of workers nobody knows of any more: their lock was removed by hand."""
        owners = self._wakeups.owners()  # first: whoever joins afterwards can own none of these
        for executor in owners - self._fleet.known():
            self._recover(executor)

    def _recover(self, executor: str) -> None:
        from dbos import DBOS

        # facts-engine, gap 1: the guarded call is private; it re-queues what is still pending
        for _ in range(TAKE_OVER_TRIES):
            if not DBOS._recover_pending_workflows([executor]):  # noqa: SLF001
                break
        unique = f"{self._fleet.executor}<{executor}"
        self._note(EntryKind.WORKER_TOOK_OVER, unique, {"from": executor})

    def _note(self, kind: EntryKind, unique: str, data: "Json") -> None:
        at, by = datetime.now(UTC), self._fleet.executor
        self._journal.append(
            Entry(run="", kind=kind, by=by, at=at, data=data, key=f"{kind}/{unique}")
        )


def register(steps: Steps) -> None:
    """Register the one workflow; its name and step order are the step protocol."""
    from dbos import DBOS

    from drillbook.engine.interpreter import interpret

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    async def run(plan: dict[str, Any], start: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
        ended = await interpret(steps, Plan.model_validate(plan), Start.model_validate(start))
        return ended.model_dump(mode="json")


def _fleet(store: Store) -> Fleet:
    if not store.is_postgres:
        return FileFleet(store.home)
    from drillbook.engine.fleet_postgres import PostgresFleet

    return PostgresFleet(store)


def _identities(store: Store) -> tuple[tuple[int, int] | None, ...]:
    """Return which files a SQLite store is made of: written on, a removed one is lost silently."""
    if store.is_postgres:
        return ()
    return tuple(_identity(path) for path in (store.path, store.home / "journal.db"))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
