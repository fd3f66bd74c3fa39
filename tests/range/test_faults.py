"""Faults: each really breaks something, and is put back as it was, by whoever comes."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.range import practice
from drillbook.range.cloud import Cloud
from drillbook.range.faults import FAULTS
from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers
from drillbook.range.faults.keeping import break_fault, mend_fault, names_on, status_of
from drillbook.range.faults.snapshot import remember, restore
from drillbook.range.hosting.alias import Alias, read_alias
from drillbook.range.status import RangeStatus
from drillbook.range.twins.vercel.records import Hosting
from drillbook.range.twins.vercel.switching import OPEN, give_all
from drillbook.range.twins.weather import Mode, Weather, set_weather

# What does not kill, and takes a moment only; all are proven by `make check-faults`.
CHEAP = [
    "database-locked",
    "migration-breaks-inserts",
    "limit-blocks-for-ever",
    "auth-down",
    "payments-failing",
    "app-hangs",
    "cache-hangs",
    "password-rotated",
    "automatic-off",
    "crons-lost",
    "hosting-does-not-switch",
    "ci-stuck",
    "hosting-api-down",
    "repository-api-loses-answers",
]


@pytest.fixture
def folder(practice_range: RangeStatus) -> Iterator[Path]:
    """The range of all tests, which is put back as it was."""
    yield practice_range.folder
    for name in names_on(Ground(practice_range.folder)):
        practice.mend(practice_range.folder, name, tied=True)


def ask(
    folder: Path, method: str, path: str, body: object = None, token: str = ""
) -> tuple[int, dict[str, object]]:
    port = int((folder / "production/app.port").read_text())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def log_in(folder: Path) -> tuple[int, dict[str, object]]:
    password = (folder / "production/customers.password").read_text()
    who = {"email": "customer5@example.com", "password": password}
    return ask(folder, "POST", "/api/login", who)


def book(folder: Path) -> int:
    """Book as a customer does, and cancel it again."""
    status, said = log_in(folder)
    if status != 200:
        return status
    token = str(said["token"])
    status, made = ask(folder, "POST", "/api/bookings", {}, token)
    if status == 201:
        ask(folder, "POST", f"/api/bookings/{made['reference']}/cancel", {}, token)
    return status


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what a product may read of a range: all but the range's own cloud folder."""
    found = {}
    for name in ("stack.toml", "checks/booking.toml", "production/alias.json"):
        found[name] = (folder / name).read_bytes()
    return found


@pytest.mark.parametrize("name", CHEAP)
def test_fault_holds_until_it_is_mended_and_leaves_all_as_it_was(folder: Path, name: str) -> None:
    ground, cloud = Ground(folder, tied=True), practice.cloud_of(folder)
    before, files = remember(cloud), files_of(folder)

    broken = practice.break_(folder, name, tied=True)
    held = FAULTS[name].holds(ground)
    mended = practice.mend(folder, name, tied=True)
    again = practice.mend(folder, name, tied=True)

    assert broken.on
    assert held
    assert (mended, again) == (True, False)
    assert not FAULTS[name].holds(ground)
    assert remember(cloud) == before
    assert files_of(folder) == files
    assert book(folder) == 201
    assert not any(status.on for status in practice.faults(folder))


def test_customers_suffer_from_what_is_broken_and_not_after(folder: Path) -> None:
    practice.break_(folder, "migration-breaks-inserts", tied=True)
    refused = book(folder)
    practice.break_(folder, "auth-down", tied=True)
    nobody = log_in(folder)[0]
    for name in names_on(Ground(folder)):
        practice.mend(folder, name, tied=True)

    assert (refused, nobody) == (500, 503)
    assert book(folder) == 201


def test_bad_release_is_on_main_and_serves_and_mending_gives_all_back(folder: Path) -> None:
    cloud = practice.cloud_of(folder)
    before, deployments = remember(cloud), sorted(cloud.deployments.glob("dpl_*"))

    practice.break_(folder, "release-lacks-value", tied=True)
    try:
        serving, head = ask(folder, "GET", "/api/version")[1]["commit"], remember(cloud)["heads"]
        refused = book(folder)
    finally:
        practice.mend(folder, "release-lacks-value", tied=True)

    assert serving == head["main"] != before["heads"]["main"]
    assert refused == 500
    assert remember(cloud) == before
    assert ask(folder, "GET", "/api/version")[1]["commit"] == before["heads"]["main"]
    assert book(folder) == 201
    time.sleep(0.6)  # the hosting looks each quarter of a second for something to build
    assert remember(cloud) == before
    assert sorted(cloud.deployments.glob("dpl_*")) == deployments


def test_up_mends_whatever_is_broken(folder: Path) -> None:
    for name in ("payments-failing", "platform-down"):
        practice.break_(folder, name, tied=True)
    assert [one.name for one in practice.faults(folder) if one.on] == [
        "payments-failing",
        "platform-down",
    ]

    said: list[str] = []
    practice.up(folder, scale=0.1, tied=True, progress=said.append)

    assert said[-2:] == ["mended: platform-down", "mended: payments-failing"]
    assert not any(one.on for one in practice.faults(folder))
    assert book(folder) == 201


