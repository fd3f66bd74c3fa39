"""Try a migration for real on a database that may break: staging."""

from dataclasses import replace

from typing_extensions import Unpack

from drillbook.actions.migration.returning import (
    Before,
    TakenBack,
    as_before,
    remember,
    taken_back,
)
from drillbook.actions.migration.returning import way_back as way_back_of
from drillbook.actions.migration.subject import (
    LOCK_TIMEOUT,
    PATIENCE,
    RETRIES,
    Given,
    change_of,
    domain,
)
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.reading import refuse_broken
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.database import Database
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status
from drillbook.ports.ways_back import WayBackScript

PROVEN, BROKEN, NO_WAY_BACK = "proven", "broken", "none"
VERDICTS = {
    PROVEN: "up, down and up again gave equal schemas",
    NO_WAY_BACK: "there is no down script: only a restore leads back",
}


class Tried(Frozen):
    """A migration tried for real: what the schema is then, and whether the way back holds."""

    name: str
    way_back: str
    way_back_says: str
    fingerprint: str
    objects: dict[str, str]
    seconds: float
    statements: int
    already: bool


@domain.write
def try_(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    way_back: WayBackScript | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
    patience: Duration = PATIENCE,
) -> Tried:
    """Try a migration for real: up; with a way back also down, compared, and up again."""
    refuse_broken(file)
    if down is not None:
        refuse_broken(down)
    change = change_of(
        file, down, way_back=way_back, lock_timeout=lock_timeout, retries=retries,
        patience=patience,
    )  # fmt: skip
    there = migrations.in_force(file.name)
    trial = _trial(effect)
    if there is not None and there.effect_key not in {effect.key, trial.key}:
        if there.status is Status.APPLIED and there.sha256 in {"", file.sha256}:
            return _already(database, there)
        raise Refused(
            f"{file.name} is there already, {there.status}, with sha256 {there.sha256[:12]} by "
            f"{there.run}; this one has {file.sha256[:12]}; nothing was changed",
            hint=f"Take that one back first: drillbook undo {there.run}",
        )
    if change.down:
        trial_row = _try_both_ways(database, migrations, change, trial)
        if trial_row.status is Status.APPLIED:
            return _tried(trial_row, trial_row)
    else:
        trial_row = None
    row = _up_again(migrations, change, effect, trial_row)
    proven = trial_row is not None and trial_row.way_back == PROVEN
    if proven and trial_row is not None and row.fingerprint_after != trial_row.fingerprint_after:
        says = differences(trial_row.objects_after, row.objects_after)
        broken = f"{BROKEN}: up again gave another schema: {'; '.join(says)}"
        migrations.judge(trial, broken)
        trial_row = trial_row.model_copy(update={"way_back": broken})
    return _tried(row, trial_row)


def _up_again(
    migrations: Migrations, change: Change, effect: Effect, trial_row: LedgerRow | None
) -> LedgerRow:
    try:
        return migrations.apply(change, effect)
    except Failed as error:
        if trial_row is None or trial_row.way_back == PROVEN:
            raise
        raise Failed(
            f"after its down script {change.name} cannot be applied again: {error}",
            hint="Mend the down script: it does not lead back to the schema before.",
        ) from error


def _try_both_ways(
    database: Database, migrations: Migrations, change: Change, trial: Effect
) -> LedgerRow:
    """Go up and down once; the row says in `way_back` what that showed."""
    row = migrations.apply(change, trial)
    if row.way_back:
        return row
    try:
        row = migrations.take_back(change, trial)
    except (Failed, Refused) as error:
        verdict = f"{BROKEN}: {error}"
    else:
        verdict = PROVEN
        if row.fingerprint_back != row.fingerprint_before:
            said = differences(row.objects_before, database.catalog().objects)
            verdict = f"{BROKEN}: after the down script {'; '.join(said)}"
    migrations.judge(trial, verdict)
    return row.model_copy(update={"way_back": verdict})


@try_.looking
def look_tried(
    database: Database, migrations: Migrations, effect: Effect, **given: Unpack[Given]
) -> Tried | None:
    """End what an earlier attempt left running, then ask the ledger."""
    row = migrations.settle(effect)
    trial_row = migrations.settle(_trial(effect))
    if row is not None and row.status is Status.APPLIED:
        return _tried(row, trial_row)
    if trial_row is not None and trial_row.status is Status.APPLIED and trial_row.way_back:
        return _tried(trial_row, trial_row)
    return None


@try_.undone_by(remembering=remember)
def take_trial_back(
    before: Before,
    database: Database,
    migrations: Migrations,
    effect: Effect,
    **given: Unpack[Given],
) -> TakenBack:
    """Run the down script and compare the schema with the one remembered."""
    change = change_of(**given)
    rows = [taken_back(migrations, one, change) for one in (effect, _trial(effect))]
    return as_before(before, database, given["file"].name, was_applied=any(rows))


try_.telling_way_back(way_back_of)


def _trial(effect: Effect) -> Effect:
    return replace(effect, key=f"{effect.key}:trial")


def _already(database: Database, row: LedgerRow) -> Tried:
    state = database.catalog()
    return Tried(
        name=row.name,
        way_back=NO_WAY_BACK,
        way_back_says=f"it was applied here before, by {row.run or row.applied_by}",
        fingerprint=state.fingerprint,
        objects=state.objects,
        seconds=round(row.seconds, 3),
        statements=row.statements,
        already=True,
    )


def _tried(row: LedgerRow, trial: LedgerRow | None) -> Tried:
    verdict, _, says = (trial.way_back if trial is not None else NO_WAY_BACK).partition(": ")
    return Tried(
        name=row.name,
        way_back=verdict or BROKEN,
        way_back_says=says or VERDICTS.get(verdict, ""),
        fingerprint=row.fingerprint_after,
        objects=row.objects_after,
        seconds=round(row.seconds, 3),
        statements=row.statements,
        already=False,
    )
