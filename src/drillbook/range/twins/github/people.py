"""Who the GitHub twin lets in: each person has a token of their own, made from the twin's."""

import hashlib
import hmac
import zlib

from drillbook.range.cloud import Cloud

OWNER_LOGIN = "drillbook"
_PREFIX = "ghp_"
_DIGITS = 32


def token_of(cloud: Cloud, login: str) -> str:
    """Return the token of a person; the twin's own token is Drillbook's."""
    if login == OWNER_LOGIN:
        return cloud.token("github")
    return f"{_PREFIX}{login}_{_sum(cloud, login)}"


def login_of(cloud: Cloud, header: str) -> str | None:
    """Return whose token an Authorization header carries; None for nobody's."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in {"bearer", "token"}:
        return None
    if hmac.compare_digest(token.encode(), cloud.token("github").encode()):
        return OWNER_LOGIN
    login, _, given = token.removeprefix(_PREFIX).rpartition("_")
    known = bool(login) and hmac.compare_digest(given.encode(), _sum(cloud, login).encode())
    return login if known else None


def number_of(login: str) -> int:
    """Return a person's id: the same for the same login."""
    return zlib.crc32(login.encode()) & 0x7FFFFFFF


def _sum(cloud: Cloud, login: str) -> str:
    key = cloud.token("github").encode()
    return hmac.new(key, login.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
