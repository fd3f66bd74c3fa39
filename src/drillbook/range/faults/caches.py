"""Faults of Valkey, in which the app counts its users' requests."""

import time
from typing import TYPE_CHECKING

from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers, nothing_to_know
from drillbook.range.faults.freezing import freeze, hangs, thaw
from drillbook.range.valkey import ValkeyServer

if TYPE_CHECKING:
    from redis import Redis

# As the app names them: by limit, by whom, by window.
PREFIX = "booking:limit:"
BLOCKED = "1000000"
WINDOW_SECONDS = 60
WINDOWS_AHEAD = 120
CUSTOMERS = 10


def _server(ground: Ground) -> ValkeyServer:
    return ValkeyServer(ground.environment.folder / "valkey")


def _kill(ground: Ground, _: Saved) -> None:
    _server(ground).kill()


def _start(ground: Ground, _: Saved) -> None:
    _server(ground).start(tied=ground.tied)


def _who(ground: Ground) -> list[str]:
    with ground.connect() as connection:
        emails = [f"customer{number}@example.com" for number in range(1, CUSTOMERS + 1)]
        found = connection.execute("SELECT id::text FROM users WHERE email = ANY(%s)", (emails,))
        return [f"user:{row[0]}" for row in found]


def _block(ground: Ground, _: Saved) -> None:
    """Leave counts that never end, as a writer does that dies between INCR and EXPIRE."""
    first = int(time.time()) // WINDOW_SECONDS
    counts = {
        f"{PREFIX}requests:{who}:{window}": BLOCKED
        for who in _who(ground)
        for window in range(first, first + WINDOWS_AHEAD)
    }
    with _client(ground) as client:
        client.mset(counts)


def _unblock(ground: Ground, _: Saved) -> None:
    with _client(ground) as client:
        if names := _endless(client):
            client.delete(*names)


def _blocks(ground: Ground) -> bool:
    with _client(ground) as client:
        return bool(_endless(client))


def _endless(client: "Redis") -> list[bytes]:
    names = list(client.scan_iter(f"{PREFIX}*", 1000))
    with client.pipeline(transaction=False) as asking:
        for name in names:
            asking.ttl(name)
        return [name for name, left in zip(names, asking.execute(), strict=True) if left == -1]


def _client(ground: Ground) -> "Redis":
    from redis import Redis  # noqa: PLC0415 - 0.3 s that only these faults need

    return Redis.from_url(_server(ground).url)


FAULTS = (
    Fault(
        name="cache-down",
        says="Valkey was killed: the app lets everybody through and counts nobody",
        suffers=Suffers.OPERATORS,
        look=nothing_to_know,
        act=_kill,
        mend=_start,
        holds=lambda ground: _server(ground).identity() is None,
    ),
    Fault(
        name="cache-hangs",
        says="Valkey takes connections and answers nobody",
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=lambda ground, _: freeze(_server(ground).identity()),
        mend=lambda ground, _: thaw(_server(ground).identity()),
        holds=lambda ground: hangs(_server(ground).identity()),
    ),
    Fault(
        name="limit-blocks-for-ever",
        says="counts without an end in Valkey lock customers out for ever",
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=_block,
        mend=_unblock,
        holds=_blocks,
    ),
)
