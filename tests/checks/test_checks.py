import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from checks.app import App, Received, serving
from drillbook.actions import checks
from drillbook.core.effect import Deadline, Effect, deadline
from drillbook.core.errors import Failed, Refused, SettingsInvalid, Unavailable
from drillbook.core.files import File
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.ports.probe import Probe
from drillbook.stack.stack import Stack, load_stack


def stack_for(folder: Path, *, app: str = "", database: str = "") -> Stack:
    text = "[environments.test]\n"
    if app:
        text += f'[environments.test.app]\nurl = "{app}"\nhealth = "/api/health"\n'
    if database:
        (folder / "database-url").write_text(database)
        text += '[environments.test.database]\nprovider = "postgres"\nurl = "file:database-url"\n'
    (folder / "stack.toml").write_text(text)
    return load_stack(folder / "stack.toml")


def probe(folder: Path, app: App) -> Probe:
    return stack_for(folder, app=app.url).port("test", Probe)


def file(text: str) -> File:
    return File(name="checks.toml", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


def run(stack: Stack, text: str, **values: int) -> checks.Checked:
    return checks.run.do(stack.port("test", CheckedSystems), file=file(text), **values)


@pytest.mark.parametrize(
    ("answer", "ok", "says"),
    [
        ((200, {"status": "ok", "database": {"status": "up"}}), True, "the app's own word"),
        ((200, "OK"), True, "answered 200"),
        ((200, {"status": "DOWN"}), False, "the body says status is DOWN"),
        ((200, {"components": {"db": {"status": "down"}}}), False, "components.db.status is down"),
        ((200, {"checks": [{"name": "error", "ok": False}]}), False, "checks[0].ok is false"),
        ((200, {"log_level": "error", "message": "failed"}), True, ""),
        ((503, {"status": "ok"}), False, "answered 503"),
        ((302, "see other"), False, "answered 302"),
    ],
)
def test_health_is_what_status_and_body_both_say(
    tmp_path: Path, answer: tuple[int, object], ok: bool, says: str
) -> None:
    with serving({"/api/health": answer}) as app:
        health = checks.health.do(probe(tmp_path, app))

    assert (health.ok, health.status) == (ok, answer[0])
    assert says in health.says


def test_health_of_an_app_that_is_gone_is_not_ok_and_says_why(tmp_path: Path) -> None:
    with serving({}) as app:
        gone = probe(tmp_path, app)

    health = checks.health.do(gone)

    assert (health.ok, health.status) == (False, 0)
    assert "no connection" in health.says
    assert app.url in health.says


def test_health_waits_no_longer_than_the_task_may(tmp_path: Path) -> None:
    def slowly(_: Received) -> tuple[int, object]:
        time.sleep(1.5)  # an app that hangs cannot be awaited by an event
        return 200, "ok"

    with serving({"/api/health": slowly}) as app:
        asked = probe(tmp_path, app)
        token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.3)))
        try:
            health = checks.health.do(asked)
        finally:
            deadline.reset(token)

    assert not health.ok
    assert "no answer within" in health.says