def test_fault_that_is_on_or_is_none_is_refused(folder: Path) -> None:
    practice.break_(folder, "hosting-api-slow")
    try:
        with pytest.raises(Refused, match="hosting-api-slow is on since"):
            practice.break_(folder, "hosting-api-slow")
    finally:
        practice.mend(folder, "hosting-api-slow")
    with pytest.raises(NotFound, match="there is no fault 'flood'"):
        practice.break_(folder, "flood")
    with pytest.raises(Unavailable, match="nobody uses the app"):
        practice.break_(folder, "traffic-spike")
    assert not any(one.on for one in practice.faults(folder))


def test_two_faults_of_one_thing_are_mended_last_first_or_not_at_all(folder: Path) -> None:
    before = remember(practice.cloud_of(folder))
    for name in ("automatic-off", "crons-lost", "auth-down"):
        practice.break_(folder, name, tied=True)

    with pytest.raises(Refused, match="crons-lost came later on the same hosting"):
        practice.mend(folder, "automatic-off", tied=True)
    with pytest.raises(Refused, match="auth-down has broken auth-production already"):
        practice.break_(folder, "auth-failing", tied=True)
    still_on = names_on(Ground(folder))
    for name in ("crons-lost", "auth-down", "automatic-off"):
        practice.mend(folder, name, tied=True)

    assert still_on == ("auth-down", "crons-lost", "automatic-off")
    assert names_on(Ground(folder)) == ()
    assert remember(practice.cloud_of(folder)) == before
    assert not list((folder / "cloud/weather").glob("*"))


@pytest.mark.parametrize("name", ["hosting-does-not-assign", "hosting-does-not-switch"])
def test_users_are_given_back_while_the_hosting_gives_nobody_anything(
    folder: Path, name: str
) -> None:
    cloud = practice.cloud_of(folder)
    saved, hosting = remember(cloud), Hosting(cloud)
    earlier = next(each for each in saved["deployments"] if each not in saved["serving"].values())
    give_all(hosting, "production", earlier)
    practice.break_(folder, name, tied=True)

    restore(cloud, saved)
    alias, said = read_alias(cloud.environment("production")), remember(cloud)["serving"]
    practice.mend(folder, name, tied=True)

    assert alias == Alias(saved["serving"]["production"])
    assert said == saved["serving"]
    assert [job for job in hosting.documents.all("switch") if job["jobStatus"] in OPEN] == []


def test_up_brings_a_server_back_that_somebody_froze(folder: Path) -> None:
    practice.break_(folder, "cache-hangs", tied=True)

    practice.environment_of(folder, "production").valkey.start(tied=True)

    assert not FAULTS["cache-hangs"].holds(Ground(folder))


def test_weather_from_before_a_fault_is_there_again_after_it(tmp_path: Path) -> None:
    ground, before = Ground(tmp_path), Weather(Mode.SLOW, seconds=0.5, methods=("GET",))
    weather = Cloud(tmp_path).weather
    set_weather(weather, "vercel", before)
    said = (weather / "vercel.json").read_text()

    break_fault(ground, FAULTS["hosting-api-limited"])
    changed = (weather / "vercel.json").read_text()
    mend_fault(ground, FAULTS["hosting-api-limited"])

    assert changed != said
    assert (weather / "vercel.json").read_text() == said


def test_break_that_was_killed_halfway_is_mended_by_another(tmp_path: Path) -> None:
    world = {"table": "there"}

    def half(_: Ground, __: Saved) -> None:
        world.clear()
        raise KeyboardInterrupt

    fault = Fault(
        name="half",
        says="",
        suffers=Suffers.USERS,
        look=lambda _: dict(world),
        act=half,
        mend=lambda _, saved: world.update(saved),
        holds=lambda _: not world,
    )
    ground = Ground(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        break_fault(ground, fault)
    was_on = status_of(ground, fault).on
    mended = mend_fault(ground, fault)

    assert was_on
    assert mended
    assert world == {"table": "there"}
    assert names_on(ground) == ()


def test_what_a_killed_break_has_asked_for_last_is_done_before_it_is_mended(folder: Path) -> None:
    ground = Ground(folder)
    killed = (
        "import sys; from pathlib import Path\n"
        "from drillbook.range.faults.fault import Ground\n"
        "with Ground(Path(sys.argv[1])).changing() as connection:\n"
        "    print('in', flush=True)\n"
        "    connection.execute('CREATE TABLE late AS SELECT pg_sleep(20)')\n"
    )
    words = [sys.executable, "-c", killed, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as breaking:
        assert breaking.stdout is not None
        breaking.stdout.readline()
        breaking.kill()

    with ground.changing() as connection:
        said = connection.execute(
            "SELECT to_regclass('late'), count(*) FROM pg_stat_activity WHERE query ~ '^CREATE'"
        ).fetchone()

    assert said == (None, 0)


def test_there_are_many_faults_and_each_says_what_is_broken() -> None:
    assert len(FAULTS) >= 24
    assert all(len(fault.says) > 15 for fault in FAULTS.values())
    assert {fault.suffers for fault in FAULTS.values()} == set(Suffers)
