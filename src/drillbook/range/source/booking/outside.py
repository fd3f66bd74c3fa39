"""Ask another service over HTTP, with a deadline."""

import json
from typing import Any
from urllib import error, request

from booking.problems import AwayError

ANSWER_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 1 << 20

Said = tuple[int, dict[str, Any]]


def ask(
    name: str,
    url: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Said:
    """Return the status and the JSON a service answers; AwayError when it does not."""
    data = None if body is None else json.dumps(body).encode()
    told = {"Content-Type": "application/json", "Accept": "application/json"} | (headers or {})
    wanted = request.Request(url, data=data, headers=told)  # noqa: S310 - our own settings name it
    try:
        with request.urlopen(wanted, timeout=seconds) as answer:  # noqa: S310 - as above
            status, text = answer.status, answer.read(LARGEST_ANSWER_BYTES)
    except error.HTTPError as refused:
        with refused:
            status, text = refused.code, refused.read(LARGEST_ANSWER_BYTES)
    except OSError as failure:
        raise AwayError(f"the {name} does not answer") from failure
    if status >= 500:
        raise AwayError(f"the {name} answers {status}")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    return status, said if isinstance(said, dict) else {}