def test_checks_pass_when_everything_expected_is_so(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE slots AS SELECT 7 AS id")
    answers = {"/api/services": (200, {"services": [{"name": "Haircut", "price": 25}]})}
    text = """
    [[http]]
    name = "the services are listed"
    path = "/api/services"
    max_seconds = 5
    contains = "Haircut"
    expect = "json.services[0].price > 20 && status == 200"

    [[sql]]
    name = "slots are there"
    query = "SELECT id, '100%' AS share FROM slots"
    expect = "value == 7 && count == 1 && rows[0].share == '100%'"
    """

    with serving(answers) as app:
        checked = run(stack_for(tmp_path, app=app.url, database=database_url), text)

    assert (checked.passed, checked.failed, checked.failures) == (2, 0, ())
    assert [result.name for result in checked.results] == [
        "the services are listed",
        "slots are there",
    ]


def test_each_failed_check_is_a_sentence_and_fails_the_task(tmp_path: Path) -> None:
    text = """
    [[http]]
    name = "a"
    path = "/gone"
    [[http]]
    name = "b"
    path = "/list"
    expect = "size(json.items) > 2"
    [[http]]
    name = "c"
    path = "/list"
    contains = "Anna"
    [[http]]
    name = "d"
    path = "/list"
    expect = "json.itemz == 1"
    """

    with serving({"/list": (200, {"items": [1]})}) as app:
        stack = stack_for(tmp_path, app=app.url)
        with pytest.raises(Failed, match="4 of 4 checks failed: a: GET /gone answered 404") as hit:
            run(stack, text)
        checked = run(stack, text, at_most_failures=4)

    assert "and 1 more" in str(hit.value)
    assert checked.failed == 4
    assert "instead of 200: nothing here" in checked.failures[0]
    assert "expected size(json.items) > 2, and json.items is [1]" in checked.failures[1]
    assert "does not contain 'Anna'" in checked.failures[2]
    assert "has no `itemz`" in checked.failures[3]


def test_a_query_that_would_write_is_refused_and_writes_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE bookings AS SELECT 1 AS id")
    stack = stack_for(tmp_path, database=database_url)
    check = '[[sql]]\nname = "x"\nquery = "{}"\nexpect = "count == 0"\n'

    with pytest.raises(Refused, match="would write"):
        run(stack, check.format("DELETE FROM bookings RETURNING id"))
    with pytest.raises(Failed, match="multiple commands"):
        run(stack, check.format("COMMIT; DELETE FROM bookings"))
    with pytest.raises(Failed, match="does not exist"):
        run(stack, check.format("SELECT 1 FROM nothing"))

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchone() == (1,)


def test_a_check_that_writes_is_refused_where_only_reading_is_meant(tmp_path: Path) -> None:
    text = '[[http]]\nname = "book"\nmethod = "POST"\npath = "/bookings"\n'

    with serving({}) as app, pytest.raises(Refused, match="'book' sends POST") as caught:
        run(stack_for(tmp_path, app=app.url), text)

    assert "checks.exercise" in caught.value.hint
    assert app.received == []


def test_a_check_of_a_system_the_environment_lacks_names_the_section(tmp_path: Path) -> None:
    text = '[[http]]\nname = "x"\npath = "/"\n'

    with pytest.raises(SettingsInvalid, match="test has no app") as caught:
        run(stack_for(tmp_path), text)

    assert "[environments.test.app]" in caught.value.hint


def test_checks_stop_when_the_time_of_the_task_is_up(tmp_path: Path) -> None:
    with serving({"/": (200, "ok")}) as app:
        stack = stack_for(tmp_path, app=app.url)
        token = deadline.set(Deadline(datetime.now(UTC)))
        try:
            with pytest.raises(Unavailable, match="the time was up after 0 of 1 checks"):
                run(stack, '[[http]]\nname = "x"\npath = "/"\n')
        finally:
            deadline.reset(token)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no check"),
        ('[[http]]\nname = "x"\npth = "/"', "checks.toml:1: path is missing in [http.0]"),
        ('[[http]]\nname = "x"\npath = "http://evil"', "checks.toml:3: http.0.path is not a path"),
        ('[[http]]\nname = "x"\npath = "//evil"', "is not a path on the app"),
        ('[[http]]\nname = "x"\npath = "/"\nexpect = "a ="', "checks.toml:4: "),
        ('[[http]]\nname = "x"\npath = "/"\nmethod = "BREW"', "method is 'BREW'"),
        ('[[sql]]\nname = "x"\nquery = "SELECT 1"', "expect is missing"),
        ('[[http]]\nname = "x"\npath = "/"\n[[http]]\nname = "x"\npath = "/"', "named 'x'"),
        (
            '[[http]]\nname="x"\npath="/"\nheaders = { Authorization = "Bearer hunter2" }',
            "hold a secret in Authorization",
        ),
    ],
)
def test_a_wrong_checks_file_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        run(stack_for(tmp_path), text)

    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


ROUND_TRIP = """
repeatable = true
[[http]]
name = "sign in"
method = "POST"
path = "/session"
headers = { Authorization = "Bearer env:CHECK_TOKEN" }
body = { note = "drillbook ${run}" }
status = 201
save = { session = "json.id" }
[[http]]
name = "see it"
path = "/session/${session}"
[[http]]
name = "sign out"
method = "DELETE"
path = "/session/${session}"
"""


def test_an_exercise_makes_a_round_trip_with_saved_values_and_its_effect_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TOKEN", "canary-token-77")
    answers = {
        "/session": (201, {"id": "a/b"}),
        "/session/a%2Fb": (200, {"ok": True}),
    }
    effect = Effect(key="r-1:4.2", run="r-1", task="4.2")

    with serving(answers) as app:
        systems = stack_for(tmp_path, app=app.url).port("test", CheckedSystems)
        there = checks.exercise.look(systems, effect, file=file(ROUND_TRIP))
        checked = checks.exercise.do(systems, effect, file=file(ROUND_TRIP))

    assert there is None
    assert checked.passed == 3
    first, second, third = app.received
    assert first.headers["Authorization"] == "Bearer canary-token-77"
    assert first.headers["Idempotency-Key"] == "r-1:4.2/1"
    assert b"drillbook r-1" in first.body
    assert (second.path, third.method) == ("/session/a%2Fb", "DELETE")
    assert "canary" not in checked.model_dump_json()


def test_an_exercise_that_may_not_be_repeated_is_refused(tmp_path: Path) -> None:
    text = ROUND_TRIP.replace("repeatable = true", "")
    systems = stack_for(tmp_path).port("test", CheckedSystems)

    with pytest.raises(Refused, match="may be carried out twice"):
        checks.exercise.do(systems, Effect(key="k"), file=file(text))
