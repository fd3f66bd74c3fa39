"""What came of one case, measured: in seconds from the first harmed request by users' own word."""

from datetime import datetime

from drillbook.core.incident import FixKind
from drillbook.core.model import Frozen
from drillbook.drills.errors.case import Case, Facts, Said
from drillbook.drills.errors.product import CULPRIT, WATCH, Step
from drillbook.drills.errors.rights import wrong_writes
from drillbook.drills.errors.users import Harm
from drillbook.drills.errors.world import Written

RIGHT, NONE, WRONG, MISSING = "right", "none", "wrong", "missing"
NORMAL = "NORMAL"
# Within so many seconds of the watch's word users must be well by their own.
AGREES_SECONDS = 3.0
MOST_TOLD = 6


class Result(Frozen):
    """One case of one seed: when what was known, whether it was right, and what was written."""

    case: str
    seed: int
    healthy: bool
    felt: bool
    run: str = ""
    state: str = ""
    reason: str = ""
    opened: bool = False
    requests: int = 0
    harmed: int = 0
    errors: tuple[str, ...] = ()
    noticed: float | None = None
    diagnosed: float | None = None
    mitigated: float | None = None
    verified: float | None = None
    triage: float | None = None
    named: str = MISSING
    cause: str = ""
    subject: str = ""
    says: str = ""
    fix: str = ""
    fix_right: bool = False
    written: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    wrong_writes: int = 0
    trouble: str = ""
    restless: int = 0
    seconds: float = 0.0
    at: datetime | None = None

    @property
    def named_right(self) -> bool:
        """Whether what was to be named was named, or nothing where there was nothing to name."""
        return self.named == RIGHT or (not self.felt and self.named == NONE)

    @property
    def named_wrong(self) -> bool:
        """Whether something was named that was not so."""
        return self.named == WRONG


class Course(Frozen):
    """What was seen of the product in one case, with its moments."""

    run: str = ""
    state: str = ""
    reason: str = ""
    broken: datetime
    opened: datetime | None = None
    started: datetime | None = None
    ended: datetime


def judged(
    case: Case,
    seed: int,
    facts: Facts,
    course: Course,
    harm: Harm,
    steps: list[Step],
    written: tuple[Written, ...],
) -> Result:
    """Judge a case by the clients' record and the world; the product is asked only what it said."""
    first = harm.first or course.broken
    culprit = next((step for step in steps if step.does == CULPRIT and step.result), None)
    said = culprit.result if culprit else {}
    mitigated = harm.well_since if harm.is_real else None
    verified = _verified(steps, harm)
    wrong = wrong_writes(case, facts, written)
    return Result(
        case=case.name,
        seed=seed,
        healthy=case.healthy,
        felt=case.felt,
        run=course.run,
        state=course.state,
        reason=course.reason,
        opened=course.opened is not None,
        requests=harm.requests,
        harmed=harm.harmed,
        errors=harm.errors,
        noticed=_seconds(first, course.opened),
        diagnosed=_seconds(first, culprit.at if culprit else None),
        mitigated=_seconds(first, mitigated),
        verified=_seconds(first, verified),
        triage=_seconds(course.started or first, culprit.at if culprit else None),
        named=_named(case, said, facts) if culprit else MISSING,
        cause=str(said.get("kind") or ""),
        subject=str(said.get("subject") or ""),
        says=str(said.get("says") or "")[:600],
        fix=str(said.get("fix") or ""),
        fix_right=_fix_is_right(case, said, facts),
        written=told(written),
        wrong=told(wrong),
        wrong_writes=len(wrong),
        at=course.broken,
    )


def told(written: tuple[Written, ...]) -> tuple[str, ...]:
    """Return what was written in lines, of many alike the first few and how many more."""
    lines: list[str] = []
    alike: dict[tuple[str, str], int] = {}
    for each in written:
        kind = (each.part, each.how)
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] <= MOST_TOLD:
            lines.append(each.says)
    more = {kind: number - MOST_TOLD for kind, number in alike.items() if number > MOST_TOLD}
    return (*lines, *(f"{part}: {number} more {how}" for (part, how), number in more.items()))


def _named(case: Case, said: Said, facts: Facts) -> str:
    if not said.get("found"):
        return NONE
    return RIGHT if any(cause.is_named(said, facts) for cause in case.causes) else WRONG


def _fix_is_right(case: Case, said: Said, facts: Facts) -> bool:
    if not case.felt:
        return said.get("fix", FixKind.NONE) in (FixKind.NONE, FixKind.PERSON, "")
    return any(remedy.is_proposed(said, facts) for remedy in case.remedies)


def _verified(steps: list[Step], harm: Harm) -> datetime | None:
    """Return when the product said that all is normal, if users had been well by then."""
    said = [step for step in steps if step.does == WATCH and step.result]
    last = said[-1] if said else None
    if last is None or last.result.get("verdict") != NORMAL or harm.well_since is None:
        return None
    agrees = (harm.well_since - last.at).total_seconds() <= AGREES_SECONDS
    return last.at if agrees else None


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - begin).total_seconds(), 1)
