"""What leads back from a migration: said before it starts, carried out, and compared."""

from collections.abc import Mapping

from typing_extensions import Unpack

from drillbook.actions.migration.subject import Given
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.reading import read
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import Failed, UndoImpossible
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.ports.database import Database
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status
from drillbook.ports.ways_back import ONLY_A_RESTORE, WayBackScript

RESTORE_COSTS = "a restore loses what is written after the backup"


class Before(Frozen):
    """The schema before a migration, and what an approval must show: forecast and way back."""

    fingerprint: str
    objects: dict[str, str]
    forecast: str = ""
    way_back: str = ""


class TakenBack(Frozen):
    """A migration that is no longer in a database."""

    name: str
    was_applied: bool
    fingerprint: str


def remember(
    database: Database, migrations: Migrations, effect: Effect, **given: Unpack[Given]
) -> Before:
    """Remember the schema before the migration, and what is known of its danger."""
    state = database.catalog()
    forecast = given.get("forecast")
    told = way_back({"way_back": None, **given})
    return Before(
        fingerprint=state.fingerprint,
        objects=state.objects,
        forecast=forecast.says if forecast is not None else "",
        way_back="; ".join(filter(None, (told.says, told.price))),
    )


def way_back(values: Mapping[str, object]) -> WayBack:
    """Say which script takes the migration back, and what no script brings back."""
    file, down = values.get("file"), values.get("down")
    script = values.get("way_back")
    if isinstance(script, WayBackScript) and script.proven:
        return WayBack(possible=True, says=_proven(script), price=_price(file, script))
    if down is not None:
        name = down.name if isinstance(down, File) else str(down)
        says = f"runs {name} and compares the schema with the one remembered"
        is_later = "way_back" not in values
        says += "; the rehearsal proves it first" if is_later else "; no rehearsal has proven it"
        return WayBack(possible=True, says=says, price=_price(file))
    if "way_back" not in values:  # a value that a task of the run will give
        says = "runs the script that the rehearsal derives and proves; where it finds none, "
        return WayBack(
            possible=True, says=f"{says}{ONLY_A_RESTORE}, and {RESTORE_COSTS}", price=_price(file)
        )
    return WayBack(possible=False, says=f"no down script: {ONLY_A_RESTORE}", price=RESTORE_COSTS)


def _proven(script: WayBackScript) -> str:
    how = "derived" if script.derived else "given"
    return f"runs {script.name} ({how}, proven on a copy): {script.says}"


def _price(file: object, script: WayBackScript | None = None) -> str:
    if script is not None:
        return script.price
    price = "; ".join(read(file).destructive) if isinstance(file, File) else ""
    return f"does not bring back: {price}" if price else ""


def taken_back(migrations: Migrations, effect: Effect, change: Change) -> LedgerRow | None:
    """Take back what an effect applied; None when it applied nothing."""
    row = migrations.settle(effect)
    if row is None or row.status is Status.TAKEN_BACK:
        return row
    if not change.down and (row.done or row.status is Status.APPLIED):
        raise UndoImpossible(
            f"{change.name} came without a down script; {ONLY_A_RESTORE}",
            hint="Restore the backup taken before it.",
        )
    return migrations.take_back(change, effect)


def as_before(before: Before, database: Database, name: str, *, was_applied: bool) -> TakenBack:
    """Compare the schema with the one remembered; what somebody else changed shows as well."""
    state = database.catalog()
    if was_applied and state.fingerprint != before.fingerprint:
        said = differences(before.objects, state.objects)
        raise Failed(
            f"{name} was taken back, but the schema is not as before: {'; '.join(said)}",
            hint="Compare these objects by hand, or restore the backup taken before.",
        )
    return TakenBack(name=name, was_applied=was_applied, fingerprint=state.fingerprint)
