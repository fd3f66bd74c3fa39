"""What lies outside, running: the twins of the login service, the pages and the payments."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drillbook.local.server import PostgresServer
from drillbook.range.cloud import Cloud
from drillbook.range.twins import auth, payments, status
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.weather import (
    FAIR,
    Forecast,
    Weather,
    Weathered,
    set_weather,
    weather_file,
)
from drillbook.stack.stack import Stack, load_stack
from twins.contract import App, serve
from twins.supabase_project import PASSWORD, project_on

USER = "customer5@example.com"


@dataclass(frozen=True)
class Outside:
    """The twins' addresses, and a stack that names them."""

    cloud: Cloud
    project: Project
    urls: dict[str, str]
    stack: Stack

    def weather(self, listener: str, weather: Weather) -> None:
        set_weather(self.cloud.weather, listener, weather)


@pytest.fixture(scope="module")
def running(
    postgres_server: PostgresServer, booking_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("range")
    with project_on(postgres_server, booking_template, folder) as project:
        cloud = project.cloud

        def behind(listener: str, app: App) -> App:
            return Weathered(app, Forecast(weather_file(cloud.weather, listener)))

        with (
            serve(behind("auth-production", auth.make_app(cloud, "production"))) as login,
            serve(behind("payments", payments.make_app(cloud))) as payment,
            serve(behind("status", status.make_app(cloud))) as pages,
        ):
            urls = {"login": login, "payments": payment, "status": pages}
            yield Outside(cloud, project, urls, _stack(folder, urls, cloud))


@pytest.fixture
def outside(running: Outside) -> Iterator[Outside]:
    """All of it in fair weather, and nothing posted."""
    yield running
    for listener in ("auth-production", "payments", "status"):
        running.weather(listener, FAIR)
    for one in running.cloud.documents("status").all("incident"):
        running.cloud.documents("status").remove("incident", one["id"])


def _stack(folder: Path, urls: dict[str, str], cloud: Cloud) -> Stack:
    (folder / "password").write_text(PASSWORD)
    cloud.token("payments")
    (folder / "stack.toml").write_text(
        f"""
[environments.production.auth]
provider = "supabase"
url = "{urls["login"]}"
user = "{USER}"
password = "file:password"
[environments.production.dependencies.payments]
url = "{urls["payments"]}"
probe = "/v1/charges?reference=probe"
token = "file:cloud/payments.token"
timeout = "2s"
switch = "PAYMENTS"
routes = ["/api/pay"]
[environments.production.status_pages.payments]
url = "{urls["status"]}/payments"
[environments.production.status_pages.supabase]
url = "{urls["status"]}/supabase"
components = ["auth"]
[environments.bare]
"""
    )
    return load_stack(folder / "stack.toml")
