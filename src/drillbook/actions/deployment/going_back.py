"""Which release to go back to, and whether that is safe: known before anybody goes."""

from datetime import UTC, datetime

from drillbook.actions.deployment.changed_since import Looked, changed_since
from drillbook.actions.deployment.looking import named, what_serves
from drillbook.actions.deployment.own_word import SHORTEST_COMMIT, is_commit
from drillbook.actions.deployment.subject import domain
from drillbook.analysis.going_back import Facts, Reason, Verdict, judge
from drillbook.core.errors import NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.ports.deployments import (
    Cron,
    Deployment,
    Deployments,
    EnvironmentValues,
    Hosting,
    Stage,
)
from drillbook.ports.migration_files import Ledgers
from drillbook.ports.repository import Repository

MIGRATIONS = "supabase/migrations"
NINETY_DAYS = parse_duration("90d")
MOST_LOOKED_AT = 100
HEXADECIMAL = set("0123456789abcdef")


class ReleaseBefore(Frozen):
    """
    A release to go back to, and the judgement of going there.

    `to` is what `deployment.rollback` takes; `passed_over` are newer builds that were not chosen,
    with the reason of each.
    """

    verdict: Verdict
    is_safe: bool
    to: str
    commit: str
    url: str
    created: datetime | None
    serving: str
    serving_commit: str
    reasons: tuple[Reason, ...]
    unknown: tuple[Reason, ...]
    notes: tuple[str, ...]
    passed_over: tuple[str, ...]
    says: str


@domain.read
def way_back(
    deployments: Deployments,
    values: EnvironmentValues,
    repository: Repository,
    ledgers: Ledgers,
    *,
    to: str = "",
    avoid: tuple[str, ...] = (),
    restoring: str = "",
    migrations: str = MIGRATIONS,
    oldest: Duration = NINETY_DAYS,
) -> ReleaseBefore:
    """
    Choose the release that served before, and say whether going back to it is safe.

    `to` names another one, by its id, URL or commit; `avoid` names builds or commits known as bad:
    of what was rolled back from the platform remembers the last alone.

    `restoring` names a value that is wrong since: that the earlier build has another one is then
    what is wanted, and no reason against it.

    Unsafe: a migration since that the earlier code does not stand, a value or a schedule changed
    since, a build that is gone, failed, never served or was rolled back from. `migrations` is
    their folder in the code.
    """
    hosting = deployments.hosting()
    serving = _to_leave(deployments, hosting)
    passed: list[str] = []
    build = (
        _named_build(deployments, to)
        if to
        else _chosen(deployments, hosting, serving, avoid, passed)
    )
    facts = _facts(
        deployments, values, build, to, hosting, serving,
        _migrations(repository, ledgers, build, serving, migrations), oldest, restoring,
    )  # fmt: skip
    judged = judge(facts)
    return ReleaseBefore(
        verdict=judged.verdict,
        is_safe=judged.verdict is Verdict.SAFE,
        to=build.id if build else to,
        commit=build.commit if build else "",
        url=build.url if build else "",
        created=build.created if build else None,
        serving=serving.id,
        serving_commit=serving.commit,
        reasons=judged.reasons,
        unknown=judged.unknown,
        notes=judged.notes,
        passed_over=tuple(passed),
        says=judged.says,
    )


def _named_build(deployments: Deployments, to: str) -> Deployment | None:
    """Return the build of this id, URL or commit; None where the platform has it no more."""
    wanted = to.strip()
    if len(wanted) >= SHORTEST_COMMIT and set(wanted.lower()) <= HEXADECIMAL:
        builds = [*deployments.of_commit(wanted.lower())] or [
            one for one in deployments.recent(MOST_LOOKED_AT) if is_commit(one.commit, wanted)
        ]
        if not builds:
            return None
        served = [one for one in builds if one.stage is Stage.READY and one.has_served]
        return deployments.find((served or builds)[0].id)
    try:
        return deployments.find(wanted)
    except NotFound:
        return None


