"""Checks as a customer who signed in: her password and her token are sent, and shown nowhere."""

import hashlib
import json
from pathlib import Path

import pytest

from checks.app import Answering, App, Received, serving
from drillbook.actions import checks
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, Unavailable
from drillbook.core.files import File
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.stack.stack import load_stack

PASSWORD = "canary password 77"
TOKEN = "canary-token-of-hers"
READING = """
[login]
path = "/api/login"
body = { email = "ana@example.com", password = "file:${environment}/customers.password" }

[[http]]
name = "she sees her bookings"
path = "/api/bookings"
headers = { Authorization = "Bearer ${token}" }
expect = "json.bookings.exists(b, b.reference == 'B-1')"
"""
ROUND_TRIP = (
    "repeatable = true\n"
    + READING
    + """
[[http]]
name = "book"
method = "POST"
path = "/api/bookings"
headers = { Authorization = "Bearer ${token}" }
body = { note = "${run}" }
status = 201
save = { reference = "json.reference" }

[[http]]
name = "cancel"
method = "POST"
path = "/api/bookings/${reference}/cancel"
status = [200, 404]
headers = { Cookie = "session=${token}" }
expect = 'json.status == "cancelled"'
"""
)


def systems_of(folder: Path, app: App) -> CheckedSystems:
    (folder / "test").mkdir()
    (folder / "test" / "customers.password").write_text(PASSWORD + "\n")
    text = f'[environments.test.app]\nurl = "{app.url}"\n'
    (folder / "stack.toml").write_text(text)
    return load_stack(folder / "stack.toml").port("test", CheckedSystems)


def file(text: str) -> File:
    return File(name="checks.toml", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


def answers() -> dict[str, Answering | tuple[int, object]]:
    def login(asked: Received) -> tuple[int, object]:
        right = {"email": "ana@example.com", "password": PASSWORD}
        if json.loads(asked.body) == right:
            return 200, {"token": TOKEN}
        return 400, {"error": f"not the password: {json.loads(asked.body)['password']}"}

    def bookings(asked: Received) -> tuple[int, object]:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"error": f"no customer has {asked.headers.get('Authorization')}"}
        return 200, {"bookings": [{"reference": "B-1"}]}

    return {
        "POST /api/login": login,
        "GET /api/bookings": bookings,
        "POST /api/bookings": (201, {"reference": "B-1"}),
        "POST /api/bookings/B-1/cancel": (200, {"status": "cancelled"}),
    }


def test_checks_that_only_read_may_sign_in_first(tmp_path: Path) -> None:
    with serving(answers()) as app:
        checked = checks.run.do(systems_of(tmp_path, app), file=file(READING))

    assert [result.name for result in checked.results] == ["log in", "she sees her bookings"]
    assert checked.passed == 2
    said = checked.model_dump_json()
    assert PASSWORD not in said
    assert TOKEN not in said


def test_a_round_trip_signs_in_books_reads_and_cancels(tmp_path: Path) -> None:
    effect = Effect(key="r-1:4.2", run="r-1", task="4.2")

    with serving(answers()) as app:
        checked = checks.exercise.do(systems_of(tmp_path, app), effect, file=file(ROUND_TRIP))

    assert checked.passed == 4
    assert [asked.path for asked in app.received][-1] == "/api/bookings/B-1/cancel"
    assert app.received[-1].headers["Cookie"] == f"session={TOKEN}"
    # A login is asked anew each time: a token kept from before could be over.
    assert "Idempotency-Key" not in app.received[0].headers
    assert app.received[2].headers["Idempotency-Key"] == "r-1:4.2/2"


def test_after_a_failed_login_what_needs_it_is_not_asked_and_says_why(tmp_path: Path) -> None:
    with serving(answers()) as app:
        systems = systems_of(tmp_path, app)
        (tmp_path / "test" / "customers.password").write_text("a canary of before")
        checked = checks.run.do(systems, file=file(READING), at_most_failures=2)

    assert [asked.path for asked in app.received] == ["/api/login"]
    first, second = checked.failures
    assert first.startswith("log in: POST /api/login answered 400 instead of 200")
    assert "a canary of before" not in first
    assert "[secret file:" in first
    assert second.endswith("was not asked: 'log in' failed, which saves token")


