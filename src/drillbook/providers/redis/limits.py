"""The `Limits` port: counts are looked at by SCAN, and set aside by a script that looks again."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drillbook.core.effect import deadline
from drillbook.core.errors import OutcomeUnknown, Refused, SettingsInvalid, Unavailable
from drillbook.core.secret import scrub
from drillbook.ports.limits import LimitsSeen

if TYPE_CHECKING:
    from redis import Redis

ASIDE = "drillbook:aside:"
KEPT_SECONDS = 24 * 3600
ANSWER_SECONDS = 3.0
A_PAGE = 1000
MOST_KINDS = 8
NO_END = -1
# What differs between owners and windows, as the parts of a name: numbers, ids, addresses.
_OWNER = re.compile(r"^(?:\d+|[0-9a-f-]{8,}|.*[@.].*|.{24,})$", re.IGNORECASE)
# Asked and done at once: a count that was given an end meanwhile is left alone.
_SET_ASIDE = """
local n = 0
for _, key in ipairs(KEYS) do
  if redis.call('TTL', key) == -1 and redis.call('TYPE', key).ok == 'string'
     and string.find(redis.call('GET', key), '^%d+$') then
    redis.call('RENAME', key, ARGV[1] .. key)
    redis.call('EXPIRE', ARGV[1] .. key, ARGV[2])
    n = n + 1
  end
end
return n
"""
_PUT_BACK = """
local n = 0
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    local own = string.sub(key, tonumber(ARGV[1]) + 1)
    redis.call('RENAME', key, own)
    redis.call('PERSIST', own)
    n = n + 1
  end
