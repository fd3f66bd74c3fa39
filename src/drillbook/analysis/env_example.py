"""Which values a program says it reads, by its `.env.example`: names, and never what they hold."""

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"^\s*(?P<off>#+\s*)?(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)$"
)
# Hosting platforms set these themselves in every build, so nobody has to.
_SET_BY_PLATFORM = re.compile(r"(?:[A-Z]+_PUBLIC_)?VERCEL(?:_[A-Z0-9_]+)?|CI|NODE_ENV")
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Named:
    """The values a program needs, and those it reads where they are set; each name once."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]


def names_in(text: str) -> Named:
    """Return the names of an example file; optional is what is commented out or the platform's."""
    needed: dict[str, None] = {}
    optional: dict[str, None] = {}
    quote = ""
    for line in text.splitlines():
        if quote:  # inside of a value of several lines nothing is a name
            quote = "" if quote in line else quote
            continue
        found = _LINE.match(line)
        if found is None or len(found["name"]) > LONGEST_NAME:
            continue
        if _SET_BY_PLATFORM.fullmatch(found["name"]):
            optional[found["name"]] = None
        elif not found["off"]:
            needed[found["name"]] = None
        elif found["name"].isupper():  # prose such as `# so a = b` is no name
            optional[found["name"]] = None
        quote = "" if found["off"] else _open_quote(found["value"])
    return Named(tuple(needed), tuple(name for name in optional if name not in needed))


def _open_quote(value: str) -> str:
    text = value.strip()
    if text[:1] in {'"', "'"} and text.count(text[0]) == 1:
        return text[0]
    return ""
