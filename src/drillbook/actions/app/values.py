"""Which values of the app's environment changed: names, when, by whom; never what they hold."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.app.subject import domain
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.secret import scrub_foreign
from drillbook.core.waiting import bounded, check_watch
from drillbook.ports.deployments import Deployments, EnvironmentValues
from drillbook.triage.serving import served_before

AT_MOST = parse_duration("10s")
ONE_DAY = parse_duration("24h")
MOST_BUILDS = 20
SYSTEM = "system"


class ValueChanged(Frozen):
    """One value by its name; `in_force` says whether the build that serves was given it so."""

    name: str
    kind: str
    what: str
    at: datetime | None
    in_force: bool
    by: str


class ValuesSince(Frozen):
    """
    The values that were set or taken away since, and those in which the serving build differs.

    `gone` and `added` compare the names that the serving build and the one before were given.
    `known` False: the hosting did not tell.
    """

    ok: bool
    known: bool
    changed: tuple[ValueChanged, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]
    not_in_force: tuple[str, ...]
    build: str
    before: str
    says: str


@domain.read
def values(
    values: EnvironmentValues, deployments: Deployments, *, window: Duration = ONE_DAY
) -> ValuesSince:
    """Tell which environment values were changed, when and by whom: names, never what they hold."""
    check_watch(window=window)
    try:
        with bounded(AT_MOST):  # triage does not wait for a hosting that is away
            return _looked(values, deployments, window)
    except DrillbookError as error:
        return ValuesSince(
            ok=False, known=False, changed=(), gone=(), added=(), not_in_force=(), build="",
            before="", says=f"not known: {scrub_foreign(str(error))}",
        )  # fmt: skip


def _looked(values: EnvironmentValues, deployments: Deployments, window: Duration) -> ValuesSince:
    since = datetime.now(UTC) - timedelta(seconds=window.total_seconds())
    hosting = deployments.hosting()
    serving = hosting.serving
    before = served_before(hosting, deployments.recent(MOST_BUILDS), ())
    here = values.values()
    system = {one.key for one in here if one.kind == SYSTEM}
    given = _given(values, serving.id) if serving else None
    earlier = _given(values, before.id) if before else None
    gone = tuple(sorted(set(earlier or ()) - set(given or earlier or ()) - system))
    added = tuple(sorted(set(given or ()) - set(earlier if earlier is not None else given or ())))
    built, by = (serving.created, serving.by) if serving else (None, "")
    changed = tuple(
        ValueChanged(
            name=one.key,
            kind=one.kind,
            what="added" if one.created == one.changed else "changed",
            at=one.changed,
            in_force=built is not None and one.changed <= built,
            by=by if built is not None and one.changed <= built else "",
        )
        for one in here
        if one.kind != SYSTEM and one.changed >= since
    ) + tuple(
        ValueChanged(name=name, kind="", what="taken away", at=built, in_force=True, by=by)
        for name in gone
    )
    waiting = tuple(one.name for one in changed if not one.in_force)
    return ValuesSince(
        ok=not changed,
        known=True,
        changed=changed,
        gone=gone,
        added=added,
        not_in_force=waiting,
        build=serving.id if serving else "",
        before=before.id if before else "",
        says=_says(changed, waiting, window),
    )


def _given(values: EnvironmentValues, build: str) -> tuple[str, ...] | None:
    try:
        return values.of_build(build)
    except DrillbookError:
        return None  # not known: then nothing is said of what is gone or added


def _says(changed: tuple[ValueChanged, ...], waiting: tuple[str, ...], window: Duration) -> str:
    if not changed:
        return f"no environment value was changed in the last {show_duration(window)}"
    told = ", ".join(f"{one.name} {one.what}" for one in changed)
    late = f"; the serving build has not yet: {', '.join(waiting)}" if waiting else ""
    lately = show_duration(window)
    return f"{len(changed)} environment values changed in the last {lately}: {told}{late}"
