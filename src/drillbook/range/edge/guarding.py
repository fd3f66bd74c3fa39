"""The firewall at the edge: who is denied or challenged is answered before any app is asked."""

from urllib.parse import parse_qsl

from drillbook.range.edge.messages import Head
from drillbook.range.hosting.firewall import COOKIE, PASSES_SECONDS, Firewall, Verdict

# Where a browser brings what it has computed; without it nothing passes while it is challenged.
SOLVED = b"/.well-known/vercel/security/request-challenge"
TOKEN_HEADER = b"x-vercel-challenge-token"
DENIED = b"Forbidden\n"
CHECKPOINT = b"<!doctype html><title>Vercel Security Checkpoint</title>"


def guarded(firewall: Firewall, head: Head, target: bytes, address: bytes) -> bytes:
    """Return the firewall's own answer to a request; empty for one that passes."""
    path, _, query = target.partition(b"?")
    if path == SOLVED:
        return _solved(firewall, query, address)
    verdict = firewall.verdict(address, head.value(b"host").lower(), head.value(b"cookie"))
    if verdict is Verdict.DENY:
        return _answer(b"403 Forbidden", DENIED, b"x-vercel-mitigated: deny\r\n")
    if verdict is Verdict.CHALLENGE:
        told = b"x-vercel-mitigated: challenge\r\n%s: %s\r\n" % (
            TOKEN_HEADER,
            firewall.token(address),
        )
        return _answer(b"403 Forbidden", CHECKPOINT, told)
    return b""


def _solved(firewall: Firewall, query: bytes, address: bytes) -> bytes:
    said = dict(parse_qsl(query.decode("ascii", "replace")))
    token, solution = said.get("token", "").encode(), said.get("solution", "").encode()
    cookie = firewall.cookie_for(address, token, solution) if token.count(b".") == 1 else b""
    if not cookie:
        return _answer(b"403 Forbidden", DENIED, b"x-vercel-mitigated: challenge\r\n")
    kept = b"set-cookie: %s=%s; Path=/; Max-Age=%d; HttpOnly\r\n" % (COOKIE, cookie, PASSES_SECONDS)
    return _answer(b"204 No Content", b"", kept)


def _answer(status: bytes, body: bytes, headers: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n"
    return head % status + headers + b"content-length: %d\r\n\r\n" % len(body) + body
