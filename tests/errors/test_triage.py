"""The triage on real parts: an app that answers, its log, and a Postgres that somebody locks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from checks.app import serving
from drillbook.actions import app as app_actions
from drillbook.actions import errors
from drillbook.core.effect import Effect, Evidence
from drillbook.core.incident import CauseKind, FixKind
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.ports.systems import Systems
from drillbook.stack.stack import Stack, load_stack
from postgres.test_vitals import waiting

BEFORE, SINCE = 600, 60
ROUTES = ("/api/list", "/api/orders", "/api/orders/A-17/pay")
LONG = "canceling statement due to statement timeout"
STACK = (
    'Traceback (most recent call last):\n  File "/srv/shop/orders.py", line 9, in place\n    x\n'
)


@dataclass
class Kept:
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def keep(self, name: str, data: bytes, media_type: str) -> Evidence:
        self.files[name] = data
        return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)


def lines(now: datetime, *, fails: str = "", since: int = SINCE) -> Iterator[str]:
    """Ten minutes of an app's log; in the last seconds every request fails with these words."""
    for ago in range(BEFORE, 0, -1):
        at = now - timedelta(seconds=ago)
        bad = bool(fails) and ago <= since
        line = {
            "timestamp": at.isoformat(), "level": "error" if bad else "info", "method": "GET",
            "path": ROUTES[ago % 3], "status": 503 if bad else 200, "milliseconds": 20 + ago % 7,
            "user": f"u{ago % 19}", "message": fails if bad else "", "stack": STACK if bad else "",
        }  # fmt: skip
        yield json.dumps(line)


