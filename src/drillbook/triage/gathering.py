"""
Look at everything at once, each part with a time of its own, and put it into one scene.

A part that hangs, fails or is not configured is None in the scene, and named as unknown.
"""

# mypy: disable-error-code="type-abstract"

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from drillbook.analysis.culprit.environment_values import differing
from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.culprit.scene import (
    Door,
    FileDiff,
    LimiterSeen,
    Outside,
    Scene,
    Served,
)
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.trouble import Felt, find_silent
from drillbook.core.deployments import Deployment, EnvironmentValue, Hosting
from drillbook.core.incident import Change, PartState, SourceState
from drillbook.core.migration_files import LedgerEntry
from drillbook.core.vitals import Vitals
from drillbook.ports.auth_state import AuthSeen
from drillbook.ports.dependencies import DependencySeen
from drillbook.ports.limits import LimitsSeen
from drillbook.ports.logs import Logs, LogSpan
from drillbook.ports.platform import Disk
from drillbook.ports.probe import Probe
from drillbook.ports.status_pages import Posted
from drillbook.ports.systems import Systems
from drillbook.triage import timeline
from drillbook.triage.asking import first_looks, optional, restorable, second_looks
from drillbook.triage.lines import Read, with_builds
from drillbook.triage.looks import Look, Looks
from drillbook.triage.serving import builds_of, served_before
from drillbook.triage.sharing import Found, shared

