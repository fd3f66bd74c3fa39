"""What a request to the GitHub twin says, and how it is answered."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

Json = dict[str, Any]  # Any: a platform's JSON, whose shape its own document says
MOST_A_PAGE = 100
USUAL_A_PAGE = 30
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, let in."""

    login: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json = field(default_factory=dict[str, Any])

    def number(self, name: str) -> int:
        """Return a number of the path; 404 where it is none."""
        text = self.path[name]
        if not text.isdecimal():
            raise Said(404, "Not Found")
        return int(text)

    def text(self, name: str) -> str:
        """Return a field the body must have; 422 without."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise wrong(f'"{name}" wasn\'t supplied.')
        return value

    def optional(self, name: str, default: str = "") -> str:
        """Return a text of the body that may be left out."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong(f'"{name}" is not a string.')
        return value or default


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a JSON body (none: no content), headers."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Said(Exception):
    """The request is refused, in GitHub's words."""

    def __init__(self, status: int, message: str, errors: Sequence[object] = ()) -> None:
        super().__init__(message)
        body: Json = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        self.reply = Reply(status, body | ({"errors": list(errors)} if errors else {}))


def wrong(*problems: str) -> Said:
    """Return the refusal of a request that is not made as it should be."""
    return Said(422, "Invalid request.\n\n" + "\n".join(problems))


def page(asked: Asked, rows: Sequence[Any], wrap: str = "") -> Reply:  # Any: rows of any shape
    """Answer one page of a list, with the Link header that names the others."""
    size = min(MOST_A_PAGE, _positive(asked, "per_page", USUAL_A_PAGE))
    number = _positive(asked, "page", 1)
    last = max(1, -(-len(rows) // size))
    shown = list(rows[(number - 1) * size : number * size])
    body: object = {"total_count": len(rows), wrap: shown} if wrap else shown
    return Reply(200, body, _links(asked, number, last))


def page_number(asked: Asked) -> tuple[int, int]:
    """Return the page asked for and its size."""
    size = min(MOST_A_PAGE, _positive(asked, "per_page", USUAL_A_PAGE))
    return _positive(asked, "page", 1), size


def etag(body: object) -> str:
    """Return the tag of an answer, for If-None-Match."""
    text = json.dumps(body, sort_keys=True).encode()
    return f'W/"{hashlib.sha256(text).hexdigest()}"'


def _links(asked: Asked, number: int, last: int) -> dict[str, str]:
    pages: dict[str, int] = {}
    if number > 1:
        pages |= {"prev": min(number - 1, last), "first": 1}
    if number < last:
        pages |= {"next": number + 1, "last": last}
    if not pages:
        return {}
    parts = (
        f'<{asked.url}?{urlencode(dict(asked.query) | {"page": str(at)})}>; rel="{name}"'
        for name, at in pages.items()
    )
    return {"Link": ", ".join(parts)}


def _positive(asked: Asked, name: str, default: int) -> int:
    text = asked.query.get(name, "")
    return int(text) if text.isdecimal() and int(text) else default
