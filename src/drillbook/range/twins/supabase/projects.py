"""Projects of the organization: what they are, how their services are, disk, read-only mode."""

import http.client
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from drillbook.range.cloud import ORGANIZATION
from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Gate, Table
from drillbook.range.twins.supabase.database import OWNER, connected
from drillbook.range.twins.supabase.project import Project

REGION = "eu-central-1"
STATUS = "project status"
READ_ONLY = "read-only override"
OVERRIDE = timedelta(minutes=15)
AUTH_LOGIN = "auth-database.url"
DEFAULT_TIMEOUT_MILLISECONDS, MOST_TIMEOUT_MILLISECONDS = 1000, 10_000
_SETTING = "SELECT current_setting('default_transaction_read_only')::boolean AS on"


def status_of(project: Project) -> str:
    """Return a project's status in the platform's words."""
    kept = project.documents.get(STATUS, project.ref)
    return str(kept["status"]) if kept else "ACTIVE_HEALTHY"


def set_status(project: Project, status: str) -> None:
    """Keep a project's status."""
    project.documents.put(STATUS, project.ref, {"status": status})


def projects(gate: Gate) -> Callable[[Asked], Answer]:
    """Return the work that lists all projects."""

    def list_all(_: Asked) -> Answer:
        return 200, [_shown(project) for project in gate.projects]

    return list_all


def project(asked: Asked) -> Answer:
    """Show one project."""
    return 200, _shown(asked.project)


def organizations(_: Asked) -> Answer:
    """List the one organization."""
    return 200, [{"id": ORGANIZATION, "slug": ORGANIZATION, "name": ORGANIZATION}]


def health(asked: Asked) -> Answer:
    """Ask each service how it is."""
    wanted = asked.query.getlist("services")
    if not wanted or not set(wanted) <= SERVICES:
        raise ApiError(400, f"services: expected some of {', '.join(sorted(SERVICES))}")
    text = asked.query.get("timeout_ms", str(DEFAULT_TIMEOUT_MILLISECONDS))
    if not text.isdecimal() or int(text) > MOST_TIMEOUT_MILLISECONDS:
        raise ApiError(400, f"timeout_ms: expected 0 to {MOST_TIMEOUT_MILLISECONDS}")
    seconds = max(int(text), 1) / 1000
    return 200, [_service(asked.project, name, seconds) for name in wanted]


def disk(asked: Asked) -> Answer:
    """Tell how full the disk is that the database lies on."""
    found = os.statvfs(asked.project.folder / "postgres" / "data")
    size, available = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    used = size - found.f_bfree * found.f_frsize
    metrics = {"fs_size_bytes": size, "fs_avail_bytes": available, "fs_used_bytes": used}
    return 200, {"timestamp": datetime.now(UTC).isoformat(), "metrics": metrics}


def read_only_mode(asked: Asked) -> Answer:
    """Tell whether new transactions of the database may only read."""
    with connected(asked.project) as connection:
        row = connection.execute(_SETTING).fetchone()
    kept = asked.project.documents.get(READ_ONLY, asked.project.ref)
    until = str(kept["until"]) if kept else ""
    overridden = until > datetime.now(UTC).isoformat()
    return 200, {
        "enabled": bool(row and row["on"]),
        "override_enabled": overridden,
        "override_active_until": until,
    }


def end_read_only_mode(asked: Asked) -> Answer:
    """Let the database be written to again, for a while."""
    until = (datetime.now(UTC) + OVERRIDE).isoformat()
    asked.project.documents.put(READ_ONLY, asked.project.ref, {"until": until})
    with connected(asked.project, options="-c default_transaction_read_only=off") as connection:
        words = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = off")
        connection.execute(words.format(sql.Identifier(connection.info.dbname)))
    return 201, None


def _shown(project: Project) -> Document:
    database = psycopg.conninfo.conninfo_to_dict(project.url(OWNER))
    data = project.folder / "postgres" / "data"
    version = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    return {
        "id": project.ref,
        "ref": project.ref,
        "organization_id": ORGANIZATION,
        "organization_slug": ORGANIZATION,
        "name": f"booking {project.environment}",
        "region": REGION,
        "created_at": datetime.fromtimestamp(data.stat().st_ctime, UTC).isoformat(),
        "status": status_of(project),
        "database": {
            "host": f"{database['host']}:{database['port']}",
            "version": version,
            "postgres_engine": version,
            "release_channel": "ga",
        },
    }


def _service(project: Project, name: str, seconds: float) -> Document:
    try:
        info = _ASK[name](project, seconds) if name in _ASK else None
        error = "" if name in _ASK else "this service is not part of the practice"
    except (psycopg.Error, http.client.HTTPException, OSError, ValueError) as failure:
        info, error = None, str(failure).strip().splitlines()[0]
    said: dict[str, Any] = {"name": name, "healthy": not error}
    said["status"] = "UNHEALTHY" if error else "ACTIVE_HEALTHY"
    return said | ({"info": info} if info else {}) | ({"error": error} if error else {})


def _ask_auth(project: Project, seconds: float) -> Document:
    # As the platform does: the service's own word, which says nothing about its database.
    port = project.cloud.port(f"auth-{project.environment}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise OSError(f"it answers {answer.status}")
        said: Document = json.load(answer)
    finally:
        connection.close()
    return said


def _ask_database(url: str) -> Callable[[Project, float], None]:
    def ask(project: Project, seconds: float) -> None:
        milliseconds = max(int(seconds * 1000), 1)
        with psycopg.connect(
            project.url(url),
            connect_timeout=max(int(seconds), 2),
            options=f"-c statement_timeout={milliseconds}",
        ) as connection:
            connection.execute("SELECT 1")

    return ask


_ASK: dict[str, Callable[[Project, float], Document | None]] = {
    "auth": _ask_auth,
    # A login of a service: where connections have run out, the owner still gets one.
    "db": _ask_database(AUTH_LOGIN),
    "db_postgres_user": _ask_database(OWNER),
}
SERVICES = {*_ASK, "pooler", "realtime", "rest", "storage", "pg_bouncer"}

TABLE: Table = (
    ("GET", "", project),
    ("GET", "/health", health),
    ("GET", "/config/disk/util", disk),
    ("GET", "/readonly", read_only_mode),
    ("POST", "/readonly/temporary-disable", end_read_only_mode),
)
