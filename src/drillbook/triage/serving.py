"""Which build serves, which served before, and in what the two differ."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from drillbook.analysis.culprit.scene import FileDiff, Served
from drillbook.analysis.env_example import Named, names_in
from drillbook.core.deployments import Deployment, Hosting, Stage
from drillbook.core.errors import DrillbookError, NotFound
from drillbook.ports.deployments import EnvironmentValues
from drillbook.ports.repository import FileChange, Repository

EXAMPLE = ".env.example"
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(?P<first>\d+)(?:,(?P<count>\d+))? @@", re.MULTILINE)


def served_before(
    hosting: Hosting, recent: Sequence[Deployment], seen: Sequence[str]
) -> Deployment | None:
    """
    Return the build that users had before the one that serves.

    `seen` are the builds that answered requests, the latest last: what was seen counts before what
    the platform says, and that before the order in which they were built.
    """
    serving = hosting.serving
    if serving is None:
        return None
    known = {
        one.id: one
        for one in recent
        if one.id != serving.id
        and one.stage is Stage.READY
        and one.has_served is not False
        and one.id not in hosting.rolled_back_from
    }
    for name in reversed(seen):
        if name in known:
            return known[name]
    switch = hosting.switching
    if switch is not None and switch.to == serving.id and switch.from_ in known:
        return known[switch.from_]
    given = [one for one in known.values() if _before(one.assigned, serving.assigned)]
    if given:
        return max(given, key=lambda one: one.assigned or one.created)
    built = [one for one in known.values() if one.created < serving.created]
    return max(built, key=lambda one: one.created, default=None)


def _before(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and (second is None or first < second)


def served(
    build: Deployment, values: EnvironmentValues | None, repository: Repository | None
) -> Served:
    """Return a build with the names of the values it was given and those its code reads."""
    return Served(
        deployment=build,
        since=build.assigned,
        given=_given(values, build),
        reads=_reads(repository, build),
    )


def _given(values: EnvironmentValues | None, build: Deployment) -> tuple[str, ...] | None:
    if values is None:
        return None
    try:
        return values.of_build(build.id)
    except DrillbookError:
        return None  # unknown, and treated as unknown


def _reads(repository: Repository | None, build: Deployment) -> Named | None:
    if repository is None or not build.commit:
        return None
    try:
        return names_in(repository.file(EXAMPLE, build.commit).decode("utf-8", "replace"))
    except DrillbookError:
        return None


def diff_between(
    repository: Repository, before: Deployment, now: Deployment
) -> tuple[FileDiff, ...] | None:
    """Return the files in which two builds' commits differ; None where nobody can tell."""
    if not before.commit or not now.commit:
        return None
    if before.commit == now.commit:
        return ()
    try:
        compared = repository.compared(before.commit, now.commit)
    except NotFound:
        return None
    return tuple(
        FileDiff(
            path=one.path,
            added="\n".join(_lines(one.patch, "+")),
            removed="\n".join(_lines(one.patch, "-")),
            lines=tuple(_spans(one.patch)),
            is_new=one.change is FileChange.ADDED,
        )
        for one in compared.files
    )


def _lines(patch: str, sign: str) -> list[str]:
    return [
        line[1:]
        for line in patch.splitlines()
        if line.startswith(sign) and not line.startswith(sign * 3)
    ]


def _spans(patch: str) -> list[tuple[int, int]]:
    """Return the line numbers, first and last, that the newer file has in each changed place."""
    found = []
    for hunk in _HUNK.finditer(patch):
        first, count = int(hunk["first"]), int(hunk["count"] or 1)
        found.append((first, first + max(count, 1) - 1))
    return found


def builds_of(deployments: Sequence[Deployment]) -> Mapping[str, str]:
    """Return the build of each short commit that has one build alone; the others tell nothing."""
    found: dict[str, set[str]] = {}
    for one in deployments:
        if one.commit:
            found.setdefault(one.commit[:7], set()).add(one.id)
    return {commit: next(iter(names)) for commit, names in found.items() if len(names) == 1}
