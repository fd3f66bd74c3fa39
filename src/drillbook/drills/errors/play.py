"""Play one case on a range that goes on: settle, break, watch the product, look, mend."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from drillbook.core.errors import DrillbookError
from drillbook.core.record import EntryKind
from drillbook.drills.errors.case import Case, Facts
from drillbook.drills.errors.product import Product
from drillbook.drills.errors.repairs import Kept, keep, put_back
from drillbook.drills.errors.result import Course, Result, judged
from drillbook.drills.errors.sessions_seen import SessionsSeen
from drillbook.drills.errors.users import Users, harm_of
from drillbook.drills.errors.world import World, look, written_between
from drillbook.engine.outcome import State
from drillbook.range import practice
from drillbook.range.faults.fault import Ground
from drillbook.range.faults.snapshot import serving
from drillbook.watch.incidents import Incident

LOOK_SECONDS = 0.5
# Users must have been well for so long before anything breaks.
WELL_SECONDS, SETTLE_SECONDS, REST_SECONDS = 10.0, 90.0, 20.0
LONGEST_WAIT_SECONDS = 4.0
MOST_CLOSED, SEEN_SECONDS = 3, 3.0
# Whoever has not noticed by then has missed it; the runbook is then started by hand.
NOTICE_SECONDS, QUIET_SECONDS = 40.0, 15.0
RUN_SECONDS, CALM_SECONDS = 150.0, 4.0
# With nobody to help, harm is looked at for so long.
ALONE_SECONDS = 15.0
HOLDER = "report worker"
WAITED = "waited for a person"
TOLD = (
    EntryKind.TASK_DONE, EntryKind.TASK_FAILED, EntryKind.TASK_ASKED, EntryKind.TASK_UNKNOWN,
    EntryKind.RUN_STARTED, EntryKind.RUN_ENDED, EntryKind.WAY_BACK_STARTED,
)  # fmt: skip
Say = Callable[[str], None]


@dataclass(slots=True)
class Site:
    """One range that many cases are played on, with its users and the product that watches it."""

    ground: Ground
    users: Users
    product: Product | None
    say: Say


def play(case: Case, site: Site, seed: int, chance: Random) -> Result:
    """Play a case on a range at rest and judge it; the range is as before afterwards."""
    begun = time.monotonic()
    time.sleep(chance.uniform(0, LONGEST_WAIT_SECONDS))
    restless = rest(site)
    kept = keep(site.ground)
    before = look(site.ground.cloud)
    try:
        result = _carried_out(case, site, seed, chance, before)
    except DrillbookError as error:
        result = blank(case, seed, str(error))
    finally:
        trouble = mended(case, site, kept, chance)
    words = "; ".join(filter(None, (result.trouble, trouble)))
    seconds = round(time.monotonic() - begun, 1)
    more = {"trouble": words, "seconds": seconds, "restless": restless}
    return result.model_copy(update=more)


def blank(case: Case, seed: int, trouble: str) -> Result:
    """Return the result of a case of which nothing is known but what went wrong."""
    return Result(case=case.name, seed=seed, healthy=case.healthy, felt=case.felt, trouble=trouble)


def settle(site: Site) -> bool:
    """Wait until users have been well for a while, and learn from them what is usual."""
    ends = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < ends:
        since = datetime.now(UTC) - timedelta(seconds=WELL_SECONDS)
        if site.users.are_well(since):
            site.users.learn(since, datetime.now(UTC))
            rest(site)
            return True
        time.sleep(LOOK_SECONDS)
    return False


def rest(site: Site) -> int:
    """
    Wait until the lookout sees as well that nothing is wrong; else do as a person would then.

    Return how many incidents were closed by hand, of which nobody had anything.
    """
    if site.product is None:
        return 0
    closed = 0
    for _ in range(MOST_CLOSED):
        ends = time.monotonic() + REST_SECONDS
        while time.monotonic() < ends:
            if site.product.is_calm():
                return closed
            time.sleep(LOOK_SECONDS)
        says = site.product.close()
        site.say(f"closed by hand: {'; '.join(says)}")
        closed += len(says)
        time.sleep(SEEN_SECONDS)  # what still holds is opened again by then
    return closed


def _carried_out(case: Case, site: Site, seed: int, chance: Random, before: World) -> Result:
    ground = site.ground
    served = serving(ground.cloud, ground.name)
    broken_at = datetime.now(UTC)
    with SessionsSeen(ground.environment).looking() as seen:
        if case.fault:
            practice.break_(ground.folder, case.fault, tied=True)
        case.act(ground, chance)
        serves = serving(ground.cloud, ground.name)
        broken = look(ground.cloud)
    broken = replace(broken, sessions=seen.all_with(broken.sessions))
    facts = Facts(
        cloud=ground.cloud, before=before, broken=broken, served=served,
        serves=serves,
        holders=tuple(each.pid for each in broken.sessions if each.name == HOLDER),
    )  # fmt: skip
    # Only now: the product may have mended it before the last of them is answered.
    case.meanwhile(ground, chance)
    course = _watched(case, site, broken_at)
    written = written_between(ground.cloud, broken, look(ground.cloud))
    harm = harm_of(site.users, broken_at, course.ended, slow=case.slow)
    steps = site.product.steps(course.run) if site.product and course.run else []
    return judged(case, seed, facts, course, harm, steps, written)


def _watched(case: Case, site: Site, broken_at: datetime) -> Course:
    """Follow the product until its run ends; start it by hand where it does not notice."""
    if site.product is None:
        time.sleep(ALONE_SECONDS)
        return Course(broken=broken_at, ended=datetime.now(UTC))
    incident = _noticed(case, site.product, broken_at)
    run = incident.run if incident else site.product.begin()
    site.say(f"run {run}, {'opened by the lookout' if incident else 'started by hand'}")
    state, reason = _followed(site.product, run, site.say)
    time.sleep(CALM_SECONDS)  # what users meet now is what they are left with
    return Course(
        run=run,
        state=state,
        reason=reason,
        broken=broken_at,
        opened=incident.opened_at if incident else None,
        started=site.product.started(run),
        ended=datetime.now(UTC),
    )


def _noticed(case: Case, product: Product, since: datetime) -> Incident | None:
    """Wait for the lookout; None when it saw nothing in the time that is given."""
    ends = time.monotonic() + (NOTICE_SECONDS if case.felt else QUIET_SECONDS)
    while time.monotonic() < ends:
        found = [each for each in product.incidents(since) if each.started]
        if found:
            return found[0]
        time.sleep(LOOK_SECONDS)
    return None


def _followed(product: Product, run: str, say: Say) -> tuple[str, str]:
    seen, ends = -1, time.monotonic() + RUN_SECONDS
    runs = product.runs
    while (outcome := runs.outcome(run)) is None:
        for entry in runs.entries(run, after=seen):
            seen = entry.index
            if entry.kind in TOLD:
                error = str(entry.data.get("error") or "")[:160]
                say(f"{entry.at:%H:%M:%S} {entry.kind} {entry.task} {error}".rstrip())
        state = runs.state(run)
        if state is State.DEAD:
            return State.DEAD, "the run ended by an error"
        if state is State.WAITING:
            waits = ", ".join(each.task for each in runs.show(run).waits)
            runs.kill(run)
            return WAITED, f"{waits} waited for a person"
        if time.monotonic() > ends:
            runs.kill(run)
            return "not ended", f"the run did not end within {RUN_SECONDS:g} s"
        runs.journal.wait(run, after=seen, timeout_seconds=LOOK_SECONDS)
    return outcome.state, outcome.reason


def mended(case: Case, site: Site, kept: Kept, chance: Random) -> str:
    """Mend the fault and put back whatever else is not as before; say what did not go."""
    trouble = ""
    try:
        if case.fault:
            practice.mend(site.ground.folder, case.fault, tied=True)
        case.after(site.ground, chance)
    except (DrillbookError, OSError) as error:
        trouble = f"mending: {error}"
    with suppress(DrillbookError):
        put_back(site.ground, kept)
    return trouble
