"""The providers of what is seen from outside: status pages, logins, dependencies, APIs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.auth_state import AuthState
from drillbook.ports.dependencies import Dependencies
from drillbook.ports.metrics import Metrics
from drillbook.ports.platform import Platform, Service
from drillbook.ports.platform_apis import ApiSeen, PlatformApis
from drillbook.ports.status_pages import StatusPages
from drillbook.stack import platforms
from drillbook.stack.address import Address
from drillbook.stack.outside_sections import DependencySection, StatusPageSection
from drillbook.stack.place import Place
from drillbook.stack.section_values import HTTP_SCHEMES

if TYPE_CHECKING:
    from drillbook.providers.http.dependencies import Dependency
    from drillbook.providers.http.platform_apis import Api

# Providers are imported where they are built, as in bindings.py.
# ruff: noqa: PLC0415

# The page of each platform, where the stack names none: known by the address of its API.
PAGES = {
    "https://api.supabase.com": ("supabase", "https://status.supabase.com"),
    "https://api.vercel.com": ("vercel", "https://www.vercel-status.com"),
    "https://api.github.com": ("github", "https://www.githubstatus.com"),
}


def _status_pages(place: Place) -> StatusPages:
    from drillbook.providers.statuspage import PageAddress, StatuspagePages

    known = dict(_pages_of_platforms(place))
    named = known | (place.section.status_pages or {})
    return StatuspagePages(
        tuple(
            PageAddress(name, section.url.written, section.components)
            for name, section in named.items()
        )
    )


def _pages_of_platforms(place: Place) -> Iterator[tuple[str, StatusPageSection]]:
    section = place.section
    apis = [
        section.database.api if section.database and section.database.has_api else None,
        section.app.api if section.app and section.app.provider == "vercel" else None,
        section.repository.api if section.repository else None,
    ]
    for api in apis:
        if api is not None and api.written.rstrip("/") in PAGES:
            name, url = PAGES[api.written.rstrip("/")]
            yield name, StatusPageSection(url=Address(written=url))


@dataclass(frozen=True, slots=True)
class _NoLogins:
    """An environment whose stack names no login service."""

    def look(self) -> None:
        """Return that nothing is known of logins."""


def _auth_state(place: Place) -> AuthState:
    section = place.section.auth
    if section is None:
        return _NoLogins()
    from drillbook.providers.supabase.auth_state import SupabaseAuth

    return SupabaseAuth(
        address=place.auth_url,
        key=None if section.key is None else place.secret(section.key),
        user=section.user or "",
        password=None if section.password is None else place.secret(section.password),
    )


def _dependencies(place: Place) -> Dependencies:
    from drillbook.providers.http.dependencies import HttpDependencies

    named = place.section.dependencies or {}
    return HttpDependencies(
        tuple(_dependency(place, name, section) for name, section in named.items())
    )


def _dependency(place: Place, name: str, section: DependencySection) -> "Dependency":
    from drillbook.providers.http.dependencies import Dependency

    return Dependency(
        name=name,
        address=lambda: section.url.reveal(place.folder, HTTP_SCHEMES),
        path=section.probe,
        timeout_seconds=section.timeout.total_seconds(),
        token=None if section.token is None else place.secret(section.token),
        switch=section.switch or "",
        routes=section.routes,
    )


@dataclass(frozen=True, slots=True)
class _Apis:
    """Fulfils PlatformApis with what the sections name."""

    named: tuple["Api", ...]
    project: Callable[[], Platform] | None
    used: tuple[str, ...] = ()

    def apis(self) -> tuple[ApiSeen, ...]:
        """Ask each API for what it must know."""
        from drillbook.providers.http.platform_apis import ask_apis

        return ask_apis(self.named)

    def services(self) -> tuple[Service, ...] | None:
        """Return those services of the database's project that the stack uses."""
        return None if self.project is None else self.project().services(self.used)


def _platform_apis(place: Place) -> PlatformApis:
    from drillbook.providers.http.platform_apis import Api

    section, named = place.section, list[Api]()
    database, app, repository = section.database, section.app, section.repository
    if database is not None and database.has_api and database.token is not None:
        path = f"/v1/projects/{database.project}"
        token = place.secret(database.token)
        named.append(Api("supabase", database.api.written, path, token))
    if app is not None and app.provider == "vercel" and app.token is not None:
        team = f"?teamId={app.team}" if app.team else ""
        path = f"/v9/projects/{app.project}{team}"
        named.append(Api("vercel", app.api.written, path, place.secret(app.token)))
    if repository is not None:
        path = f"/repos/{repository.repository}"
        named.append(Api("github", repository.api.written, path, place.secret(repository.token)))
    has_project = database is not None and database.has_api
    # What the app does not use may be switched off, and is nobody's trouble.
    used = ("db",) if section.auth is None else ("auth", "db")
    return _Apis(tuple(named), (lambda: _project(place)) if has_project else None, used)


def _project(place: Place) -> Platform:
    return cast("Platform", platforms.BUILDERS[Platform](place))


def _metrics(place: Place) -> Metrics:
    section = place.section.metrics
    if section is None:
        raise SettingsInvalid(
            f"{place.stack_says}: {place.name} has no metrics",
            hint=f"Add [environments.{place.name}.metrics] with url = …, requests = … and "
            "errors = …",
        )
    from drillbook.providers.prometheus import PrometheusMetrics

    return PrometheusMetrics(
        address=lambda: section.url.reveal(place.folder, HTTP_SCHEMES),
        requests=section.requests,
        errors=section.errors,
        values=section.values,
        token=None if section.token is None else place.secret(section.token),
    )


SYSTEMS: dict[
    type, tuple[str, ...]
] = {  # the first in any environment: what is not named is not asked
    StatusPages: (),
    AuthState: (),
    Dependencies: (),
    PlatformApis: (),
    Metrics: ("metrics",),
}

BUILDERS: dict[type, Callable[[Place], object]] = {
    StatusPages: _status_pages,
    AuthState: _auth_state,
    Dependencies: _dependencies,
    PlatformApis: _platform_apis,
    Metrics: _metrics,
}
