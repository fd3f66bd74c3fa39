"""GitHub's REST API of one repository: pages read to their end, answers parsed at the border."""

from collections.abc import Iterator
from functools import cache
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.remote.api import JsonApi, Values
from drillbook.remote.reply import Reply

VERSION = {"X-GitHub-Api-Version": "2022-11-28", "Accept": "application/vnd.github+json"}
A_PAGE = 100
MOST_PAGES = 50
UNPROCESSABLE = 422
Seen = TypeVar("Seen", bound=BaseModel)


class Hub:
    """Speaks to one repository; paths are below `/repos/OWNER/NAME`."""

    def __init__(self, api: JsonApi, repository: str) -> None:
        self.api = api
        self.repository = repository
        self._above = f"/repos/{repository}"

    def one(
        self, kind: type[Seen], path: str, query: Values | None = None, right: str = ""
    ) -> Seen:
        """Read one thing."""
        return parsed(kind, self.api.get(self._above + path, query, right=right), path)

    def one_page(self, kind: type[Seen], path: str, right: str = "") -> tuple[Seen, ...]:
        """Read the beginning of a list."""
        return many(kind, self.api.get(self._above + path, right=right), path)

    def pages(
        self, path: str, query: Values | None = None, *, right: str = "", of: str = ""
    ) -> Iterator[JsonValue]:
        """
        Read all pages of a list; more than 5,000 entries are refused, never cut.

        `of` is the commit the list belongs to: NotFound where there is none.
        """
        asked: str = self._above + path
        wanted: Values = {"per_page": A_PAGE, **(query or {})}
        for _ in range(MOST_PAGES):
            accept = (UNPROCESSABLE,) if of else ()
            reply = self.api.read(asked, wanted, accept=accept, right=right)
            if reply.status == UNPROCESSABLE:
                raise self.has_no(of)
            yield reply.body
            if not reply.next_url:
                return
            asked, wanted = reply.next_url, {}
        raise Refused(
            f"GitHub has more than {MOST_PAGES * A_PAGE} entries at {path}",
            hint="Ask for less: a younger commit to compare with, for instance.",
            again=False,
        )

    def has_no(self, ref: str) -> NotFound:
        """Return the error of a name that means no commit; GitHub answers 422 for it."""
        return NotFound(
            f"{self.repository} has no commit, branch or tag {ref}",
            hint="Correct its name, or push it first.",
        )

    def all(
        self, kind: type[Seen], path: str, query: Values | None = None, *, of: str = ""
    ) -> tuple[Seen, ...]:
        """Read a list to its end."""
        bodies = self.pages(path, query, of=of)
        return tuple(one for body in bodies for one in many(kind, body, path))

    def send(
        self, method: str, path: str, body: JsonValue, *, accept: tuple[int, ...] = (), right: str
    ) -> Reply:
        """Send one write, once."""
        return self.api.send(method, self._above + path, body, accept=accept, right=right)


def parsed(kind: type[Seen], body: JsonValue, path: str) -> Seen:
    """Return an answer as what it should be."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _strange(path, error) from error


def many(kind: type[Seen], body: JsonValue, path: str) -> tuple[Seen, ...]:
    """Return a list of an answer as what it should be."""
    try:
        return tuple(_list_of(kind).validate_python(body))
    except ValidationError as error:
        raise _strange(path, error) from error


@cache
def _list_of(kind: type[Seen]) -> TypeAdapter[list[Seen]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]  # a type known at run time only


def quoted(ref: str) -> str:
    """Return a branch, tag or id for a path."""
    return quote(ref, safe="/")


def _strange(path: str, error: ValidationError) -> Failed:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return Failed(
        f"GitHub's answer at {path} is not understood: {place}: {first['msg']}",
        hint="Check `api` in stack.toml: is it GitHub's?",
    )