def test_a_token_is_hidden_in_answers_that_are_wrong_too(tmp_path: Path) -> None:
    wrong = answers() | {
        "POST /api/login": (201, {"token": TOKEN}),
        "GET /api/bookings": (500, {"error": f"{TOKEN} was unexpected"}),
    }
    text = READING.replace("[login]\n", "[login]\nstatus = 201\n")
    with serving(wrong) as app:
        systems = systems_of(tmp_path, app)
        one = checks.run.do(systems, file=file(READING), at_most_failures=2)
        other = checks.run.do(systems, file=file(text), at_most_failures=2)

    assert "answered 201 instead of 200" in one.failures[0]
    assert "[saved token] was unexpected" in other.failures[0]
    assert TOKEN not in one.model_dump_json() + other.model_dump_json()


@pytest.mark.parametrize("body", [{"token": ""}, {"session": TOKEN}, "not JSON"])
def test_a_login_without_a_token_is_no_login(tmp_path: Path, body: object) -> None:
    with serving(answers() | {"POST /api/login": (200, body)}) as app:
        systems = systems_of(tmp_path, app)
        with pytest.raises(Failed, match="log in: POST /api/login has no token to save"):
            checks.run.do(systems, file=file(READING))


def test_a_secret_that_is_not_there_stops_before_anything_is_sent(tmp_path: Path) -> None:
    with serving(answers()) as app:
        systems = systems_of(tmp_path, app)
        (tmp_path / "test" / "customers.password").unlink()
        with pytest.raises(Unavailable, match=r"customers\.password cannot be read"):
            checks.run.do(systems, file=file(READING))

    assert app.received == []


def test_an_answer_that_looks_like_a_reference_reveals_nothing(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("a canary of this machine")
    text = """
    repeatable = true
    [[http]]
    name = "ask"
    path = "/name"
    save = { name = "json.name" }
    [[http]]
    name = "tell"
    method = "POST"
    path = "/name"
    body = { names = ["${name}", { of = "${name}" }], number = 7 }
    headers = { X-Name = "${name}" }
    """
    name = f"file:{tmp_path / 'private'}"
    with serving({"/name": (200, {"name": name})}) as app:
        checks.exercise.do(systems_of(tmp_path, app), Effect(key="k"), file=file(text))

    assert json.loads(app.received[1].body) == {"names": [name, {"of": name}], "number": 7}
    assert app.received[1].headers["X-Name"] == name


HTTP = '[[http]]\nname = "x"\npath = "/"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HTTP + 'headers = { Authorization = "Bearer ${token}" }', "no check before it saves that"),
        (HTTP + 'save = { a = "json.a" }\nbody = { b = "${a}" }', "no check before it saves that"),
        (HTTP + 'headers = { Cookie = "session=hunter2" }', "hold a secret in Cookie"),
        (HTTP + 'headers = { Authorization = "hunter2 ${token} x" }', "hold a secret in Auth"),
        (HTTP + 'save = { run = "json.a" }', "cannot save under the name 'run'"),
        (HTTP + 'save = { "a b" = "json.a" }', "cannot save under the name 'a b'"),
        (
            HTTP + 'save = { a = "json.a" }\n[[http]]\nname = "y"\npath = "/"\nmethod = "POST"\n'
            'body = { b = "file:/${a}" }',
            "name a secret by a saved value",
        ),
        (HTTP + "status = []", "status"),
        (HTTP + "status = [200, 20]", "status"),
        (HTTP + 'body = { note = "${run}" }', "known to checks.exercise only: run"),
        ('[login]\npath = "/login"\n', "body is missing"),
        ('[login]\npath = "login"\nbody = {}', "is not a path on the app"),
        ('[login]\npath = "/login"\nbody = {}\nname = "x"\n' + HTTP, "two checks are named 'x'"),
    ],
)
def test_a_file_that_would_send_or_show_what_it_should_not_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    with serving({"/": (200, {"a": "b"})}) as app:
        systems = systems_of(tmp_path, app)
        with pytest.raises(Refused) as caught:
            checks.run.do(systems, file=file(text))

    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert app.received == []
