"""Secrets are references until the moment of use, and their values are scrubbed from all text."""

import os
import re
from base64 import b64encode
from pathlib import Path
from threading import Lock
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import field_validator

from drillbook.core.errors import SettingsInvalid, Unavailable
from drillbook.core.model import Frozen

KINDS = ("env:", "file:")
SHORTEST = 4  # shorter values would blank out ordinary words
SHORTEST_BASE64 = 8
LONGEST_FOREIGN = 2000
_known: dict[str, str] = {}
_lock = Lock()


class Secret(Frozen):
    """Where a secret lies: `env:NAME` or `file:PATH`; never the value itself."""

    ref: str

    @field_validator("ref")
    @classmethod
    def _is_reference(cls, ref: str) -> str:
        if not ref.startswith(KINDS) or not ref.partition(":")[2].strip():
            raise ValueError("a secret is written as a reference: env:NAME or file:PATH")
        return ref

    def reveal(self) -> str:
        """Return the value, for use at once; from then on `scrub` knows it."""
        kind, _, place = self.ref.partition(":")
        value = _from_environment(place) if kind == "env" else _from_file(place)
        register(value, name=self.ref)
        return value


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsInvalid(
            f"the environment variable {name} is not set",
            hint=f"Set it for the worker as well: export {name}=…",
        )
    return value


def _from_file(place: str) -> str:
    path = Path(place).expanduser()
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise Unavailable(
            f"the secret file {path} cannot be read: {reason}",
            hint="Check the path in stack.toml and the file's permissions.",
        ) from error
    if not value:
        raise SettingsInvalid(f"the secret file {path} is empty", hint="Write the value into it.")
    return value


def register(value: str, *, name: str) -> None:
    """Make `scrub` hide a value, the password inside it if it is a URL, and their encoded forms."""
    found = {value}
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:
        password = None
    if password:
        found |= {password, unquote(password)}
    encoded = {core for text in found for core in _in_base64(text)}
    found |= {encode(text) for text in tuple(found) for encode in (quote, quote_plus)} | encoded
    found |= {text.replace("\\", "\\\\").replace('"', '\\"') for text in tuple(found)}
    with _lock:
        _known.update({text: f"[secret {name}]" for text in found if len(text) >= SHORTEST})


def _in_base64(text: str) -> set[str]:
    """Return the part of every base64 that has the text in it, wherever in it the text starts."""
    data, cores = text.encode("utf-8", "replace"), set[str]()
    for before in range(3):
        whole = b64encode(b"\0" * before + data).decode()
        # Characters that also hold bits of what stands before or after differ with that.
        core = whole[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        cores |= {core, core.replace("+", "-").replace("/", "_")}
    return {core for core in cores if len(core) >= SHORTEST_BASE64}


def scrub(text: str) -> str:
    """Return the text with every value revealed so far replaced by its reference."""
    with _lock:
        if not _known:
            return text
        longest_first = sorted(_known, key=len, reverse=True)
        names = dict(_known)
    if not any(value in text for value in longest_first):
        return text
    return re.sub("|".join(map(re.escape, longest_first)), lambda hit: names[hit[0]], text)


# What a stranger's text may hold, such as a log: secrets of the app, which nobody revealed here.
_NAMED = (
    r"\b([A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|DATABASE_URL)[A-Z0-9_]*"
    r"\\?[\"']?(?:=|:\s*(?=\S*\d))\\?[\"']?)(?!\[hidden)[^\s;,\"'\\]+"
)
_IN_JSON = (
    r"(?i)([\"'](?:password|secret|token|api_?key|access_token|refresh_token)\\?[\"']"
    r"\s*:\s*\\?[\"'])[^\"'\\]+"
)
# Each of the patterns needs one of these; most texts have none, and are many.
_MARK = re.compile(r"[=:\"'_]|eyJ|earer|xox|AKIA")
_LIKE_A_SECRET = tuple(
    (re.compile(pattern), kept)
    for pattern, kept in (
        (r"(://[^\s:/@]*):[^\s/@]+@", r"\1:[hidden]@"),
        (r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?", "[hidden]"),
        (r"\b[Bb]earer\s+[^\s\"']+", "Bearer [hidden]"),
        (r"\b(?:[spr]k|gh[oprsu]|github_pat|sbp|sb_secret|whsec)_\w{4,}", "[hidden]"),
        (r"\b(?:xox[abprs]-[\w-]+|AKIA[0-9A-Z]{12,})", "[hidden]"),
        (_NAMED, r"\1[hidden]"),
        (_IN_JSON, r"\1[hidden]"),
    )
)


def scrub_foreign(text: str) -> str:
    """Scrub and cut a text that others wrote: what only looks like a secret is hidden as well."""
    # What stands at the first end is cut off by the second.
    return hide_secrets(scrub(text)[: 2 * LONGEST_FOREIGN])[:LONGEST_FOREIGN]


def hide_secrets(text: str) -> str:
    """Scrub a text that others wrote, whole: what only looks like a secret is hidden as well."""
    text = scrub(text)
    if _MARK.search(text) is None:
        return text
    for pattern, kept in _LIKE_A_SECRET:
        text = pattern.sub(kept, text)
    return text
