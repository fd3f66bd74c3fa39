"""What several tests of the twins share: one project, and the API that manages it."""

from collections.abc import Iterator

import httpx
import pytest

from drillbook.local.server import PostgresServer
from drillbook.range.twins.supabase import make_app
from drillbook.range.twins.supabase.project import Project
from twins.contract import Contract, load, serve
from twins.supabase_project import project_on, wait_until


@pytest.fixture(scope="session")
def supabase_project(
    postgres_server: PostgresServer, booking_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A project on a database of its own; leave it as you found it."""
    with project_on(postgres_server, booking_template, tmp_path_factory.mktemp("range")) as made:
        yield made


@pytest.fixture(scope="session")
def management_contract() -> Contract:
    """What the Management API's twin takes and answers, by its own and the official document."""
    return load("supabase", "supabase-management-v1.openapi.json")


@pytest.fixture(scope="session")
def management(supabase_project: Project, management_contract: Contract) -> Iterator[httpx.Client]:
    """A client of the project's Management API, once the first backup is taken."""
    project = supabase_project
    headers = {"Authorization": f"Bearer {project.cloud.token('supabase')}"}
    with serve(management_contract.checked(make_app(project.cloud))) as url:
        at = f"{url}/v1/projects/{project.ref}"
        with httpx.Client(base_url=at, headers=headers, timeout=30) as client:
            wait_until(lambda: client.get("/database/backups").json()["backups"], "COMPLETED")
            yield client
