"""Rehearse a migration on a copy of production before anybody waits for it."""

from datetime import timedelta
from enum import StrEnum

from drillbook.actions.migration.subject import domain
from drillbook.analysis.reading import refuse_broken
from drillbook.core.behaviour import Broken
from drillbook.core.effect import Effect, Evidence
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.migrations import Change
from drillbook.ports.rehearsals import (
    CopyTaken,
    Forecast,
    How,
    Rehearsal,
    Rehearsals,
    StatementFailed,
    TableBlocked,
)
from drillbook.ports.ways_back import ONLY_A_RESTORE, WayBackRehearsal

DANGEROUS = timedelta(milliseconds=100)
# The class of SQL states for connections that could not be made: here those out of the copy.
CONNECTIONS = "08"
NO_NETWORK = "; a copy has no network, so that nothing outside is called"
NOT_TRIED = WayBackRehearsal(says=ONLY_A_RESTORE, why_not="it was not tried")


class Verdict(StrEnum):
    """What a rehearsal came to, the worst last."""

    SAFE = "safe"
    DANGEROUS = "dangerous"
    BREAKS = "breaks"
    FAILS = "fails"


class CopyKind(StrEnum):
    """How the copy is made."""

    AUTO = "auto"
    PHYSICAL = "physical"
    LOGICAL = "logical"


class Rehearsed(Frozen):
    """
    A migration that was rehearsed on a copy.

    `verdict`: it fails, it breaks what worked, it blocks users, or none of these. `broken` names
    what worked before and does not after, `blocked` where probes waited on the copy. The whole
    measurement is kept as evidence.
    """

    name: str
    sha256: str
    verdict: Verdict
    says: str
    forecast: Forecast
    blocked: tuple[TableBlocked, ...]
    failed: StatementFailed | None
    broken: tuple[Broken, ...]
    widened: tuple[str, ...]
    unsure: tuple[str, ...]
    compared: int
    way_back: WayBackRehearsal
    fingerprint_before: str
    fingerprint: str
    objects: dict[str, str]
    copied: CopyTaken
    statements: int
    seconds: float
    measurement: Evidence


@domain.additive(because="it works on a copy that is thrown away")
def rehearse(
    rehearsals: Rehearsals,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    kind: CopyKind = CopyKind.AUTO,
    from_backup: str = "",
    dangerous: Duration = DANGEROUS,
) -> Rehearsed:
    """Apply a migration to a copy of production under load: who waits, what breaks, what fails."""
    refuse_broken(file)
    if down is not None:
        refuse_broken(down)
    how = How(
        physical=None if kind is CopyKind.AUTO else kind is CopyKind.PHYSICAL,
        from_backup=from_backup,
        threshold_seconds=dangerous.total_seconds(),
    )
    found = rehearsals.rehearse(_change(file, down), effect, how)
    name = f"rehearsal of {file.name}.json"
    kept = effect.keep(name, found.model_dump_json(indent=1).encode(), "application/json")
    return _rehearsed(file, found, kept)


@rehearse.looking
def look_rehearsed(
    rehearsals: Rehearsals,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    kind: CopyKind = CopyKind.AUTO,
    from_backup: str = "",
    dangerous: Duration = DANGEROUS,
) -> Rehearsed | None:
    """Find nothing: a copy is gone with its attempt, and so is what it showed."""
    return None


def _change(file: File, down: File | None) -> Change:
    return Change(
        name=file.name,
        sha256=file.sha256,
        text=file.text,
        down=down.text if down is not None else "",
    )


def verdict_of(found: Rehearsal) -> Verdict:
    """Return the worst that is so."""
    if found.failed is not None:
        return Verdict.FAILS
    if found.behaviour is not None and found.behaviour.broken:
        return Verdict.BREAKS
    return Verdict.DANGEROUS if found.forecast.dangerous else Verdict.SAFE


def says_of(found: Rehearsal) -> str:
    """Return a rehearsal in one sentence."""
    if (failed := found.failed) is not None:
        detail = f" ({failed.detail})" if failed.detail else ""
        alone = failed.sqlstate.startswith(CONNECTIONS) and not found.copied.warnings
        reason = NO_NETWORK if alone else ""
        return f"line {failed.line} ({failed.says}) fails: {failed.message}{detail}{reason}"
    if found.behaviour is not None and found.behaviour.broken:
        return f"it applies and breaks what worked: {found.behaviour.says}"
    return found.forecast.says


def _rehearsed(file: File, found: Rehearsal, kept: Evidence) -> Rehearsed:
    behaviour = found.behaviour
    return Rehearsed(
        name=file.name,
        sha256=file.sha256,
        verdict=verdict_of(found),
        says=says_of(found),
        forecast=found.forecast,
        blocked=tuple(b for b in found.blocked if max(b.reads_seconds, b.writes_seconds) > 0),
        failed=found.failed,
        broken=behaviour.broken if behaviour else (),
        widened=behaviour.widened if behaviour else (),
        unsure=behaviour.unsure if behaviour else (),
        compared=behaviour.compared if behaviour else 0,
        way_back=found.way_back or NOT_TRIED,
        fingerprint_before=found.fingerprint_before,
        fingerprint=found.fingerprint,
        objects=found.objects,
        copied=found.copied,
        statements=len(found.statements),
        seconds=round(sum(one.seconds for one in found.statements), 3),
        measurement=kept,
    )