NOTHING = Read((), (), ())
UNREAD = Felt(None, "what users feel is not known: the log was not read")
FIRST_SECONDS, SECOND_SECONDS, THIRD_SECONDS = 15.0, 8.0, 3.0
# What is another within seconds; builds, values and ledgers are asked once.
CHANGES_SOON = frozenset(
    {"logs", "app", "database", "login service", "dependencies", "limits", "status pages"}
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The scene, what users feel in words, and how each part answered."""

    scene: Scene
    felt: Felt
    read: Read
    start: datetime
    sources: tuple[SourceState, ...] = ()
    parts: tuple[PartState, ...] = ()
    hosting: Hosting | None = None
    set_since: tuple[Change, ...] = ()
    looks: Looks = field(default_factory=Looks)
    value: str = ""  # whose name the stack was asked for


def gather(
    logs: Logs,
    systems: Systems,
    start: datetime,
    *,
    migrations: str,
    without: frozenset[str] = frozenset(),
    earlier: Gathered | None = None,
    seconds: float = FIRST_SECONDS,
) -> Gathered:
    """
    Look at everything that the environment has, but not at `without`; changes nothing.

    With an `earlier` look only what is another within seconds is asked again; of a part that is
    late now its answer stays.
    """
    now = datetime.now(UTC)
    looks, found = _looked(logs, systems, start, now, migrations, without, earlier, seconds)
    hosting, recent = looks.get("hosting", Hosting), looks.several("deployments", Deployment)
    read, felt = with_builds(found.read, found.felt, _builds(hosting, recent))
    seen = timeline.switched(read.requests)
    if looks.has("logs"):  # of a log that was not read, nobody knows that no request comes
        felt = _silent(found, read, looks.get("app", Door)) or felt
    changes, scene = _scene(looks, read, felt, hosting, recent, seen, start, now)
    name = felt.trouble.about(Symptom.VALUE_MISSING) if felt.trouble is not None else ""
    looks = _with_value(looks, systems, name, earlier)
    scene = replace(scene, restorable=looks.several("stack's values", str))
    return Gathered(
        scene=scene,
        felt=felt,
        read=read,
        start=start,
        sources=found.span.sources,
        parts=tuple(looks.parts),
        hosting=hosting,
        set_since=changes,
        looks=looks,
        value=name,
    )


def _looked(
    logs: Logs,
    systems: Systems,
    start: datetime,
    now: datetime,
    migrations: str,
    without: frozenset[str],
    earlier: Gathered | None,
    seconds: float,
) -> tuple[Looks, Found]:
    """Ask every part, and what the log tells; a log that is late is waited for a second time."""
    looks = Looks()
    asked = {
        "logs": lambda: shared.look(logs, _own_paths(systems), now - start, seconds),
        **first_looks(systems, start),
    }
    if earlier is not None:
        looks = earlier.looks.but(CHANGES_SOON)
        without |= asked.keys() - CHANGES_SOON
    again = {name: asked[name] for name in asked if name not in without}
    looks.look(again, seconds, earlier.looks if earlier is not None else None)
    hosting, recent = looks.get("hosting", Hosting), looks.several("deployments", Deployment)
    found = _found(looks, start, now)
    if earlier is None:
        told = with_builds(found.read, found.felt, _builds(hosting, recent))[0].requests
        more = _second(systems, hosting, recent, told, migrations)
        if not looks.has("logs"):  # it works on: a busy machine reads a long log slowly
            looks = looks.but({"logs"})
            more["logs"] = asked["logs"]
        looks.look(more, SECOND_SECONDS)
        found = _found(looks, start, now)
    return looks, found


def _with_value(looks: Looks, systems: Systems, name: str, earlier: Gathered | None) -> Looks:
    if earlier is not None and name != earlier.value:
        looks = looks.but({"stack's values"})  # it told of another value
    if name and not looks.has("stack's values"):
        looks.look({"stack's values": lambda: restorable(systems, name)}, THIRD_SECONDS)
    return looks


def _second(
    systems: Systems,
    hosting: Hosting | None,
    recent: tuple[Deployment, ...],
    told: tuple[Request, ...],
    migrations: str,
) -> dict[str, Look]:
    before = None
    if hosting is not None:
        seen = timeline.switched(told)
        before = served_before(hosting, recent, [one.deployment for one in seen])
    return second_looks(systems, hosting, before, migrations)


def _found(looks: Looks, start: datetime, now: datetime) -> Found:
    return looks.get("logs", Found) or Found(start, now, LogSpan(()), NOTHING, UNREAD)


def _own_paths(systems: Systems) -> tuple[str, ...]:
    probe = optional(systems, Probe)
    return (probe.health_path, probe.release_path) if probe else ()


def _builds(hosting: Hosting | None, recent: Iterable[Deployment]) -> Mapping[str, str]:
    serving = (hosting.serving,) if hosting and hosting.serving else ()
    return builds_of(tuple({one.id: one for one in (*recent, *serving)}.values()))


def _silent(found: Found, read: Read, door: Door | None) -> Felt | None:
    """Return that nobody is answered, as our own knocks tell; up to when the log was read."""
    knocked = _knocked(door, found.now)
    return find_silent(read.requests, found.now.timestamp(), found.start.timestamp(), knocked)


def _knocked(door: Door | None, now: datetime) -> tuple[Request, ...]:
    if door is None:
        return ()
    return tuple(
        Request(at=now.timestamp(), status=status, route="own probe", milliseconds=1000 * seconds)
        for status, seconds in zip(door.statuses, door.seconds, strict=True)
    )


def _scene(
    looks: Looks,
    read: Read,
    felt: Felt,
    hosting: Hosting | None,
    recent: tuple[Deployment, ...],
    seen: tuple[timeline.Switched, ...],
    start: datetime,
    now: datetime,
) -> tuple[tuple[Change, ...], Scene]:
    entries = looks.several("ledgers", LedgerEntry)
    texts = looks.texts("migrations")
    hand = timeline.by_hand(one for one in read.words if one.source == "database")
    hand = timeline.without_ledgered(hand, entries)
    names = timeline.names_of(hand, texts)
    values = looks.several("environment values", EnvironmentValue)
    auth, disk = looks.get("login service", AuthSeen), looks.get("disk", Disk)
    scene = Scene(
        now=now,
        trouble=felt.trouble,
        words=read.words,
        serving=looks.get("serving build", Served),
        earlier=looks.get("build before", Served),
        commits={one.id: one.commit for one in recent},
        diff=looks.several("difference", FileDiff) if looks.has("difference") else None,
        values=values if looks.has("environment values") else None,
        migrations=timeline.known_migrations(entries, texts, hand, names, _new(looks))
        if looks.has("ledgers")
        else None,
        vitals=looks.get("database", Vitals),
        door=looks.get("app", Door),
        auth=_login(auth) if auth else None,
        auth_clock_seconds=_clock(auth) if auth else None,
        dependencies=tuple(_outside(one) for one in looks.several("dependencies", DependencySeen))
        if looks.has("dependencies")
        else None,
        limiter=_limiter(looks.get("limits", LimitsSeen), looks.get("switch of limits", str) or ""),
        disk_used_percent=round(100 * disk.used_bytes / max(1, disk.size_bytes), 1)
        if disk
        else None,
        unknown=dict(looks.unknown),
    )
    given = tuple(timeline.deployments(hosting, recent, seen, start)) if hosting else ()
    changes = [*given, *_of_values(scene, given)]
    changes += timeline.ledgered(entries, start, now)
    changes += timeline.hand_changes(hand, names)
    if scene.vitals is not None:
        changes += timeline.restarts(scene.vitals, start)
    if (pages := looks.get("status pages", Posted)) is not None:
        changes += timeline.posted(pages)
    known = looks.has("hosting") or looks.has("ledgers")
    ordered = tuple(sorted(changes, key=lambda one: one.at)) if known or changes else None
    return tuple(timeline.values_set(values, start)), replace(scene, changes=ordered)


def _new(looks: Looks) -> frozenset[str]:
    return frozenset(one.path for one in looks.several("difference", FileDiff) if one.is_new)


def _of_values(scene: Scene, given: tuple[Change, ...]) -> Iterable[Change]:
    if scene.serving is None:
        return ()
    build = scene.serving.deployment
    switch = next((one for one in given if one.subject == build.id), None)
    return timeline.value_changes(switch, build, differing(scene))


def _outside(seen: DependencySeen) -> Outside:
    return Outside(
        name=seen.name,
        alive=seen.alive,
        failed=seen.failed,
        asked=seen.asked,
        median_seconds=seen.median_seconds,
        problem=seen.problem,
        address=seen.address,
        switch=seen.switch,
        routes=seen.routes,
    )


def _login(seen: AuthSeen) -> Outside | None:
    if seen.alive is None:
        return None  # it told us nothing, and so it is not known
    return Outside(
        name="auth service",
        alive=seen.alive,
        failed=seen.failed,
        asked=seen.asked,
        median_seconds=seen.median_seconds,
        problem=seen.problem or seen.keys_problem,
        address=seen.address,
    )


def _clock(seen: AuthSeen) -> float | None:
    if seen.token_clock_seconds is not None:
        return seen.token_clock_seconds
    return seen.date_clock_seconds


def _limiter(seen: LimitsSeen | None, switch: str) -> LimiterSeen | None:
    if seen is None:
        return None
    how = "takes connections and answers nobody" if seen.hangs else seen.problem
    return LimiterSeen(
        reachable=seen.reachable,
        milliseconds=seen.milliseconds,
        endless=seen.endless,
        counts=seen.counts,
        prefix=seen.prefix,
        switch=switch,
        says=f"it answers us within {seen.milliseconds:.0f} ms"
        if seen.reachable
        else f"it does not answer us: {how}",
    )
