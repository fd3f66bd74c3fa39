"""What a migration may have brought: by its time, by what it makes, and by what it took away."""

import re
from collections.abc import Iterator

from drillbook.analysis.culprit.scene import Badness, MigrationKnown, Scene, Trouble
from drillbook.analysis.culprit.symptoms import Reading, Symptom
from drillbook.analysis.culprit.timing import LEAST, Timing
from drillbook.analysis.culprit.weighing import TELLING, Case, person
from drillbook.analysis.schema_words import dropped_names
from drillbook.core.incident import Cause, CauseKind, Change, ChangeKind, Fix, FixKind

LOG, CODE, DATABASE_LOG = "log", "repository", "database log"
ENOUGH, AT_ONCE_SECONDS = 50, 5.0
IMPOSSIBLE = -20.0  # what is gone refuses nothing, whatever else fits
OF_SCHEMA = (Symptom.DATABASE_RULE, Symptom.DATABASE_OBJECT, Symptom.DATABASE_RIGHT)


def migration_cases(scene: Scene, trouble: Trouble, timed: Timing) -> Iterator[Case]:
    """
    Yield the migrations whose objects the errors name, or that came while the schema was refused.

    One that others wait for is a lock, and is named as one; one that slows a query down is told
    with the query.
    """
    if trouble.kinds[0] is Badness.SLOW:
        return  # what the schema refuses is refused at once
    dated = {one.subject for one in timed.changes if one.kind is ChangeKind.MIGRATION}
    of_schema = trouble.share(*OF_SCHEMA) >= TELLING
    for one in scene.migrations or ():
        named = _names(one, trouble.readings)
        # A database that refuses a row by a rule has that rule, whatever its ledger says.
        spoken_of = named >= TELLING and trouble.share(Symptom.DATABASE_RULE) >= TELLING
        may_be = named >= TELLING or (of_schema and one.name in dated)
        if spoken_of or (may_be and not one.in_code_only):
            yield _migration(one, named, scene, trouble, timed)


def _migration(
    one: MigrationKnown, named: float, scene: Scene, trouble: Trouble, timed: Timing
) -> Case:
    by_hand = "" if one.in_ledger else ", which no ledger has"
    case = Case(
        Cause(kind=CauseKind.MIGRATION, subject=one.name, says=f"migration {one.name}{by_hand}"),
        _taking_back(one),
        prior=0.0,
    )
    _dated(case, one, scene, trouble, timed)
    _undone(case, one, trouble)
    _served_since(case, one, trouble)
    case.fits(trouble, 3.0, -4.0, *OF_SCHEMA)
    if named >= TELLING:
        case.add(f"{named:.0%} of the errors name what it makes or changes", 1.0 + 4.0 * named, LOG)
    elif one.text:
        case.add("the errors name nothing that it makes or changes", -2.0, LOG)
    return case


def _served_since(case: Case, one: MigrationKnown, trouble: Trouble) -> None:
    """Weigh that the routes that fail answered well between it and what began."""
    if one.at is None:
        return
    hit, since = {each.route for each in trouble.telling}, one.at.timestamp() + AT_ONCE_SECONDS
    before = sum(each.route in hit and each.at > since for each in trouble.before)
    bad = sum(each.route in hit and each.at > since for each in trouble.before_bad)
    if before >= ENOUGH and bad * 20 <= before:
        case.add(
            f"{before} requests of those routes came between it and what began, {bad} of them "
            "went badly",
            -4.0,
            LOG,
        )


def _undone(case: Case, one: MigrationKnown, trouble: Trouble) -> None:
    """Weigh that what it made is gone again: then it refuses nothing, and may only be missed."""
    if one.undone_at is None:
        return
    at = f"{one.undone_at:%H:%M:%S} UTC"
    if trouble.share(Symptom.DATABASE_OBJECT) >= TELLING:
        case.fix = person(f"{one.name} was taken back at {at}: see whether it is needed")
    else:
        case.add(f"it was taken back at {at}", IMPOSSIBLE, "database", one.undone_at)


def _taking_back(one: MigrationKnown) -> Fix:
    if not one.has_file:
        return person(f"take back by hand what was done by hand: {one.name}")
    return Fix(
        kind=FixKind.TAKE_BACK_MIGRATION,
        says=f"take {one.name} back",
        harm="what was written since in its form may be lost",
        migration=one.name,
    )


def _dated(case: Case, one: MigrationKnown, scene: Scene, trouble: Trouble, timed: Timing) -> None:
    """Weigh when it came in force: by ledger or log, else by the release that it came with."""
    weight, change = _moment(one, trouble, timed)
    served = scene.serving
    if change is not None:
        what = "taken back" if _is_taking_back(one, change) else "applied"
        case.add(f"it was {what} at {change.at:%H:%M:%S} UTC", weight, change.source, change.at)
    elif one.at is not None:
        long = f"it was applied at {one.at:%Y-%m-%d %H:%M} UTC, long before"
        case.add(long, weight, "ledger", one.at)
    elif one.came_with_release and served is not None:
        weight, change = timed.of(ChangeKind.DEPLOYMENT, served.deployment.id)
        if change is not None:
            said = f"it came with the release that was given the users at {change.at:%H:%M:%S} UTC"
            case.add(said, max(weight, -1.0), CODE, change.at)
    else:
        case.prior = -2.0  # when it was applied is not known
        if any(each.source == DATABASE_LOG for each in timed.changes):
            case.add("the database's log tells of other changes, and not of it", -4.0, DATABASE_LOG)


def _moment(one: MigrationKnown, trouble: Trouble, timed: Timing) -> tuple[float, Change | None]:
    """
    Return which of its changes fits best, and how well.

    That it was taken back brings only that something is missed.
    """
    is_missed = trouble.share(Symptom.DATABASE_OBJECT) >= TELLING
    found = [
        (weight, change)
        for weight, change in zip(timed.weights, timed.changes, strict=True)
        if change.kind is ChangeKind.MIGRATION
        and change.subject == one.name
        and (is_missed or not _is_taking_back(one, change))
    ]
    if not found:
        return (LEAST if timed.known else 0.0), None
    return max(found, key=lambda each: each[0])


def _is_taking_back(one: MigrationKnown, change: Change) -> bool:
    """Whether this change of it is nearer to its taking back than to its being applied."""
    if one.undone_at is None:
        return False
    since_undone = abs(change.at - one.undone_at)
    return one.at is None or since_undone < abs(change.at - one.at)


def _names(one: MigrationKnown, readings: tuple[Reading, ...]) -> float:
    """Return the share of the errors that name something the migration's text names."""
    if not one.text or not readings:
        return 0.0
    text, dropped = one.text.lower(), dropped_names(one.text)
    hits = 0
    for read in readings:
        about = read.about if read.symptom in OF_SCHEMA else ""
        words = [word.rpartition(".")[2].lower() for word in (about, read.routine) if word]
        if read.symptom is not Symptom.DATABASE_OBJECT:
            words = [word for word in words if word not in dropped]  # what is gone refuses nothing
        hits += any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)
    return hits / len(readings)
