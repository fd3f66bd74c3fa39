"""What a browser does at the firewall's checkpoint: it computes, and is let in for a while."""

import http.client
from itertools import count

from drillbook.range.edge.guarding import SOLVED
from drillbook.range.hosting.firewall import is_solved

TOKEN_HEADER = "x-vercel-challenge-token"  # noqa: S105 - a header's name


def passed(connection: http.client.HTTPConnection, token: str) -> str:
    """Solve a challenge and return the cookie that lets one in; empty when it does not."""
    solution = next(n for n in count() if is_solved(token.encode(), b"%d" % n))
    connection.request("POST", f"{SOLVED.decode()}?token={token}&solution={solution}")
    answer = connection.getresponse()
    answer.read()
    return (answer.headers.get("set-cookie") or "").partition(";")[0]
