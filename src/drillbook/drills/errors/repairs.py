"""What a case, or the product in it, may leave behind, put back as it was before."""

import json
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from drillbook.range import practice
from drillbook.range.environment import APP_LOGIN
from drillbook.range.faults.fault import Ground, Saved
from drillbook.range.faults.snapshot import remember, restore
from drillbook.range.traffic.shape import Flow
from drillbook.range.twins.documents import Document


@dataclass(frozen=True, slots=True)
class Kept:
    """The hosting, its firewall, how many sessions the app may have, and how users come."""

    hosting: Saved
    firewall: Document | None
    connections: int
    flow: Flow | None


def keep(ground: Ground) -> Kept:
    """Remember how things are."""
    return Kept(
        hosting=remember(ground.cloud),
        firewall=ground.cloud.documents("vercel").get("firewall", "active"),
        connections=_limit(ground),
        flow=ground.environment.traffic.flow(),
    )


def put_back(ground: Ground, kept: Kept) -> None:
    """Make them so again; what is as it was is not touched."""
    if kept.flow is not None and ground.environment.traffic.flow() != kept.flow:
        practice.change_traffic(ground.folder, rate=kept.flow.rate, shape=kept.flow.shape)
    documents = ground.cloud.documents("vercel")
    if documents.get("firewall", "active") != kept.firewall:
        if kept.firewall is None:
            documents.remove("firewall", "active")
        else:
            documents.put("firewall", "active", kept.firewall)
    if json.dumps(remember(ground.cloud)) != json.dumps(kept.hosting):
        restore(ground.cloud, kept.hosting)
    if not ground.environment.server.identity():
        ground.environment.server.start(tied=ground.tied)
    with suppress(psycopg.OperationalError):
        _set_limit(ground, kept.connections)


def _limit(ground: Ground) -> int:
    query = "SELECT rolconnlimit FROM pg_roles WHERE rolname = %s"
    with ground.connect() as connection:
        row = connection.execute(query, (APP_LOGIN,)).fetchone()
    return int(row[0]) if row else -1


def _set_limit(ground: Ground, limit: int) -> None:
    if _limit(ground) == limit:
        return
    statement = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    with ground.changing() as connection:
        connection.execute(statement.format(sql.Identifier(APP_LOGIN), sql.Literal(limit)))
