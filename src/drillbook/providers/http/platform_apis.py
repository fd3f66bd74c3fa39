"""Ask the platforms' APIs for what they must know, with our token, several times side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.platform_apis import ApiSeen
from drillbook.remote.asking import Asking, shown_address
from drillbook.remote.several import (
    FORBIDDEN,
    TOO_MANY,
    UNAUTHORIZED,
    ask_several,
    is_error,
    problem_of,
)

API_SECONDS = 5.0
MISSING = 404


@dataclass(frozen=True, slots=True)
class Api:
    """One platform's API: `path` is a cheap read that the token may do."""

    name: str
    url: str
    path: str
    token: Callable[[], str]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def ask_apis(apis: tuple[Api, ...]) -> tuple[ApiSeen, ...]:
    """Ask each API, all side by side; return how it answered."""
    looks = {one.name: partial(_seen, one) for one in apis}
    found = []
    for one in side_by_side(looks, at_most_seconds=API_SECONDS + 2.0).values():
        if isinstance(one, Exception):
            raise one
        found.append(one)
    return tuple(found)


def _seen(api: Api) -> ApiSeen:
    headers = {
        "Accept": "application/json",
        "User-Agent": "drillbook",
        **api.headers,
        "Authorization": f"Bearer {api.token()}",
    }
    asked = ask_several(
        Asking(api.url.rstrip("/") + api.path, headers=headers, timeout_seconds=API_SECONDS)
    )
    failed = asked.failed(lambda heard: is_error(heard) or heard.status == TOO_MANY)
    refused = asked.failed(lambda heard: heard.status in (UNAUTHORIZED, FORBIDDEN, MISSING))
    problem = scrub(problem_of(failed or refused))
    took = f"median {asked.median_seconds:.2f} s"
    if failed:
        says = f"{api.name} failed {len(failed)} of {len(asked.heard)} of our requests: {problem}"
    elif refused:
        says = f"{api.name} answers, and refuses our token or name ({problem})"
    else:
        says = f"{api.name} answers us"
    return ApiSeen(
        name=api.name,
        address=shown_address(api.url),
        alive=not failed,
        asked=len(asked.heard),
        failed=len(failed),
        statuses=asked.statuses,
        median_seconds=asked.median_seconds,
        problem=problem,
        clock_seconds=asked.clock_seconds,
        says=f"{says} ({took})",
    )
