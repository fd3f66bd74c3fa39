"""The world at a moment, and what was written to it since: by its parts, never by who wrote."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drillbook.core.model import Frozen
from drillbook.drills.errors.world_cloud import (
    is_over,
    seen_at_database_platform,
    seen_at_hosting,
    seen_at_repository,
    seen_in_limiter,
)
from drillbook.drills.errors.world_database import Session, ended_since, seen_in, sessions_of
from drillbook.range.cloud import ENVIRONMENTS, Cloud
from drillbook.range.environment import Environment

State = dict[str, str]
HOSTING, REPOSITORY, PLATFORM, LIMITER = "hosting", "repository", "database platform", "limiter"
DATABASE, SESSION = "database", "session"
BRANCHES, GIT, ASSIGN = "refs/heads/", "git", "assign"
MADE, CHANGED, REMOVED = "made", "changed", "removed"
# Of the app's own login sessions come and go with its pool; a release that ends takes them along.
SHORT = 100


class Written(Frozen):
    """One thing that is not as it was: in which part, what, and how it was and is."""

    part: str
    what: str
    how: str
    before: str = ""
    after: str = ""

    @property
    def says(self) -> str:
        """It in one line."""
        was = f"{self.before[:SHORT]} → {self.after[:SHORT]}" if self.how == CHANGED else ""
        return f"{self.part}: {self.what} {self.how} {was or self.after[:SHORT]}".rstrip()


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a program with our rights could have written; what was away is not there."""

    at: datetime
    parts: dict[str, State] = field(default_factory=dict[str, State])
    sessions: tuple[Session, ...] = ()

    def of(self, part: str, what: str) -> str | None:
        """Return how something is, or None."""
        return self.parts.get(part, {}).get(what)


def look(cloud: Cloud) -> World:
    """Look at all of it."""
    parts: dict[str, State | None] = {
        HOSTING: seen_at_hosting(cloud),
        REPOSITORY: seen_at_repository(cloud),
        PLATFORM: seen_at_database_platform(cloud),
        LIMITER: seen_in_limiter(_environment(cloud, "production")),
    }
    for name in ENVIRONMENTS:
        parts[f"{name} {DATABASE}"] = seen_in(_environment(cloud, name))
    found = {part: state for part, state in parts.items() if state is not None}
    sessions = sessions_of(_environment(cloud, "production"))
    # At the end: what was ended just before, the server may write down a little later.
    return World(datetime.now(UTC), found, sessions)


def written_between(cloud: Cloud, before: World, after: World) -> tuple[Written, ...]:
    """Return what is different, of the parts that were there both times, and whom was ended."""
    found: list[Written] = []
    for part in before.parts.keys() & after.parts.keys():
        found += _differences(part, before.parts[part], after.parts[part])
    found = [each for each in found if not _of_the_pipeline(each, before, after)]
    ended = ended_since(_environment(cloud, "production"), before.at)
    found += [_ended(pid, before) for pid in ended]
    return tuple(sorted(found, key=lambda each: (each.part, each.what)))


def _differences(part: str, before: State, after: State) -> list[Written]:
    found = [
        Written(part=part, what=what, how=CHANGED, before=was, after=after[what])
        for what, was in before.items()
        if what in after and after[what] != was
    ]
    gone = {what: was for what, was in before.items() if what not in after}
    come = {what: said for what, said in after.items() if what not in before}
    if part == LIMITER:  # users' counts come, change their end and go by themselves
        found = [each for each in found if "-1" in {each.before, each.after}]
        gone = {what: end for what, end in gone.items() if not is_over(end)}
        come = {what: end for what, end in come.items() if end == "-1"}
    found += [Written(part=part, what=what, how=REMOVED, before=was) for what, was in gone.items()]
    return found + [
        Written(part=part, what=what, how=MADE, after=said) for what, said in come.items()
    ]


def _of_the_pipeline(each: Written, before: World, after: World) -> bool:
    """Whether the hosting goes on by itself with what was on a branch before: build and assign."""
    if each.part != HOSTING or each.how == REMOVED:
        return False
    tips = {tip for ref, tip in before.parts[REPOSITORY].items() if ref.startswith(BRANCHES)}
    builds = {
        what.removeprefix("build "): json.loads(said)
        for what, said in after.parts[HOSTING].items()
        if what.startswith("build ")
    }
    own = {
        name for name, said in builds.items() if said["source"] == GIT and said["commit"] in tips
    }
    kind, _, name = each.what.partition(" ")
    if kind == "switch":
        said = json.loads(each.after)
        return said["type"] == ASSIGN and said["toDeploymentId"] in own
    return (kind == "build" and name in own) or (kind == "users" and each.after in own)


def _ended(pid: int, before: World) -> Written:
    known = next((each for each in before.sessions if each.pid == pid), None)
    name = f"{known.name or known.login}" if known else "unknown"
    return Written(part=SESSION, what=str(pid), how=REMOVED, before=name, after=name)


def _environment(cloud: Cloud, name: str) -> Environment:
    return Environment(name, cloud.environment(name))
