"""Ask what the app depends on: a GET with a deadline, several times side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.dependencies import DependencySeen
from drillbook.remote.asking import Asking, Heard, shown_address
from drillbook.remote.several import (
    FORBIDDEN,
    TOO_MANY,
    UNAUTHORIZED,
    Round,
    ask_surely,
    is_error,
    is_failing,
    problem_of,
)

USER_AGENT = "drillbook-probe"
REFUSALS = (UNAUTHORIZED, FORBIDDEN, TOO_MANY)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency; `address` and `token` reveal what they name at the moment of use."""

    name: str
    address: Callable[[], str]
    path: str
    timeout_seconds: float
    token: Callable[[], str] | None = None
    switch: str = ""
    routes: tuple[str, ...] = ()


class HttpDependencies:
    """Fulfils Dependencies over HTTP."""

    def __init__(self, dependencies: tuple[Dependency, ...]) -> None:
        self._dependencies = dependencies

    def seen(self) -> tuple[DependencySeen, ...]:
        """Ask each dependency; a setting that is wrong is what it says."""
        if not self._dependencies:
            return ()
        looks = {one.name: partial(_seen, one) for one in self._dependencies}
        longest = max(one.timeout_seconds for one in self._dependencies)
        ended = side_by_side(looks, at_most_seconds=2 * longest + 2.0)
        found = []
        for one in ended.values():
            if isinstance(one, Exception):
                raise one
            found.append(one)
        return tuple(found)


def _seen(one: Dependency) -> DependencySeen:
    url = one.address()
    token = one.token() if one.token is not None else ""
    headers = {"User-Agent": USER_AGENT} | ({"Authorization": f"Bearer {token}"} if token else {})

    def fails(heard: Heard) -> bool:
        # Without our token a refusal is what a healthy service says to a stranger.
        return is_error(heard) or (bool(token) and heard.status in REFUSALS)

    asked = ask_surely(
        Asking(url.rstrip("/") + one.path, headers=headers, timeout_seconds=one.timeout_seconds),
        fails,
    )
    failed = asked.failed(fails)
    return DependencySeen(
        name=one.name,
        address=shown_address(url),
        alive=not is_failing(asked, fails),
        asked=len(asked.heard),
        failed=len(failed),
        statuses=asked.statuses,
        seconds=asked.seconds,
        median_seconds=asked.median_seconds,
        problem=scrub(problem_of(failed)),
        says=_told(one.name, asked, failed, alive=not is_failing(asked, fails)),
        switch=one.switch,
        routes=one.routes,
    )


def _told(name: str, asked: Round, failed: tuple[Heard, ...], *, alive: bool) -> str:
    took = f"median {asked.median_seconds:.2f} s"
    if alive:
        statuses = ", ".join(map(str, sorted(set(asked.statuses))))
        once = f"; once in {len(asked.heard)} it did not: {problem_of(failed)}" if failed else ""
        return f"{name} answers us ({statuses}; {took}){scrub(once)}"
    return (
        f"{name} failed {len(failed)} of {len(asked.heard)} of our requests: "
        f"{scrub(problem_of(failed))} ({took})"
    )
