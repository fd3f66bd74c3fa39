"""What was written to the world is seen, whoever wrote it, on the range that all tests share."""

from collections.abc import Iterator
from random import Random

import psycopg
import pytest
from redis import Redis

from drillbook.drills.errors.controls import scans
from drillbook.drills.errors.repairs import keep, put_back
from drillbook.drills.errors.sessions_seen import SessionsSeen
from drillbook.drills.errors.world import World, look, written_between
from drillbook.drills.errors.world_database import sessions_of
from drillbook.range.cloud import Cloud
from drillbook.range.environment import APP_LOGIN
from drillbook.range.faults.fault import Ground
from drillbook.range.status import RangeStatus
from drillbook.range.twins.vercel.values import set_values

ENDLESS = "booking:limit:requests:user:nobody:1"


@pytest.fixture
def ground(practice_range: RangeStatus) -> Iterator[Ground]:
    """The range of all tests, which is put back as it was."""
    ground = Ground(practice_range.folder, tied=True)
    kept = keep(ground)
    yield ground
    put_back(ground, kept)
    with Redis.from_url(ground.environment.valkey.url) as client:
        client.delete(ENDLESS)


def changed(cloud: Cloud, before: World) -> set[tuple[str, str]]:
    return {(each.what, each.how) for each in written_between(cloud, before, look(cloud))}


def test_a_world_that_nobody_writes_to_is_as_before(ground: Ground) -> None:
    before = look(ground.cloud)

    assert changed(ground.cloud, before) == set()
    assert {"hosting", "repository", "limiter", "production database"} <= before.parts.keys()


def test_each_write_is_seen_and_put_back(ground: Ground) -> None:
    cloud = ground.cloud
    untouched = look(cloud)
    kept = keep(ground)
    with psycopg.connect(ground.environment.server.url("booking"), application_name="held") as held:
        pid = held.info.backend_pid
        before = look(cloud)
        set_values(cloud, "production", {"PAYMENTS_KEY": "another"})
        cloud.documents("vercel").put("firewall", "active", {"ips": [{"ip": "127.1.0.1"}]})
        cloud.documents("github").put("issue", "999", {"number": 999})
        with Redis.from_url(ground.environment.valkey.url) as client:
            client.set(ENDLESS, 1)
        with ground.changing() as connection:
            connection.execute(f"ALTER ROLE {APP_LOGIN} CONNECTION LIMIT 77")
            connection.execute("CREATE INDEX is_new ON bookings (note)")
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        found = changed(cloud, before)
        cloud.documents("github").remove("issue", "999")
        with ground.changing() as connection:
            connection.execute("DROP INDEX is_new")
        put_back(ground, kept)

    assert {
        ("value PAYMENTS_KEY (production)", "changed"),
        ("firewall ips", "made"),
        ("issue 999", "made"),
        (ENDLESS, "made"),
        (f"role {APP_LOGIN}", "changed"),
        ("index is_new", "made"),
        (str(pid), "removed"),
    } <= found
    assert {what for what, _ in changed(cloud, untouched)} == {ENDLESS, str(pid)}


def test_a_session_that_ends_before_all_was_looked_at_is_known_by_its_name(
    ground: Ground,
) -> None:
    with SessionsSeen(ground.environment).looking() as seen:
        with psycopg.connect(
            ground.environment.server.url("booking"), application_name="is soon gone"
        ) as soon:
            pid = soon.info.backend_pid
            while pid not in {each.pid for each in seen.all_with(())}:
                soon.execute("SELECT pg_sleep(0.05)")
        kept = seen.all_with(sessions_of(ground.environment))

    assert {each.name for each in kept if each.pid == pid} == {"is soon gone"}


def test_what_was_away_at_one_of_both_looks_is_no_write(ground: Ground) -> None:
    before = look(ground.cloud)
    away = World(before.at, {part: s for part, s in before.parts.items() if part != "limiter"})

    assert written_between(ground.cloud, away, before) == ()


def test_a_scanner_is_somebody_of_its_own_and_gets_what_it_deserves(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.drills.errors.controls.BURST_SECONDS", 0.3)
    monkeypatch.setattr("drillbook.drills.errors.controls._beside", lambda go: go())
    log = ground.environment.folder / "edge.log"
    began = log.stat().st_size

    scans(ground, Random(1))  # noqa: S311 - which page is asked for first

    lines = log.read_text(encoding="utf-8")[began:].splitlines()
    assert lines
    assert all("127.66.6.6" in line and "404" in line for line in lines)