@pytest.fixture
def stack(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    (tmp_path / "database.url").write_text(database_url)
    with serving({"/health": (200, {"status": "ok"}), "/": (200, "hello")}) as app:
        (tmp_path / "stack.toml").write_text(
            f'[environments.test.app]\nurl = "{app.url}"\nhealth = "/health"\n'
            '[environments.test.logs]\npath = "app.jsonl"\n'
            '[environments.test.database]\nprovider = "postgres"\nurl = "file:database.url"\n'
        )
        yield load_stack(tmp_path / "stack.toml")


def write(stack: Stack, *, fails: str = "", since: int = SINCE) -> None:
    said = "\n".join(lines(datetime.now(UTC), fails=fails, since=since))
    (stack.folder / "app.jsonl").write_text(f"{said}\n")


def culprit(stack: Stack, kept: Kept | None = None) -> errors.Culprit:
    ports = stack.port("test", Logs), stack.port("test", Systems)
    effect = Effect(key="k", keep=kept.keep) if kept else Effect(key="k")
    return errors.culprit.do(*ports, effect)


def test_the_holder_of_a_lock_is_named_with_the_session_to_end(
    stack: Stack, database_url: str
) -> None:
    write(stack, fails=LONG)
    kept = Kept()
    with psycopg.connect(database_url, autocommit=True) as setting:
        setting.execute("CREATE TABLE orders (id int)")
    with psycopg.connect(database_url, application_name="forgotten") as holder:
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        pid = holder.info.backend_pid
        with waiting(database_url, "SELECT * FROM orders"):
            holder.execute("SELECT pg_sleep(1.2)")
            found = culprit(stack, kept)

    assert found.found, found.says
    assert (found.kind, found.subject) == (CauseKind.LOCK, f"pid {pid} forgotten")
    assert found.fix == FixKind.END_SESSIONS
    assert [one.pid for one in found.sessions] == [pid]
    assert found.sessions[0].session_started.tzinfo is not None
    assert found.since is not None
    assert abs((found.at - found.since).total_seconds() - SINCE) < 20
    assert found.seconds < 30
    assert b"database lock" in kept.files["culprit.md"]
    assert found.evidence is not None
    assert kept.files["culprit.svg"].startswith(b"<svg ")


def test_nothing_is_to_be_done_where_nobody_is_hit(stack: Stack) -> None:
    write(stack)

    found = culprit(stack)

    assert (found.found, found.hit, found.fix) == (False, False, FixKind.NONE)
    assert found.says.startswith("no cause found")
    assert all(part.answered for part in found.parts)


def test_a_database_that_is_away_is_named_and_what_it_cannot_tell_is_unknown(
    stack: Stack, tmp_path: Path
) -> None:
    away = "postgresql://u:secret-word@127.0.0.1:1/d"
    (tmp_path / "database.url").write_text(away)
    write(stack, fails='connection to server at "127.0.0.1", port 1 failed: Connection refused')

    found = culprit(stack)

    assert (found.kind, found.fix) == (CauseKind.DATABASE, FixKind.RESTART_DATABASE)
    assert any(one.startswith("ledgers") for one in found.unknown)
    assert "secret-word" not in found.model_dump_json()


def test_who_is_hit_what_is_new_and_since_when_are_told(stack: Stack) -> None:
    write(stack, fails="no quote for order 8812")
    ports = stack.port("test", Logs), stack.port("test", Probe)

    hit, onset, cluster = (one.do(*ports) for one in (errors.hit, errors.onset, errors.cluster))

    assert (hit.found, hit.routes, hit.users) == (True, 3, 19)
    assert {one.value for one in hit.by[0].top} == {"GET " + r.replace("A-17", "*") for r in ROUTES}
    assert onset.found
    assert onset.earliest is not None
    assert onset.latest is not None
    assert (onset.latest - onset.earliest) < timedelta(seconds=30)
    assert (onset.before_rate, onset.after_rate) == (0.0, 1.0)
    assert [(one.change, one.count) for one in cluster.clusters] == [("new", SINCE)]
    assert cluster.clusters[0].example == "no quote for order 8812"
    assert "orders.py" in cluster.clusters[0].stack


def test_while_somebody_is_hit_and_no_cause_is_sure_it_is_looked_again(stack: Stack) -> None:
    login = 'password authentication failed for user "shop"'
    ports = stack.port("test", Logs), stack.port("test", Systems)

    def more_fails(said: str, part: float | None) -> None:
        if "looks again" in said:
            failing = list(lines(datetime.now(UTC), fails=login))[-SINCE:]
            with (stack.folder / "app.jsonl").open("a") as log:
                log.write("\n".join(failing) + "\n")

    write(stack, fails=login, since=1)
    once = errors.culprit.do(*ports, Effect(key="k"), patience=timedelta(0))
    found = errors.culprit.do(*ports, Effect(key="k", progress=more_fails))

    assert (once.found, once.looks) == (False, 1)
    assert (found.found, found.kind, found.looks) == (True, CauseKind.PASSWORD, 2), found.says
    assert found.says.endswith("2 looks")
    assert found.seconds < 25
    assert [part.name for part in found.parts].count("logs") == 1


def test_a_log_that_is_not_there_is_unknown_and_never_well(stack: Stack) -> None:
    ports = stack.port("test", Logs), stack.port("test", Probe)

    for action in (errors.hit, errors.onset, errors.cluster):
        told = action.do(*ports)
        assert not told.found
        assert not told.known or told.silent, told.says


def test_health_shows_what_was_seen_beside_the_app_s_own_word(stack: Stack) -> None:
    well = app_actions.health.do(stack.port("test", Probe))
    with serving({"/health": (200, {"status": "ok"}), "/": (500, "broken")}) as app:
        text = (stack.folder / "stack.toml").read_text()
        (stack.folder / "other.toml").write_text(
            f'[environments.test.app]\nurl = "{app.url}"\nhealth = "/health"\n'
        )
        broken = app_actions.health.do(load_stack(stack.folder / "other.toml").port("test", Probe))

    assert "health" in text
    assert (well.ok, well.own_ok, well.agree) == (True, True, True)
    assert (broken.ok, broken.own_ok, broken.agree) == (False, True, False)
    assert broken.says.startswith("outside and own word disagree")


def test_a_change_of_the_schema_is_on_the_timeline_with_its_ledger(
    stack: Stack, database_url: str
) -> None:
    write(stack)
    with psycopg.connect(database_url, autocommit=True) as setting:
        setting.execute("CREATE SCHEMA supabase_migrations")
        setting.execute(
            "CREATE TABLE supabase_migrations.schema_migrations "
            "(version text PRIMARY KEY, name text, statements text[])"
        )
        version = f"{datetime.now(UTC) - timedelta(minutes=5):%Y%m%d%H%M%S}"
        setting.execute(
            "INSERT INTO supabase_migrations.schema_migrations VALUES (%s, 'add_phone', %s)",
            (version, ["ALTER TABLE users ADD COLUMN phone text"]),
        )

    found = app_actions.changes.do(stack.port("test", Logs), stack.port("test", Systems))

    assert found.known
    assert [one.subject for one in found.changes if one.kind == "migration"] == [
        f"{version}_add_phone.sql"
    ]