def _to_leave(deployments: Deployments, hosting: Hosting) -> Deployment:
    """Return the build the users are to be taken from: in a rolling release the one that comes."""
    if hosting.rolling_to:
        return deployments.find(hosting.rolling_to)
    return what_serves(hosting)


def _chosen(
    deployments: Deployments,
    hosting: Hosting,
    serving: Deployment,
    avoid: tuple[str, ...],
    passed: list[str],
) -> Deployment:
    """Return the newest build before what serves that is ready, served, and was not given up."""
    before = _served_before(deployments, hosting, serving)
    for one in deployments.recent(MOST_LOOKED_AT):
        if one.id == serving.id or one.created > serving.created:
            continue
        why = _unfit(one, hosting, avoid) or _left_before(one, before)
        if why:
            passed.append(f"{named(one)}: {why}")
            continue
        try:
            return deployments.find(one.id)  # the list does not tell its schedule
        except NotFound:
            passed.append(f"{named(one)}: it is gone")
    told = f" ({'; '.join(passed[:3])})" if passed else ""
    raise NotFound(
        f"among the latest {MOST_LOOKED_AT} builds there is no release to go back to before "
        f"{named(serving)}{told}",
        hint="Correct forward: a new build, or deployment.redeploy when a value was wrong.",
    )


def _served_before(
    deployments: Deployments, hosting: Hosting, serving: Deployment
) -> Deployment | None:
    """Return the build that a promotion or rollback took the users from; None when not known."""
    switch = hosting.switching
    if switch is None or switch.to != serving.id or not switch.from_:
        return None
    try:
        return deployments.find(switch.from_)
    except NotFound:
        return None


def _left_before(build: Deployment, before: Deployment | None) -> str:
    """Say that a build had lost the users before what serves was given them."""
    if before is None or build.id == before.id or build.created <= before.created:
        return ""
    return f"{named(before)} served after it, right before what serves now"


def _unfit(build: Deployment, hosting: Hosting, avoid: tuple[str, ...]) -> str:
    if build.stage is not Stage.READY:
        return f"it is {build.stage}"
    if build.has_served is False:
        return "it never served"
    if build.id in avoid or any(is_commit(build.commit, one) for one in avoid):
        return "it is to be avoided"
    return "it was rolled back from" if build.id in hosting.rolled_back_from else ""


def _migrations(
    repository: Repository,
    ledgers: Ledgers,
    build: Deployment | None,
    serving: Deployment,
    folder: str,
) -> Looked:
    if build is None:
        return Looked()  # there is nothing to compare with, and the verdict is clear
    return changed_since(repository, ledgers, build, serving, folder)


def _facts(
    deployments: Deployments,
    values: EnvironmentValues,
    build: Deployment | None,
    name: str,
    hosting: Hosting,
    serving: Deployment,
    looked: Looked,
    oldest: Duration,
    restoring: str,
) -> Facts:
    return Facts(
        build_name=named(build) if build else name,
        build=build,
        serving=serving,
        now=datetime.now(UTC),
        oldest=oldest,
        migrations=looked.since,
        migrations_unknown=tuple(looked.unknown),
        values=values.values(),
        given=_names_of(values, build.id) if build else (),
        given_now=_names_of(values, serving.id),
        crons_then=build.crons if build else (),
        crons_now=_crons_now(deployments, hosting, serving),
        rolled_back_from=hosting.rolled_back_from,
        restoring=restoring,
    )


def _names_of(values: EnvironmentValues, build: str) -> tuple[str, ...] | None:
    try:
        return values.of_build(build)
    except (NotFound, Refused):
        return None  # told by the judgement as not known


def _crons_now(deployments: Deployments, hosting: Hosting, serving: Deployment) -> tuple[Cron, ...]:
    """Return the schedule in force; where the platform keeps none of its own, the build's."""
    if hosting.crons_of:
        return hosting.crons
    return deployments.find(serving.id).crons or ()
