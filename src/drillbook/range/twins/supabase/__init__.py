"""The platform of the databases: its Management API, on the real parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from drillbook.range.cloud import Cloud
from drillbook.range.twins.supabase import (
    advisors,
    authentication,
    database,
    logs,
    network,
    postgres_config,
    projects,
)
from drillbook.range.twins.supabase.asking import Gate
from drillbook.range.twins.supabase.backups import BackupApi, Keeper
from drillbook.range.twins.supabase.restarting import Restarts

OF_PROJECT = "/v1/projects/{ref}"


def make_app(cloud: Cloud) -> Starlette:
    """Return the Management API of the range's projects; its lifespan takes their backups."""
    gate = Gate(cloud)
    restarts = Restarts(gate.projects)
    keepers = {project.ref: Keeper(project) for project in gate.projects}
    tables = (
        projects.TABLE,
        database.TABLE,
        BackupApi(keepers).table,
        restarts.table,
        authentication.TABLE,
        network.TABLE,
        postgres_config.TABLE,
        advisors.TABLE,
        logs.TABLE,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for keeper in keepers.values():
            keeper.start()
        restarts.resume()
        try:
            yield
        finally:
            for keeper in keepers.values():
                keeper.stop()

    return Starlette(
        routes=[
            Route("/v1/projects", gate.endpoint(projects.projects(gate)), methods=["GET"]),
            Route("/v1/organizations", gate.endpoint(projects.organizations), methods=["GET"]),
            *(route for table in tables for route in gate.routes(OF_PROJECT, table)),
        ],
        lifespan=lifespan,
    )
