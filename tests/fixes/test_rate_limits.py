"""Counts without an end are set aside and put back; counts that end are never touched."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from drillbook.actions import ratelimit
from drillbook.actions.ratelimit.clearing import look_cleared, remember_counts, undo_clear
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, Unavailable, UndoImpossible
from drillbook.core.process_identity import send_signal
from drillbook.providers.redis import RedisLimits
from drillbook.providers.redis import limits as provider
from drillbook.range.valkey import ValkeyServer
from postgres.dying import dies_at

if TYPE_CHECKING:
    from redis import Redis

PREFIX = "shop:limit:"
EFFECT = Effect(key="run:5.3", run="run")
OWNERS = [f"user:0195f6a0-0000-7000-8000-00000000000{number}" for number in range(3)]
ENDLESS = {f"{PREFIX}requests:{who}:{window}": "1000000" for who in OWNERS for window in (7, 8)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path_factory.mktemp("limits") / "valkey")
    made.start(tied=True)
    yield made
    made.stop()


@pytest.fixture
def store(server: ValkeyServer) -> Iterator["Redis"]:
    from redis import Redis

    with Redis.from_url(server.url, decode_responses=True) as client:
        client.flushdb()
        client.mset(ENDLESS)
        client.set(f"{PREFIX}requests:address:127.1.0.1:8", "5", ex=600)
        client.set(f"{PREFIX}settings", "strict")
        client.set(f"{PREFIX}requests:most", "100")  # a setting, and a number
        client.set(f"{PREFIX}requests:share:7", "0.5")
        client.hset(f"{PREFIX}names", "a", "b")
        client.set("sessions:1", "17")
        yield client


@pytest.fixture
def limits(server: ValkeyServer) -> RedisLimits:
    return RedisLimits(lambda: server.url, PREFIX, "production")


def whole(store: "Redis") -> dict[str, tuple[str, bool]]:
    """Return each text of the store and whether it has an end."""
    names = [name for name in store.scan_iter() if store.type(name) == "string"]
    return {name: (str(store.get(name)), store.ttl(name) != -1) for name in names}


def test_the_state_tells_counts_without_their_owners(limits: RedisLimits, store: "Redis") -> None:
    seen = ratelimit.state.do(limits)

    assert (seen.reachable, seen.counts, seen.endless, seen.highest) == (True, 11, 6, 1000000)
    assert seen.shown == (f"{PREFIX}requests:user:…:…: 6 without an end",)
    assert "6 without an end, the highest 1000000" in seen.says


def test_only_counts_without_an_end_are_cleared_and_they_come_back_as_they_were(
    limits: RedisLimits, store: "Redis"
) -> None:
    as_it_was = whole(store)
    before = remember_counts(limits, EFFECT)
    assert look_cleared(limits, EFFECT) is None

    done = ratelimit.clear.do(limits, EFFECT, prefix=PREFIX)

    assert (done.cleared, done.left, before.endless) == (6, 0, 6)
    kept = {name: value for name, value in whole(store).items() if not name.startswith("drill")}
    assert kept == {name: value for name, value in as_it_was.items() if name not in ENDLESS}
    aside = list(store.scan_iter("drillbook:aside:*"))
    assert len(aside) == 6
    assert all(0 < store.ttl(name) <= 24 * 3600 for name in aside)
    assert look_cleared(limits, EFFECT) == done
    assert look_cleared(limits, Effect(key="another:1")) is None

    undone = undo_clear(before, limits, EFFECT, prefix=PREFIX)

    assert whole(store) == as_it_was
    assert (undone.cleared, undone.left) == (0, 6)
    assert undo_clear(before, limits, EFFECT, prefix=PREFIX).left == 6  # twice is once


def test_clearing_killed_at_every_moment_is_cleared_once(
    limits: RedisLimits, store: "Redis"
) -> None:
    as_it_was = whole(store)
    for moment in range(1, 4):
        effect = Effect(key=f"run-{moment}:5.3")
        before = remember_counts(limits, effect)
        dies_at(moment, effect, lambda mine: ratelimit.clear.do(limits, mine))
        found = look_cleared(limits, effect) or ratelimit.clear.do(limits, effect)
        assert (found.cleared, found.left) == (6, 0)
        undo_clear(before, limits, effect)
        assert whole(store) == as_it_was


def test_what_is_not_as_it_was_told_is_refused(limits: RedisLimits, store: "Redis") -> None:
    as_it_was = whole(store)
    with pytest.raises(Refused, match="6 counts below shop:limit: have no end, more than 5"):
        ratelimit.clear.do(limits, EFFECT, at_most=5)
    with pytest.raises(Refused, match="'sessions:' is not below 'shop:limit:'"):
        ratelimit.clear.do(limits, EFFECT, prefix="sessions:")
    with pytest.raises(Refused, match="no count below shop:limit:logins: is without an end"):
        ratelimit.clear.do(limits, EFFECT, prefix=f"{PREFIX}logins:")
    assert whole(store) == as_it_was

    before = remember_counts(limits, EFFECT)
    ratelimit.clear.do(limits, EFFECT)
    store.delete(*store.scan_iter("drillbook:aside:*"))  # a day later
    with pytest.raises(UndoImpossible, match="of 6 counts without an end 0 are there"):
        undo_clear(before, limits, EFFECT)


def test_a_writer_that_goes_on_leaving_them_is_told(
    limits: RedisLimits, store: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside = RedisLimits.set_aside

    def and_again(self: RedisLimits, prefix: str, mark: str) -> int:
        found = set_aside(self, prefix, mark)
        store.set(f"{PREFIX}requests:user:9:9", "3")
        return found

    monkeypatch.setattr(RedisLimits, "set_aside", and_again)
    with pytest.raises(Failed, match="6 counts were set aside, and 1 without an end are there"):
        ratelimit.clear.do(limits, EFFECT)


def test_a_store_that_hangs_and_one_that_is_away_are_told_apart(
    server: ValkeyServer, limits: RedisLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "ANSWER_SECONDS", 0.2)
    running = server.identity()
    assert running is not None
    send_signal(running, signal.SIGSTOP)
    try:
        seen = ratelimit.state.do(limits)
        with pytest.raises(Unavailable, match="does not answer"):
            ratelimit.clear.do(limits, EFFECT)
    finally:
        send_signal(running, signal.SIGCONT)
    assert (seen.reachable, seen.hangs) == (False, True)
    assert server.password not in seen.says

    away = RedisLimits(lambda: "redis://:pw@127.0.0.1:9/0", PREFIX, "production")
    gone = ratelimit.state.do(away)
    assert (gone.reachable, gone.hangs) == (False, False)
    assert "cannot be reached" in gone.says
