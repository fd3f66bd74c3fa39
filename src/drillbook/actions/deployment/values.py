"""Compare the names of the app's values between its code, its builds and its environments."""

from datetime import datetime

from drillbook.actions.deployment.looking import named
from drillbook.actions.deployment.subject import domain
from drillbook.analysis.env_example import Named, names_in
from drillbook.core.errors import NotFound
from drillbook.core.model import Frozen
from drillbook.ports.deployments import (
    Deployment,
    Deployments,
    EnvironmentValue,
    EnvironmentValues,
)
from drillbook.ports.repository import Repository

EXAMPLE = ".env.example"
SYSTEM = "system"
MOST_NAMED = 6


class NamedValue(Frozen):
    """One value by its name: what kind it is and when it was changed, and never what it holds."""

    name: str
    kind: str
    changed: datetime


class Values(Frozen):
    """
    How the names of the values stand to each other.

    `missing` are needed by the code and not set; `empty_since_build` are set and the serving build
    has them not, `changed_since_build` has the old ones, `gone_since_build` still has what was
    taken away: a new build changes each of them. `only_here` and `only_there` compare with the
    other environment. `ok`: nothing is missing; `current`: the serving build has the values of now.
    """

    ok: bool
    current: bool
    commit: str
    build: str
    names: tuple[str, ...]
    values: tuple[NamedValue, ...]
    needed: tuple[str, ...]
    missing: tuple[str, ...]
    not_in_code: tuple[str, ...]
    empty_since_build: tuple[str, ...]
    changed_since_build: tuple[str, ...]
    gone_since_build: tuple[str, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]
    says: str


@domain.read
def env(
    values: EnvironmentValues,
    deployments: Deployments,
    repository: Repository,
    *,
    commit: str = "",
    example: str = EXAMPLE,
    needed: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    against: tuple[str, ...] | None = None,
    other: str = "the other environment",
) -> Values:
    """
    Compare the names of values: what the code needs, what is set, what the serving build has.

    `commit` is the code asked, else what serves; `against` are the names of another environment.
    """
    serving = deployments.hosting().serving
    asked = commit or (serving.commit if serving else "")
    code = _code(repository, asked, example, needed, optional)
    here = {value.key: value for value in values.values()}
    given = values.of_build(serving.id) if serving else ()
    # What the platform sets by itself is in every build, and in no list of settings.
    own = {name for name, value in here.items() if value.kind == SYSTEM}
    missing = tuple(name for name in code.needed if name not in here)
    since = _since(here, given, serving, own)
    only = _only(set(here) - own, against)
    return Values(
        ok=not missing,
        current=not any(since),
        commit=asked,
        build=serving.id if serving else "",
        names=tuple(sorted(set(here) - own)),
        values=tuple(_named_value(here[name]) for name in sorted(here)),
        needed=code.needed,
        missing=missing,
        not_in_code=tuple(sorted(set(here) - own - {*code.needed, *code.optional})),
        empty_since_build=since[0],
        changed_since_build=since[1],
        gone_since_build=since[2],
        only_here=only[0],
        only_there=only[1],
        says=_says(len(here), missing, since, serving, only, other),
    )


def _code(
    repository: Repository,
    commit: str,
    example: str,
    needed: tuple[str, ...],
    optional: tuple[str, ...],
) -> Named:
    """Return what the code says it reads: its example file, and what the book adds to it."""
    try:
        text = repository.file(example, commit or repository.branch).decode("utf-8", "replace")
    except NotFound as error:
        if not needed:
            raise NotFound(
                f"the code has no {example}, and no names were given: what it needs is not known",
                hint="Keep the names in .env.example, or give needed=[…] in the book.",
            ) from error
        text = ""
    found = names_in(text)
    all_needed = tuple(dict.fromkeys([*found.needed, *needed]))
    left_out = tuple(name for name in all_needed if name not in optional)
    return Named(left_out, tuple(dict.fromkeys([*found.optional, *optional])))


def _since(
    here: dict[str, EnvironmentValue],
    given: tuple[str, ...],
    serving: Deployment | None,
    own: set[str],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return what the serving build lacks, has old, and has though it was taken away."""
    if serving is None:
        return (), (), ()
    changed = (name for name in given if name in here and here[name].changed > serving.created)
    return (
        tuple(sorted(set(here) - own - set(given))),
        tuple(sorted(changed)),
        tuple(sorted(set(given) - set(here) - own)),
    )


def _only(
    names: set[str], against: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if against is None:
        return (), ()
    return tuple(sorted(names - set(against))), tuple(sorted(set(against) - names))


def _named_value(value: EnvironmentValue) -> NamedValue:
    return NamedValue(name=value.key, kind=value.kind, changed=value.changed)


def _says(
    count: int,
    missing: tuple[str, ...],
    since: tuple[tuple[str, ...], ...],
    serving: Deployment | None,
    only: tuple[tuple[str, ...], ...],
    other: str,
) -> str:
    build = f"the build that serves, {named(serving)}," if serving else ""
    parts = [
        f"the code needs {_list(missing)}, which is not set" if missing else "",
        f"{build} lacks {_list(since[0])}, set after it" if since[0] else "",
        f"{build} has the old {_list(since[1])}, changed after it" if since[1] else "",
        f"{build} still has {_list(since[2])}, taken away after it" if since[2] else "",
        f"{other} lacks {_list(only[0])}" if only[0] else "",
        f"{other} alone has {_list(only[1])}" if only[1] else "",
    ]
    told = "; ".join(filter(None, parts))
    if any(since):
        told += " (a new build gets the values of now: deployment.redeploy)"
    return told or f"{count} values are set, and nothing is missing or newer than the build"


def _list(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
