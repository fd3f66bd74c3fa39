"""The Management API's twin: what it says is so on the real parts, and what it does is done."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from drillbook.range.twins import auth as auth_twin
from drillbook.range.twins.supabase.project import Project
from twins.contract import Contract, serve
from twins.supabase_project import PASSWORD, wait_until


@pytest.fixture(scope="module")
def project(supabase_project: Project) -> Project:
    return supabase_project


@pytest.fixture(scope="module")
def api(management: httpx.Client) -> httpx.Client:
    return management


@pytest.fixture(autouse=True)
def keeps_the_contract(management_contract: Contract) -> Iterator[None]:
    """Hold each request and each answer of a test against both documents."""
    yield
    assert management_contract.violations == []


@pytest.fixture(scope="module")
def auth(project: Project) -> Iterator[httpx.Client]:
    app = auth_twin.make_app(project.cloud, "production")
    with serve(app) as url, httpx.Client(base_url=url) as client:
        project.cloud.keep_ports({"auth-production": int(url.rpartition(":")[2])})
        yield client


def at(api: httpx.Client) -> str:
    return str(api.base_url).rstrip("/")


def shown(api: httpx.Client) -> dict[str, Any]:
    return dict(api.get(at(api)).json())


def query(api: httpx.Client, text: str, **more: object) -> httpx.Response:
    return api.post("/database/query", json={"query": text, **more})


def test_backups_are_taken_and_a_restore_puts_the_rows_back(
    api: httpx.Client, project: Project
) -> None:
    (backup,) = api.get("/database/backups").json()["backups"]
    file = project.cloud.folder / "backups" / project.ref / f"{backup['id']}.dump"
    assert file.stat().st_size > 10_000
    before = query(api, "SELECT count(*) AS n FROM bookings").json()

    assert query(api, "DELETE FROM payments; DELETE FROM bookings").status_code == 201
    assert query(api, "SELECT count(*) AS n FROM bookings").json() == [{"n": 0}]
    with psycopg.connect(project.url("database.url")) as somebody:
        assert api.post("/database/backups/restore", json={"id": backup["id"]}).status_code == 201
        assert shown(api)["status"] == "RESTORING"
        again = api.post("/database/backups/restore", json={"id": backup["id"]})
        wait_until(lambda: shown(api), "ACTIVE_HEALTHY")
        with pytest.raises(psycopg.OperationalError):
            somebody.execute("SELECT 1")

    assert again.status_code == 409
    assert query(api, "SELECT count(*) AS n FROM bookings").json() == before
    left = query(api, "SELECT datname FROM pg_database WHERE datname ~ '_(restoring|replaced)$'")
    assert left.json() == []
    assert api.post("/database/backups/restore", json={"id": 1}).status_code == 404
    pitr = api.post("/database/backups/restore-pitr", json={"recovery_time_target_unix": 1})
    assert pitr.status_code == 403


def test_a_restore_point_is_gone_back_to(api: httpx.Client) -> None:
    made = api.post("/database/backups/restore-point", json={"name": "before-notes"})
    assert (made.status_code, made.json()["status"]) == (201, "PENDING")
    point = {"name": "before-notes"}
    ready = wait_until(
        lambda: api.get("/database/backups/restore-point", params=point).json(), "AVAILABLE"
    )
    query(api, "CREATE TABLE notes (id int)")

    assert api.post("/database/backups/undo", json=point).status_code == 201
    wait_until(lambda: shown(api), "ACTIVE_HEALTHY")

    assert ready["completed_on"]
    assert query(api, "SELECT to_regclass('notes') AS t").json() == [{"t": None}]
    assert api.post("/database/backups/restore-point", json=point).status_code == 409
    long = api.post("/database/backups/restore-point", json={"name": "x" * 21})
    assert (long.status_code, long.json()["message"]) == (
        400,
        "name: expected 1 to 20 characters",
    )
    assert api.post("/database/backups/undo", json={"name": "none"}).status_code == 404


def test_a_query_that_may_only_read_cannot_write_by_any_words(api: httpx.Client) -> None:
    read = {"query": "SELECT id, note FROM bookings WHERE id = $1", "parameters": [2]}
    tries = [
        "DELETE FROM bookings",
        "SET default_transaction_read_only = off; DELETE FROM bookings",
        "SET transaction_read_only = off; RESET ROLE; DELETE FROM payments",
        "RESET SESSION AUTHORIZATION; CREATE TABLE x (id int)",
    ]

    found = api.post("/database/query/read-only", json=read)
    refused = [
        *(api.post("/database/query/read-only", json={"query": words}) for words in tries),
        query(api, tries[0], read_only=True),
    ]

    assert (found.status_code, found.json()[0]["id"]) == (201, 2)
    assert {answer.status_code for answer in refused} == {400}
    assert all("Failed to run sql query: ERROR:" in each.json()["message"] for each in refused)
    assert query(api, "SELECT count(*) > 0 AS there FROM bookings").json() == [{"there": True}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"query": "SELEC 1"}, "ERROR:  42601: syntax error"),
        ({"query": 7}, "query: expected str, received int"),
        ({}, "query: expected str, received undefined"),
    ],
)
def test_a_query_that_cannot_be_run_says_why(api: httpx.Client, body: Any, says: str) -> None:
    answer = api.post("/database/query", json=body)

    assert answer.status_code == 400
    assert says in answer.json()["message"]


def test_migrations_are_applied_once_for_a_key_and_rolled_back_by_their_version(
    api: httpx.Client,
) -> None:
    add = {
        "query": "ALTER TABLE services ADD colour text",
        "name": "colour",
        "rollback": "ALTER TABLE services DROP colour",
    }
    key = {"Idempotency-Key": "a key"}

    first = api.post("/database/migrations", json=add, headers=key)
    again = api.post("/database/migrations", json=add, headers=key)
    noted = api.put("/database/migrations", json={"query": "SELECT 1/0", "name": "noted"})
    wrong = api.post("/database/migrations", json={"query": "SELECT 1/0"})

    listed = api.get("/database/migrations").json()
    assert (first.status_code, again.status_code, noted.status_code) == (200, 200, 200)
    assert wrong.status_code == 400
    assert [migration["name"] for migration in listed] == ["colour", "noted"]
    gte = {"gte": listed[0]["version"]}
    assert api.delete("/database/migrations", params=gte).status_code == 200
    assert api.get("/database/migrations").json() == []
    assert "does not exist" in query(api, "SELECT colour FROM services").json()["message"]


def test_health_asks_each_service_and_believes_only_what_answers(
    api: httpx.Client, project: Project, auth: httpx.Client
) -> None:
    services = {"services": ["auth", "db", "db_postgres_user", "realtime"]}
    well = {each["name"]: each for each in api.get("/health", params=services).json()}
    assert {name: each["status"] for name, each in well.items()} == {
        "auth": "ACTIVE_HEALTHY",
        "db": "ACTIVE_HEALTHY",
        "db_postgres_user": "ACTIVE_HEALTHY",
        "realtime": "UNHEALTHY",
    }
    assert well["auth"]["info"]["name"] == "GoTrue"

    address = project.folder / "auth-database.url"
    text = address.read_text()
    port = project.cloud.port("auth-production")
    address.write_text(text.replace("/project_", "/no_project_"))
    project.cloud.keep_ports({"auth-production": 1})
    try:
        ill = {each["name"]: each for each in api.get("/health", params=services).json()}
    finally:
        address.write_text(text)
        project.cloud.keep_ports({"auth-production": port})

    assert not ill["auth"]["healthy"]
    assert "does not exist" in ill["db"]["error"]
    assert ill["db_postgres_user"]["healthy"]
    assert api.get("/health", params={"services": "everything"}).status_code == 400
    assert api.get("/health").status_code == 400


def test_what_is_set_for_auth_is_what_auth_does(
    api: httpx.Client, auth: httpx.Client, project: Project
) -> None:
    def log_in() -> dict[str, Any]:
        body = {"email": "customer5@example.com", "password": PASSWORD}
        return dict(auth.post("/token?grant_type=password", json=body).json())

    def seen(token: str) -> int:
        return auth.get("/user", headers={"Authorization": f"Bearer {token}"}).status_code

    assert api.patch("/config/auth", json={"jwt_exp": 120}).json()["jwt_exp"] == 120
    before = log_in()
    keys = {key["status"]: key["id"] for key in signing_keys(api)}
    at = "/config/auth/signing-keys"
    assert api.patch(f"{at}/{keys['standby']}", json={"status": "in_use"}).status_code == 200
    after = log_in()

    assert before["expires_in"] == 120
    assert (seen(before["access_token"]), seen(after["access_token"])) == (200, 200)
    assert api.patch(f"{at}/{keys['in_use']}", json={"status": "revoked"}).status_code == 200
    assert (seen(before["access_token"]), seen(after["access_token"])) == (403, 200)
    assert api.delete(f"{at}/{keys['standby']}").status_code == 400
    assert api.delete(f"{at}/{keys['in_use']}").status_code == 200
    made = api.post(at, json={"algorithm": "ES256"})
    assert (made.status_code, made.json()["status"]) == (201, "standby")
    assert "d" not in made.json()["public_jwk"]
    assert len(signing_keys(api)) == 2
    for wrong in ({"jwt_exp": "long"}, {"no_such": 1}, {"rate_limit_otp": 0}, {"jwt_exp": True}):
        assert api.patch("/config/auth", json=wrong).status_code == 400


def signing_keys(api: httpx.Client) -> list[dict[str, Any]]:
    return list(api.get("/config/auth/signing-keys").json()["keys"])


def test_read_only_mode_is_what_new_transactions_find(api: httpx.Client) -> None:
    assert not api.get("/readonly").json()["enabled"]
    (database,) = query(api, "SELECT current_database() AS name").json()
    turn_on = f"ALTER DATABASE {database['name']} SET default_transaction_read_only = on"
    query(api, turn_on)

    assert api.get("/readonly").json()["enabled"]
    assert "read-only transaction" in query(api, "CREATE TABLE y (id int)").json()["message"]
    assert api.post("/readonly/temporary-disable").status_code == 201

    said = api.get("/readonly").json()
    assert (said["enabled"], said["override_enabled"]) == (False, True)
    assert query(api, "CREATE TABLE y (id int); DROP TABLE y").status_code == 201


def test_settings_of_the_server_are_really_set(api: httpx.Client) -> None:
    at = "/config/database/postgres"
    before = api.get(at).json()
    try:
        changed = api.put(at, json={"work_mem": "9MB", "track_commit_timestamp": False})
        seen = query(api, "SHOW work_mem").json()
    finally:
        query(api, "ALTER SYSTEM RESET work_mem")
        query(api, "ALTER SYSTEM RESET track_commit_timestamp")
        query(api, "SELECT pg_reload_conf()")

    assert changed.json() == before | {"work_mem": "9MB", "track_commit_timestamp": False}
    assert seen == [{"work_mem": "9MB"}]
    wrongs = [
        ({"work_mem": 9}, 400),
        ({"fsync": "off"}, 400),
        ({"work_mem": "much"}, 400),
        ({"restart_database": True}, 403),
    ]
    for wrong, status in wrongs:
        assert api.put(at, json=wrong).status_code == status
    assert api.get(at).json() == before


def test_the_disk_is_the_one_the_database_lies_on(api: httpx.Client) -> None:
    metrics = api.get("/config/disk/util").json()["metrics"]

    assert 0 < metrics["fs_used_bytes"] < metrics["fs_size_bytes"]
    assert metrics["fs_avail_bytes"] <= metrics["fs_size_bytes"] - metrics["fs_used_bytes"]


def test_network_restrictions_bans_keys_and_secrets_are_kept(
    api: httpx.Client, project: Project
) -> None:
    allow = {"dbAllowedCidrs": ["10.0.0.0/8"], "dbAllowedCidrsV6": []}
    assert api.post("/network-restrictions/apply", json=allow).status_code == 201
    add = {"add": {"dbAllowedCidrs": ["192.0.2.7/32"]}, "remove": {"dbAllowedCidrsV6": ["::/0"]}}
    changed = api.patch("/network-restrictions", json=add)
    assert changed.json()["config"]["dbAllowedCidrs"][1] == {
        "address": "192.0.2.7/32",
        "type": "v4",
    }
    kept = api.get("/network-restrictions").json()
    assert kept["config"] == {
        "dbAllowedCidrs": ["10.0.0.0/8", "192.0.2.7/32"],
        "dbAllowedCidrsV6": [],
    }
    wrong = api.post("/network-restrictions/apply", json={"dbAllowedCidrs": ["everybody"]})
    assert wrong.status_code == 400

    project.documents.put(project.kind("network bans"), "192.0.2.9", {"address": "192.0.2.9"})
    assert api.post("/network-bans/retrieve").json() == {"banned_ipv4_addresses": ["192.0.2.9"]}
    lift = {"ipv4_addresses": ["192.0.2.9"]}
    assert api.request("DELETE", "/network-bans", json=lift).status_code == 200
    assert api.post("/network-bans/retrieve/enriched").json() == {"banned_ipv4_addresses": []}

    secret = api.post("/api-keys", json={"type": "secret", "name": "for_checks"}).json()
    assert secret["api_key"].startswith("sb_secret_")
    assert "·" in secret["api_key"]
    revealed = api.get("/api-keys", params={"reveal": True}).json()
    assert [key["type"] for key in revealed] == ["publishable", "secret", "secret"]
    assert all("·" not in key["api_key"] for key in revealed)
    assert api.delete(f"/api-keys/{secret['id']}").status_code == 200
    assert len(api.get("/api-keys").json()) == 2

    values = [{"name": "SMS_KEY", "value": "a canary of theirs"}]
    assert api.post("/secrets", json=values).status_code == 201
    assert "canary" not in api.get("/secrets").text
    assert api.request("DELETE", "/secrets", json=["SMS_KEY"]).status_code == 200
    assert api.get("/secrets").json() == []


def test_advice_is_about_what_the_catalog_really_has(api: httpx.Client) -> None:
    query(api, "CREATE TABLE guests (slot bigint REFERENCES slots); GRANT SELECT ON guests TO anon")
    try:
        speed = {lint["cache_key"]: lint for lint in advice(api, "performance")}
        safety = {lint["cache_key"] for lint in advice(api, "security")}
        query(api, "CREATE INDEX ON guests (slot); ALTER TABLE guests ENABLE ROW LEVEL SECURITY")
        after = {
            lint["cache_key"] for each in ("performance", "security") for lint in advice(api, each)
        }
    finally:
        query(api, "DROP TABLE guests")

    key = "unindexed_foreign_keys_public_guests_guests_slot_fkey"
    assert speed[key]["metadata"]["fkey_name"] == "guests_slot_fkey"
    assert "without a covering index" in speed[key]["detail"]
    assert "no_primary_key_public_guests" in speed
    assert "rls_disabled_in_public_public_guests" in safety
    assert "pitr_not_enabled" in safety
    assert key not in after
    assert "rls_disabled_in_public_public_guests" not in after
    assert "rls_enabled_no_policy_public_guests" in after


def advice(api: httpx.Client, about: str) -> list[dict[str, Any]]:
    return list(api.get(f"/advisors/{about}").json()["lints"])


def test_logs_are_asked_by_sql_for_a_day_at_most(
    api: httpx.Client, auth: httpx.Client, project: Project
) -> None:
    app = {"timestamp": datetime.now(UTC).isoformat(), "path": "/api/slots", "status": 500}
    (project.folder / "app.log").write_text(f"{json.dumps(app)}\nno JSON\n")
    auth.post("/token?grant_type=password", json={"email": "a@example.com", "password": "x"})
    query(api, "SELECT 1/0")
    at = "/analytics/endpoints/logs.all"

    def result(text: str, **more: str) -> Any:
        return api.get(at, params={"sql": text, **more}).json()

    failed = result("SELECT status, count(*) AS n FROM auth_logs WHERE status = 400 GROUP BY 1")
    errors = result(
        "SELECT event_message FROM postgres_logs WHERE error_severity = 'ERROR' "
        "ORDER BY timestamp DESC LIMIT 1"
    )
    slow = result("SELECT path, status FROM function_logs")
    edge = api.get(at).json()["result"]
    old = result("SELECT * FROM auth_logs", iso_timestamp_end="2026-01-01T00:00:00Z")

    assert failed["result"][0]["n"] >= 1
    assert errors["result"] == [{"event_message": "division by zero"}]
    assert slow["result"] == [{"path": "/api/slots", "status": 500}]
    assert edge[0]["metadata"][0]["path"].startswith("/")
    assert old["result"] == []
    for wrong in ("DROP TABLE auth_logs", "ATTACH '/etc/passwd' AS x", "SELECT * FROM nothing"):
        assert result(wrong)["error"]
    day = {
        "iso_timestamp_start": "2026-01-01T00:00:00Z",
        "iso_timestamp_end": "2026-01-02T00:01:00Z",
    }
    assert api.get(at, params=day).status_code == 400


def test_who_has_no_token_and_a_project_that_is_not_there_are_refused(api: httpx.Client) -> None:
    other = at(api).replace("production", "somewhereab")

    assert api.get(at(api), headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert api.get(other).status_code == 404
    assert api.post("/database/query", content=b"not JSON").status_code == 400
