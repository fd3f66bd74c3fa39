"""Who holds what others wait for, and what is read whole again and again."""

import re
from collections.abc import Iterator

from drillbook.analysis.culprit.databases import VITALS, is_near, to_end
from drillbook.analysis.culprit.scene import Badness, Scene, Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.weighing import Case, person
from drillbook.core.incident import Cause, CauseKind, Fix, FixKind
from drillbook.core.vitals import Blocker, TableUse

LONG_HELD_SECONDS, LONG_WAIT_SECONDS = 5.0, 2.0
STRONG_LOCK = 5.0
BUSY_ROWS_PER_SECOND = 50_000.0
MANY_ROWS = 2000.0
TIMES_BEFORE = 5.0
_DROPPED = re.compile(
    r"\bDROP\s+INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+EXISTS\s+)?(?P<name>[\w.\"]+)", re.IGNORECASE
)


def waiting_cases(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    """Yield the sessions that others wait for, and the table that is scanned."""
    yield from _locked(scene, trouble)
    yield from _slow(scene, trouble)


def _locked(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    vitals = scene.vitals
    if vitals is None:
        return
    for blocker in vitals.blockers[:3]:
        waits = [one for one in vitals.waiting if blocker.pid in one.blocked_by]
        longest = max((one.seconds for one in vitals.waiting), default=0.0)
        held = blocker.transaction_seconds
        if held < LONG_HELD_SECONDS and longest < 1.0:
            continue  # one writer waiting for another for a moment is everyday
        relation = next((one.relation for one in waits if one.relation), "")
        who = blocker.application or blocker.user
        case = Case(
            Cause(
                kind=CauseKind.LOCK,
                subject=f"pid {blocker.pid} {who}".strip(),
                says=f"{blocker.waiting} sessions wait for {blocker.says}"
                f"{f', on {relation}' if relation else ''}",
            ),
            Fix(
                kind=FixKind.END_SESSIONS,
                says=f"end pid {blocker.pid} ({who})",
                harm="what it had not committed is lost to its client",
                sessions=(to_end(blocker),),
                role=blocker.user,
            ),
        )
        case.add(
            f"{blocker.waiting} sessions wait for pid {blocker.pid}, whose transaction is "
            f"{held:.0f} s old; the longest wait is {longest:.1f} s",
            STRONG_LOCK if blocker.waiting else 2.0,
            VITALS,
        )
        names = {one.application for one in vitals.waiting}
        case.of_the_app = blocker.application in names
        _lock_time(case, trouble, blocker, waits_long=longest >= LONG_WAIT_SECONDS)
        case.fits(
            trouble,
            2.5,
            -1.5,
            Symptom.DATABASE_LOCK,
            Symptom.DATABASE_LONG,
            Symptom.POOL,
            Symptom.DATABASE_FULL,
            Symptom.NO_ANSWER,
        )
        yield case


def _lock_time(case: Case, trouble: Trouble, blocker: Blocker, *, waits_long: bool) -> None:
    started = blocker.transaction_started
    if started is None:
        return
    if is_near(trouble, started.timestamp()):
        case.add(
            f"its transaction began at {started:%H:%M:%S} UTC, when it became worse",
            3.0,
            VITALS,
            started,
        )
    elif started.timestamp() > trouble.onset.latest:
        case.add(
            f"its transaction began at {started:%H:%M:%S} UTC, after it became worse",
            # Who waits now is logged when the wait is over: what is logged may be of another time.
            -1.0 if waits_long else -3.0,
            VITALS,
            started,
        )


def _slow(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    vitals = scene.vitals
    if vitals is None or not (
        trouble.has(Badness.SLOW) or trouble.share(Symptom.DATABASE_LONG, Symptom.POOL)
    ):
        return
    busy = [one for one in vitals.tables if _is_scanned(one)]
    if not busy:
        return
    table = max(busy, key=lambda one: (bool(one.unindexed), one.rows_per_second))
    lacks = f"; no index begins with {', '.join(table.unindexed)}" if table.unindexed else ""
    case = Case(
        Cause(
            kind=CauseKind.SLOW_QUERY,
            subject=table.table,
            says=f"{table.table} ({table.rows} rows) is read whole again and again{lacks}",
        ),
        person(f"make the index that {table.table} lacks{lacks}, CONCURRENTLY, as a migration"),
    )
    case.add(
        f"{table.rows_per_second:,.0f} rows of {table.table} are read a second by scans of the "
        f"whole table, {table.before_per_second:,.0f} on average before",
        3.5,
        VITALS,
    )
    if table.unindexed:
        case.add(f"no index of {table.table} begins with {', '.join(table.unindexed)}", 1.5, VITALS)
    _index_gone(case, scene, trouble)
    slow = [one for one in vitals.running if not one.waits_for.startswith("Lock")]
    if slow:
        case.add(
            f"{slow[0].sessions} sessions are at it, the oldest for {slow[0].longest_seconds:.1f} "
            f"s: {slow[0].query}",
            1.0,
            VITALS,
        )
    case.fits(trouble, 1.5, 0.5, Symptom.DATABASE_LONG, Symptom.POOL)
    yield case


def _index_gone(case: Case, scene: Scene, trouble: Trouble) -> None:
    """Weigh an index that was dropped when it became worse, by a tool or by hand."""
    for one in scene.migrations or ():
        if one.at is None or not is_near(trouble, one.at.timestamp()):
            continue
        dropped = _DROPPED.search(one.text)
        if dropped is not None:
            case.is_root = True
            case.add(
                f"the index {dropped['name']} was dropped at {one.at:%H:%M:%S} UTC",
                3.0,
                "database log",
                one.at,
            )


def _is_scanned(table: TableUse) -> bool:
    return (
        table.read_per_scan >= MANY_ROWS
        and table.rows_per_second >= BUSY_ROWS_PER_SECOND
        and table.rows_per_second >= TIMES_BEFORE * table.before_per_second
    )
