"""
Who a log line is about, under another name: keyed, so that the same person keeps the same one.

HMAC-SHA-256 under a key of the team's: without the key nobody comes back from a pseudonym to an
address or a user, also not by trying all addresses there are. What is found in texts: e-mail
addresses, IP addresses, UUIDs, what stands behind a key that names a person (`user_id=…`), and ids
in paths of persons (`/users/…`). A name in the middle of a sentence is not found.
"""

import hmac
import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address

from drillbook.core.errors import SettingsInvalid

SHORTEST_KEY = 16
# 60 bits: of a million people, two share a pseudonym with a chance of one in two million.
LENGTH = 12
MOST_KNOWN = 100_000
LONGEST_KNOWN = 300
# Addresses of the machine itself are nobody's.
ITSELF = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared, never bound
# Words in a person's place that name nobody.
NOBODY = frozenset(
    {
        "", "-", "0", "null", "none", "nil", "undefined", "true", "false", "anonymous", "anon",
        "all", "unknown", "guest", "me", "self", "new", "nan",
    }
)  # fmt: skip

_PSEUDONYM = r"(?:user|addr|mail)-[a-z2-7]{12}(?![\w-])"
_EMAIL = r"[\w.+-]{1,64}(?:@|%40)(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
_UUID = r"(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])"
_PERSON = (
    r"(?:users?|customers?|members?|accounts?|patients?|profiles?|clients?|actors?)"
    r"(?:[_. -]?(?:id|name|uuid|no|number|key))?|uid|usr|login|sub|remote_user"
    r"|created_by|updated_by"
)
_QUOTE = r"\\*[\"']?"
_KEYED = (
    rf"(?P<key>(?<![a-z0-9]){_QUOTE}(?:{_PERSON}){_QUOTE}\s*(?:=|:|%3d)\s*"
    rf"(?:\{{\s*{_QUOTE}(?:id|uuid|name){_QUOTE}\s*:\s*)?{_QUOTE})"
    r"(?P<keyed>[^\s\"'&,;(){}\[\]\\<>|]{1,100})"
)
_IN_PATH = (
    r"(?P<place>/(?:users?|customers?|members?|accounts?|profiles?|patients?)/)"
    r"(?P<placed>[^/\s?#\"'&,;\\]{1,100})"
)
_IPV4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"
_IPV6 = r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4})(?![\w:])"
_KEYLESS = f"(?P<done>{_PSEUDONYM})|(?P<email>{_EMAIL})|(?P<uuid>{_UUID})|(?P<ip>{_IPV4}|{_IPV6})"
_TEXT = re.compile(f"{_KEYED}|{_IN_PATH}|{_KEYLESS}", re.IGNORECASE)
# A database's users are roles: who they are tells of a cause, and they are nobody.
_WITHOUT_KEYS = re.compile(_KEYLESS, re.IGNORECASE)
_DONE = re.compile(_PSEUDONYM)
_EMAIL_ALONE = re.compile(_EMAIL, re.IGNORECASE)


@dataclass
class Pseudonyms:
    """Gives pseudonyms under one key, which `key` reveals when the first is asked for."""

    key: Callable[[], str]
    _texts: dict[tuple[str, bool], str] = field(default_factory=dict[tuple[str, bool], str])
    _names: dict[str, str] = field(default_factory=dict[str, str])

    def person(self, name: str) -> str:
        """Return the pseudonym of a user, an e-mail address or an IP address; nobody stays so."""
        name = name.strip()
        if name.lower() in NOBODY or name in ITSELF or _DONE.fullmatch(name):
            return name
        known = self._names.get(name)
        if known is None:
            known = self._new(name)
            _remember(self._names, name, known)
        return known

    def text(self, text: str, *, roles: bool = False) -> str:
        """Return a text with a pseudonym in the place of each person; `roles`: of a database."""
        if not text:
            return text
        known = self._texts.get((text, roles))
        if known is None:
            known = (_WITHOUT_KEYS if roles else _TEXT).sub(self._replaced, text)
            if len(text) <= LONGEST_KNOWN:
                _remember(self._texts, (text, roles), known)
        return known

    def _replaced(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        whole = found[0]
        if kind in {"keyed", "placed"}:
            start = found["key" if kind == "keyed" else "place"]
            return start + self._keyed(found[kind])
        if kind == "ip":
            return self.person(whole) if _is_address(whole) else whole
        return self.person(whole)

    def _keyed(self, value: str) -> str:
        # What goes on behind it, such as the next word after %20 or a full stop, is not the name.
        name, percent, rest = value.partition("%2")
        goes_on = name.endswith((".", ":")) and not _is_address(name)
        name, stop = (name[:-1], name[-1]) if goes_on else (name, "")
        return self.person(_plain(name)) + stop + percent + self.text(rest)

    def _new(self, name: str) -> str:
        plain = _plain(name)
        if _EMAIL_ALONE.fullmatch(plain):
            return self._code("mail", plain.lower())
        if _is_address(plain):
            return self._code("addr", _one_address(plain))
        return self._code("user", plain.lower() if len(plain) == len(_A_UUID) else plain)

    def _code(self, mark: str, name: str) -> str:
        digest = hmac.digest(self._secret, f"{mark}:{name}".encode(), sha256)
        return f"{mark}-{b32encode(digest)[:LENGTH].decode().lower()}"

    @cached_property
    def _secret(self) -> bytes:
        key = self.key()
        if len(key) < SHORTEST_KEY:
            raise SettingsInvalid(
                f"the key of pseudonyms has {len(key)} characters, fewer than {SHORTEST_KEY}",
                hint="Make one with: openssl rand -hex 32",
            )
        return key.encode()


_A_UUID = "00000000-0000-0000-0000-000000000000"


def _plain(name: str) -> str:
    """Return a name as it was before it was put into a URL."""
    return name.replace("%40", "@")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _one_address(text: str) -> str:
    """Return the one way of writing an address; one of IPv4 within IPv6 is that of IPv4."""
    found = ip_address(text)
    inner = getattr(found, "ipv4_mapped", None)
    return str(inner or found)


def _remember(known: dict, key: object, value: str) -> None:  # type: ignore[type-arg]  # of either cache
    if len(known) >= MOST_KNOWN:
        known.clear()
    known[key] = value
