# ruff: noqa: E501, SIM905 - values stand here as they are written, lists of words as one
"""Make labelled logs: templates with parameters that look as real ones do."""

import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SLOT = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_USERS = (
    "root admin test guest oracle postgres mysql git nagios ftp www deploy jenkins ubuntu pi anna li omar"
    " fatima john maria support webmaster student info sales backup operator zhang kim ivan sofia"
).split()
_HOSTS = "web db cache worker gate node build mail proxy store".split()
_DOMAINS = (
    "example.com hinet.net corp.local cuhk.edu.hk shop.io bank.co.uk telecom.com.br mail.ru"
).split()
_NOUNS = (
    "order booking payment room guest invoice session cart report image theme photo album message thread"
    " ticket schedule calendar stock price review profile banner coupon device token device widget"
).split()
_FILES = (
    "main index config data users access report setup cache image backup style model schema".split()
)
_SUFFIXES = "log txt conf jpg py js tmp xml json so dat".split()
_FOLDERS = "var usr home data srv opt tmp etc lib local share app cache spool".split()
_CLASSES = (
    "BlockManager TaskRunner JobTracker ResourceAllocator EventHandler ContainerLauncher ShuffleFetcher"
    " StateMachine RetryPolicy ConnectionPool"
).split()
_PACKAGES = "org.apache.store.server com.shop.booking.core io.queue.client net.cloud.agent".split()
_WORDS = (
    "quick summer light garden window paper bottle river cloud stone yellow market simple pocket silver"
).split()
_PATHS = "bookings rooms users search login static health price orders reviews".split()
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{n}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{n} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0",
    "curl/8.{n}.0", "python-requests/2.{n}", "Googlebot/2.1 (+http://www.google.com/bot.html)",
)  # fmt: skip

Draw = Callable[[random.Random], str]


def _hexadecimal(digits: int) -> Draw:
    return lambda draw: f"{draw.getrandbits(4 * digits):0{digits}x}"


def _ip(draw: random.Random) -> str:
    return ".".join(str(draw.randrange(1, 255)) for _ in range(4))


def _host(draw: random.Random) -> str:
    form = draw.randrange(3)
    name = draw.choice(_HOSTS)
    if form == 0:
        return f"{name}-{draw.randrange(40):02d}"
    if form == 1:
        return f"{name}{draw.randrange(9)}.{draw.choice(_DOMAINS)}"
    return f"{draw.choice(_WORDS)}.{draw.choice(_DOMAINS)}"


def _path(draw: random.Random) -> str:
    folders = [draw.choice(_FOLDERS) for _ in range(draw.randrange(1, 5))]
    return "/" + "/".join((*folders, _file(draw)))


def _file(draw: random.Random) -> str:
    number = draw.choice(("", "", f"-{draw.randrange(99)}", f"_{draw.choice(_WORDS)}"))
    return f"{draw.choice(_FILES)}{number}.{draw.choice(_SUFFIXES)}"


def _size(draw: random.Random) -> str:
    return draw.choice((f"{draw.randrange(1, 999)} B", f"{draw.uniform(1, 900):.1f} KB", f"{draw.uniform(1, 9):.2f} MB"))  # fmt: skip


def _duration(draw: random.Random) -> str:
    return draw.choice((f"{draw.randrange(1, 999)}ms", f"{draw.uniform(0, 9):.3f}s", f"{draw.uniform(0, 99):.2f} ms"))  # fmt: skip


def _url_path(draw: random.Random) -> str:
    form = draw.randrange(4)
    base = f"/{draw.choice(_PATHS)}"
    if form == 0:
        return base
    if form == 1:
        return f"/api{base}/{draw.randrange(10**6)}"
    if form == 2:
        return f"{base}?{draw.choice(_NOUNS)}={draw.choice(_WORDS)}&page={draw.randrange(40)}"
    return f"/static/{draw.choice(_FILES)}.{draw.getrandbits(32):08x}.js"


def _many(one: Draw, between: str) -> Draw:
    return lambda draw: between.join(one(draw) for _ in range(draw.randrange(1, 7)))