end
return n
"""


@dataclass(frozen=True, slots=True)
class RedisLimits:
    """
    The counts of one app's limiter; `url` reveals where they lie at the moment of use.

    Only what begins with `prefix` is the limiter's: nothing else is ever looked at or touched.
    """

    url: Callable[[], str]
    prefix: str
    name: str

    def look(self, prefix: str, mark: str = "") -> LimitsSeen:
        """Return how the store and the counts below the prefix are; never Unavailable."""
        wanted, begun = self._within(prefix), time.monotonic()
        try:
            with self._client() as client:
                client.ping()
                milliseconds = round((time.monotonic() - begun) * 1000, 1)
                return self._seen(client, wanted, mark, milliseconds)
        except Unavailable as error:
            return LimitsSeen(
                prefix=wanted, reachable=False, hangs=_is_timeout(error), problem=str(error)
            )

    def set_aside(self, prefix: str, mark: str) -> int:
        """Rename the counts without an end, so that nobody counts on; return how many are aside."""
        wanted, aside = self._within(prefix), _aside(mark)
        with self._client(writes=True) as client:
            for page in _pages(client, wanted):
                if owned := [key for key in page if _has_owner(key)]:
                    client.eval(_SET_ASIDE, len(owned), *owned, aside, str(KEPT_SECONDS))
            return sum(map(len, _pages(client, aside + wanted)))

    def put_back(self, prefix: str, mark: str) -> int:
        """Give those that were set aside their names back; return how many."""
        wanted, aside = self._within(prefix), _aside(mark)
        with self._client(writes=True) as client:
            found = 0
            for page in list(_pages(client, aside + wanted)):
                found += int(client.eval(_PUT_BACK, len(page), *page, str(len(aside.encode()))))
            return found

    def _within(self, prefix: str) -> str:
        wanted = prefix or self.prefix
        if not wanted.startswith(self.prefix):
            raise Refused(
                f"{wanted!r} is not below {self.prefix!r}, the prefix of {self.name}'s limiter",
                hint="Only the limiter's own counts may be touched: correct the prefix.",
                again=False,
            )
        return wanted

    def _seen(self, client: "Redis", wanted: str, mark: str, milliseconds: float) -> LimitsSeen:
        counts, endless, highest, kinds = 0, 0, 0, dict[str, int]()
        for page in _pages(client, wanted):
            with client.pipeline(transaction=False) as asking:
                for key in page:
                    asking.ttl(key)
                ends = asking.execute()
            counts += len(page)
            forever = [
                key
                for key, left in zip(page, ends, strict=True)
                if left == NO_END and _has_owner(key)
            ]
            numbers = _numbers(client, forever)
            endless += len(numbers)
            highest = max((highest, *numbers.values()))
            for key in numbers:
                kind = _without_owner(key.decode(errors="replace"))
                kinds[kind] = kinds.get(kind, 0) + 1
        most = sorted(kinds.items(), key=lambda item: -item[1])[:MOST_KINDS]
        aside = sum(map(len, _pages(client, _aside(mark) + wanted))) if mark else 0
        return LimitsSeen(
            prefix=wanted,
            reachable=True,
            milliseconds=milliseconds,
            counts=counts,
            endless=endless,
            highest=highest,
            kinds=tuple(f"{kind}: {count} without an end" for kind, count in most),
            set_aside=aside,
        )

    @contextmanager
    def _client(self, *, writes: bool = False) -> Iterator["Redis"]:
        from redis import Redis, exceptions  # noqa: PLC0415 - 0.3 s that only these actions need

        seconds = deadline.get().left(at_most=ANSWER_SECONDS)
        try:
            client = Redis.from_url(
                self.url(), socket_timeout=seconds, socket_connect_timeout=seconds
            )
        except ValueError:
            # Not chained: it repeats the address, and with it the password.
            raise SettingsInvalid(
                f"the url of the limits of {self.name} is not a Redis address",
                hint="Write it as redis://:PASSWORD@HOST:PORT/0, or rediss:// with TLS.",
            ) from None
        where = f"the store of the limits of {self.name}"
        try:
            with client:
                yield client
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise Refused(
                f"{where} does not let us do it: {scrub(str(error))}",
                hint="Check the url, and what its user may do.",
            ) from error
        except exceptions.TimeoutError as error:
            if writes:
                raise OutcomeUnknown(
                    f"{where} was asked and did not answer within {seconds:g} s",
                    hint="A look before the next attempt tells what was carried out.",
                ) from error
            raise Unavailable(
                f"{where} {NO_ANSWER} within {seconds:g} s",
                hint="Look at the store itself: it may be frozen or out of memory.",
            ) from error
        except exceptions.ConnectionError as error:
            raise Unavailable(
                f"{where} cannot be reached: {scrub(str(error))}",
                hint="Check that it runs, and host and port of the url.",
            ) from error
        except exceptions.ResponseError as error:
            raise Refused(
                f"{where} refuses: {scrub(str(error))}",
                hint="A cluster cannot rename across its slots: clear by hand, or node by node.",
            ) from error


NO_ANSWER = "takes connections and does not answer"


def _is_timeout(error: Unavailable) -> bool:
    return NO_ANSWER in str(error)


def _aside(mark: str) -> str:
    return f"{ASIDE}{mark}:"


def _pages(client: "Redis", prefix: str) -> Iterator[list[bytes]]:
    """Yield the names that begin with this, a page at a time; a name may come twice."""
    escaped = re.sub(r"([*?\[\]\\])", r"\\\1", prefix)
    seen: set[bytes] = set()
    page: list[bytes] = []
    for key in client.scan_iter(f"{escaped}*", A_PAGE):
        if key in seen:
            continue
        seen.add(key)
        page.append(key)
        if len(page) == A_PAGE:
            yield page
            page = []
    if page:
        yield page


def _numbers(client: "Redis", keys: list[bytes]) -> dict[bytes, int]:
    """Return the counts among some keys: a limiter may keep settings below the same prefix."""
    if not keys:
        return {}
    with client.pipeline(transaction=False) as asking:
        for key in keys:
            asking.type(key)
        kinds = asking.execute()
    texts = [key for key, kind in zip(keys, kinds, strict=True) if kind == b"string"]
    values = client.mget(texts) if texts else []
    found = {key: _number(value) for key, value in zip(texts, values, strict=True)}
    return {key: number for key, number in found.items() if number is not None}


def _number(value: bytes | str | None) -> int | None:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value or ""
    return int(text) if text.isascii() and text.isdigit() else None


def _has_owner(key: bytes) -> bool:
    """Whether a name says whose or which window's count it is; a setting's name says neither."""
    name = key.decode(errors="replace")
    return _without_owner(name) != name


def _without_owner(name: str) -> str:
    return ":".join("…" if _OWNER.match(part) else part for part in name.split(":"))
