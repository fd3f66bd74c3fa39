"""The auth service's twin, on a real database: what it answers is what GoTrue answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from drillbook.local.server import PostgresServer
from drillbook.range.twins.auth import make_app
from drillbook.range.twins.auth.database import make_auth
from drillbook.range.twins.supabase import signing
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.weather import FAIR, Weather, set_weather
from twins.contract import Contract, load, serve
from twins.supabase_project import PASSWORD, project_on

EMAIL = "customer5@example.com"


@pytest.fixture(scope="module")
def project(
    postgres_server: PostgresServer, booking_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("range")
    with project_on(postgres_server, booking_template, folder) as made:
        assert not make_auth(made.url("database.url"), password="another")
        yield made


@pytest.fixture(scope="module")
def contract() -> Contract:
    """What the service takes and answers; it has no official document."""
    return load("auth")


@pytest.fixture(scope="module")
def auth(project: Project, contract: Contract) -> Iterator[httpx.Client]:
    with (
        serve(contract.checked(make_app(project.cloud, "production"))) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def as_made(project: Project, contract: Contract) -> Iterator[None]:
    """Hold each exchange against the contract, and put settings and clock right."""
    yield
    assert contract.violations == []
    set_weather(project.cloud.weather, "auth-production", FAIR)
    project.documents.remove("auth config", project.ref)


def log_in(auth: httpx.Client, email: str = EMAIL, **headers: str) -> dict[str, Any]:
    answer = auth.post(
        "/token?grant_type=password", json={"email": email, "password": PASSWORD}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_in['access_token']}"}


def refresh(auth: httpx.Client, token: str) -> httpx.Response:
    return auth.post("/token?grant_type=refresh_token", json={"refresh_token": token})


def rows(project: Project, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(project.url("database.url")) as connection:
        return connection.execute(query.encode(), values).fetchall()


def test_a_login_is_a_session_in_the_database_and_a_token_that_the_public_keys_believe(
    auth: httpx.Client, project: Project
) -> None:
    signed_in = log_in(auth, EMAIL.upper())

    keys = KeySet.import_key_set(auth.get("/.well-known/jwks.json").json())
    claims = jwt.decode(signed_in["access_token"], keys).claims
    (customer,) = rows(project, "SELECT id::text FROM public.users WHERE email = %s", EMAIL)
    assert claims["sub"] == customer[0] == signed_in["user"]["id"]
    assert claims["aud"] == claims["role"] == "authenticated"
    assert claims["exp"] == signed_in["expires_at"] == claims["iat"] + 3600
    assert auth.get("/user", headers=bearer(signed_in)).json()["email"] == EMAIL
    found = rows(
        project,
        "SELECT s.aal, payload ->> 'action' FROM auth.sessions AS s"
        "  JOIN auth.audit_log_entries AS l ON l.created_at = s.created_at WHERE s.id = %s",
        claims["session_id"],
    )
    assert found == [("aal1", "login")]


def test_a_wrong_password_is_refused_logged_and_in_no_audit_entry(
    auth: httpx.Client, project: Project
) -> None:
    before = rows(project, "SELECT count(*) FROM auth.audit_log_entries")
    wrong = {"email": EMAIL, "password": "wrong"}

    answer = auth.post("/token?grant_type=password", json=wrong)
    worded = auth.post(
        "/token?grant_type=password",
        json=wrong | {"email": "nobody@example.com"},
        headers={"X-Supabase-Api-Version": "2024-01-01"},
    )

    assert (answer.status_code, worded.status_code) == (400, 400)
    assert answer.json() == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "Invalid login credentials",
    }
    assert worded.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert answer.headers["x-sb-error-code"] == "invalid_credentials"
    assert rows(project, "SELECT count(*) FROM auth.audit_log_entries") == before
    last = json.loads(project.auth_log.read_text().splitlines()[-1])
    assert (last["status"], last["msg"]) == (400, "400: Invalid login credentials")
    assert PASSWORD not in project.auth_log.read_text()


def test_a_refresh_token_is_exchanged_and_believed_again_only_where_its_answer_was_lost(
    auth: httpx.Client, project: Project
) -> None:
    first = log_in(auth)["refresh_token"]

    second = refresh(auth, first).json()["refresh_token"]
    lost = refresh(auth, first)
    third = refresh(auth, second).json()["refresh_token"]
    project.change_auth_config({"security_refresh_token_reuse_interval": 0})
    stolen = refresh(auth, first)
    after = refresh(auth, third)

    assert len({first, second, third}) == 3
    assert lost.json()["refresh_token"] == second
    assert (stolen.status_code, stolen.json()["error_code"]) == (400, "refresh_token_already_used")
    # Whoever came with the old one may be a thief, so the whole session is renewed no more.
    assert (after.status_code, after.json()["error_code"]) == (400, "refresh_token_already_used")
    assert refresh(auth, "nothing").json()["error_code"] == "refresh_token_not_found"


def test_signing_out_ends_the_sessions_of_its_scope_and_their_tokens_with_them(
    auth: httpx.Client, project: Project
) -> None:
    one, two, three = (log_in(auth, "customer7@example.com") for _ in range(3))

    assert auth.post("/logout?scope=local", headers=bearer(one)).status_code == 204
    assert auth.get("/user", headers=bearer(one)).json()["error_code"] == "session_not_found"
    assert auth.post("/logout?scope=others", headers=bearer(two)).status_code == 204
    assert auth.get("/user", headers=bearer(three)).status_code == 403
    assert auth.get("/user", headers=bearer(two)).status_code == 200
    assert auth.post("/logout", headers=bearer(two)).status_code == 204

    assert refresh(auth, two["refresh_token"]).json()["error_code"] == "refresh_token_not_found"
    owner = one["user"]["id"]
    assert rows(project, "SELECT FROM auth.sessions WHERE user_id = %s::uuid", owner) == []
    assert auth.post("/logout?scope=all", headers=bearer(two)).status_code == 400
    assert auth.post("/logout").json()["error_code"] == "no_authorization"


def test_health_is_a_constant_while_a_login_tells_that_the_database_is_gone(
    auth: httpx.Client, project: Project
) -> None:
    address = project.folder / "auth-database.url"
    text = address.read_text()
    address.write_text(text.replace("/project_", "/no_such_project_"))
    try:
        login = auth.post("/token?grant_type=password", json={"email": EMAIL, "password": PASSWORD})
        health = auth.get("/health")
    finally:
        address.write_text(text)

    assert health.status_code == 200
    assert health.json()["name"] == "GoTrue"
    assert login.status_code == 500
    assert login.json() == {
        "code": 500,
        "error_code": "unexpected_failure",
        "msg": "Database error querying schema",
    }


def test_a_database_that_hangs_is_a_timeout_and_not_a_wrong_password(
    auth: httpx.Client, project: Project
) -> None:
    project.change_auth_config({"api_max_request_duration": 1})
    with psycopg.connect(project.url("database.url")) as somebody:
        somebody.execute("LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE")
        login = {"email": EMAIL, "password": PASSWORD}
        answer = auth.post("/token?grant_type=password", json=login)

    assert (answer.status_code, answer.json()["error_code"]) == (504, "request_timeout")
    assert log_in(auth)["token_type"] == "bearer"


def test_rotating_keys_ends_the_tokens_of_a_key_only_when_it_is_revoked(
    auth: httpx.Client, project: Project
) -> None:
    before = log_in(auth)
    keys = {key["status"]: key["id"] for key in signing.keys_of(project)}

    signing.change_key(project, keys["standby"], "in_use")
    after = log_in(auth)

    assert auth.get("/user", headers=bearer(before)).status_code == 200
    published = {key["kid"] for key in auth.get("/.well-known/jwks.json").json()["keys"]}
    assert set(keys.values()) <= published

    signing.change_key(project, keys["in_use"], "revoked")

    refused = auth.get("/user", headers=bearer(before))
    assert (refused.status_code, refused.json()["error_code"]) == (403, "bad_jwt")
    assert auth.get("/user", headers=bearer(after)).status_code == 200
    kept = {key["kid"] for key in auth.get("/.well-known/jwks.json").json()["keys"]}
    assert keys["in_use"] not in kept


def test_a_shared_secret_signs_and_is_published_nowhere(
    auth: httpx.Client, project: Project
) -> None:
    signing.add_key(project, "HS256", "in_use", None)

    signed_in = log_in(auth)

    assert auth.get("/user", headers=bearer(signed_in)).status_code == 200
    published = auth.get("/.well-known/jwks.json").json()["keys"]
    assert {key["kty"] for key in published} == {"EC"}
    assert all("d" not in key and "k" not in key for key in published)


def test_settings_count_from_the_next_request_on(auth: httpx.Client, project: Project) -> None:
    project.change_auth_config(
        {"jwt_exp": 60, "rate_limit_token_refresh": 2, "disable_signup": True}
    )
    here = {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"}

    first = log_in(auth, **here)
    log_in(auth, **here)
    limited = auth.post("/token?grant_type=password", json={}, headers=here)
    elsewhere = log_in(auth, **{"X-Forwarded-For": "203.0.113.10"})
    new = auth.post("/signup", json={"email": "new@example.com", "password": "long enough"})

    assert first["expires_in"] == elsewhere["expires_in"] == 60
    assert (limited.status_code, limited.json()["error_code"]) == (429, "over_request_rate_limit")
    assert (new.status_code, new.json()["error_code"]) == (422, "signup_disabled")


def test_a_clock_that_is_wrong_gives_tokens_that_are_over_or_not_yet_begun(
    auth: httpx.Client, project: Project
) -> None:
    set_weather(project.cloud.weather, "auth-production", Weather(clock_offset_seconds=-7200))

    early = log_in(auth)
    set_weather(project.cloud.weather, "auth-production", FAIR)
    seen = auth.get("/user", headers=bearer(early))

    assert early["expires_at"] < datetime.now(UTC).timestamp() - 3500
    assert (seen.status_code, seen.json()["error_code"]) == (403, "bad_jwt")
    assert "token is expired" in seen.json()["msg"]


def test_who_signs_up_is_signed_in_once_and_not_twice(auth: httpx.Client, project: Project) -> None:
    new = {"email": "New@example.com", "password": "long enough", "data": {"full_name": "Nia"}}

    made = auth.post("/signup", json=new)
    again = auth.post("/signup", json=new)
    weak = auth.post("/signup", json=new | {"email": "b@example.com", "password": "short"})
    back = auth.post("/token?grant_type=password", json=new)

    assert made.json()["user"]["user_metadata"] == {"full_name": "Nia"}
    assert (again.status_code, again.json()["error_code"]) == (422, "user_already_exists")
    assert weak.json()["weak_password"] == {"reasons": ["length"]}
    assert back.json()["user"]["id"] == made.json()["user"]["id"]
    user = made.json()["user"]["id"]
    banned = datetime.now(UTC) + timedelta(hours=1)
    rows(
        project,
        "UPDATE auth.users SET banned_until = %s WHERE id = %s::uuid RETURNING id",
        banned,
        user,
    )
    refused = auth.post("/token?grant_type=password", json=new)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "user_banned")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/token?grant_type=password", b"not json", "bad_json"),
        ("/token?grant_type=password", b"[]", "bad_json"),
        ("/token?grant_type=password", b"{}", "validation_failed"),
        ("/token?grant_type=refresh_token", b"{}", "validation_failed"),
        ("/token", b"{}", "invalid_credentials"),
        ("/signup", b'{"email": "nobody", "password": "long enough"}', "validation_failed"),
    ],
)
def test_what_it_cannot_read_is_the_callers_mistake(
    auth: httpx.Client, path: str, body: bytes, code: str
) -> None:
    answer = auth.post(path, content=body)

    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_the_log_lies_beside_the_other_logs_of_its_environment(project: Project) -> None:
    assert project.auth_log == Path(project.cloud.range, "production", "auth.log")