def _sentence(draw: random.Random) -> str:
    return " ".join(draw.choice(_WORDS) for _ in range(draw.randrange(1, 5)))


_DRAWS: dict[str, Draw] = {
    "ip": _ip,
    "host": _host,
    "user": lambda draw: draw.choice(_USERS),
    "noun": lambda draw: draw.choice(_NOUNS),
    "word": lambda draw: draw.choice(_WORDS),
    "words": _sentence,
    "path": _path,
    "file": _file,
    "urlpath": _url_path,
    "agent": lambda draw: draw.choice(_AGENTS).replace("{n}", str(draw.randrange(1, 130))),
    "class": lambda draw: f"{draw.choice(_PACKAGES)}.{draw.choice(_CLASSES)}",
    "shortclass": lambda draw: draw.choice(_CLASSES),
    "size": _size,
    "duration": _duration,
    "port": lambda draw: str(draw.randrange(1024, 65536)),
    "pid": lambda draw: str(draw.randrange(100, 33000)),
    "float": lambda draw: f"{draw.uniform(0, 100):.{draw.randrange(1, 6)}f}",
    "hex8": _hexadecimal(8),
    "hex16": _hexadecimal(16),
    "hex40": _hexadecimal(40),
    "uuid": lambda draw: str(uuid.UUID(int=draw.getrandbits(128))),
    "block": lambda draw: f"blk_{draw.choice(('', '-'))}{draw.getrandbits(62)}",
    "email": lambda draw: f"{draw.choice(_USERS)}@{draw.choice(_DOMAINS)}",
    "bool": lambda draw: draw.choice(("true", "false")),
    "status": lambda draw: str(draw.choice((200, 200, 201, 204, 301, 304, 400, 404, 500, 502))),
    "ips": _many(_ip, ", "),
    "ints": _many(lambda draw: str(draw.randrange(9999)), " "),
    "paths": _many(_path, ", "),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of log: what begins each line, and what its messages look like."""

    name: str
    header: str
    templates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Lines with the number of the template that each was made from."""

    name: str
    lines: tuple[str, ...]
    labels: tuple[int, ...]


def make(kind: Kind, count: int, seed: str, *, with_header: bool) -> Labelled:
    """Make so many lines: a few templates are frequent, some come once or twice."""
    draw = random.Random(f"{seed}:{kind.name}")
    numbers = list(range(len(kind.templates)))
    draw.shuffle(numbers)
    weights = [1.0 / (1 + place) ** 1.3 for place in range(len(numbers))]
    labels = draw.choices(numbers, weights, k=count) + numbers
    draw.shuffle(labels)
    lines = []
    for number, label in enumerate(labels):
        # A message comes from one place of the program: its level and class are its own.
        header = fill(kind.header, draw, number, random.Random(label)) if with_header else ""
        lines.append(header + fill(kind.templates[label], draw, number))
    return Labelled(kind.name, tuple(lines), tuple(labels))


def fill(template: str, draw: random.Random, number: int, own: random.Random | None = None) -> str:
    """Return the template with a value in each slot; what belongs to the message comes of `own`."""

    def value(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        if name == "time":
            return _time(argument, number)
        if name == "int":
            return str(draw.randrange(int(argument or 100000)))
        if name == "of":
            return (own or draw).choice(argument.split("|"))
        source = own if own and name in ("class", "shortclass") else draw
        return _DRAWS[name](source) if name in _DRAWS else match[0]

    return _SLOT.sub(value, template)


def _time(form: str, number: int) -> str:
    from datetime import UTC, datetime, timedelta

    at = datetime(2026, 11, 24, 3, tzinfo=UTC) + timedelta(seconds=number * 0.7)
    return at.strftime(form.replace(";", ":"))


def kinds(found: Sequence[Kind], count: int, seed: str, *, with_header: bool) -> list[Labelled]:
    """Make each kind."""
    return [make(kind, count, seed, with_header=with_header) for kind in found]
