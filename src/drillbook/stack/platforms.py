"""The providers of platforms: hosting of the app, repository, the database's project."""

from collections.abc import Callable
from dataclasses import dataclass

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.deployments import Deployments, EnvironmentValues, Switches
from drillbook.ports.managed_backups import ManagedBackups
from drillbook.ports.platform import Platform
from drillbook.ports.repository import Merging, Pipelines, Reminders, Repository
from drillbook.ports.restarts import Restarts
from drillbook.stack.place import Place

# Providers are imported where they are built, as in bindings.py.
# ruff: noqa: PLC0415


@dataclass(frozen=True, slots=True)
class VercelProject:
    """What the stack says of an app's project on Vercel; `token` reveals it when it is used."""

    api: str
    token: Callable[[], str]
    project: str
    team: str


def vercel_project(place: Place) -> VercelProject:
    """Return the project an environment's app is built by; SettingsInvalid without one."""
    app = place.app()
    if app.provider != "vercel" or app.project is None or app.token is None:
        raise SettingsInvalid(
            f"{place.stack_says}: the app of {place.name} is reached by its URL only, so nothing "
            "is known of its deployments",
            hint=f'Write provider = "vercel", project = … and token = … into '
            f"[environments.{place.name}.app].",
        )
    return VercelProject(app.api.written, place.secret(app.token), app.project, app.team)


def _vercel(place: Place) -> object:
    found = vercel_project(place)
    from drillbook.providers.vercel import Vercel

    return Vercel(
        api=found.api,
        token=found.token,
        project=found.project,
        team=found.team,
        target=place.target(),
        branch=place.branch(),
        url=place.app_url,
    )


def _github(place: Place) -> object:
    repository = place.repository()
    from drillbook.providers.github import GitHub

    return GitHub(
        api=repository.api.written,
        token=place.secret(repository.token),
        repository=repository.repository,
        branch=repository.branch,
    )


@dataclass(frozen=True, slots=True)
class _Unmanaged:
    """A database of nobody's platform, or of one whose API is not named."""

    def managed(self) -> None:
        """Return that no platform takes backups, as far as the stack says."""


def _supabase(place: Place) -> object:
    database = place.database()
    if not database.has_api or database.token is None:
        raise SettingsInvalid(
            f"{place.stack_says}: the project of {place.name}'s database is not named, so its "
            "platform cannot be asked",
            hint='Write provider = "supabase", project = … and token = … into '
            f"[environments.{place.name}.database].",
        )
    from drillbook.providers.supabase import Supabase

    return Supabase(
        api=database.api.written, token=place.secret(database.token), project=database.project
    )


def _managed_backups(place: Place) -> object:
    return _supabase(place) if place.database().has_api else _Unmanaged()


SYSTEMS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((Deployments, Switches, EnvironmentValues), ("app from vercel",)),
    **dict.fromkeys((Repository, Pipelines, Merging, Reminders), ("repository",)),
    **dict.fromkeys((Platform, Restarts), ("database from supabase",)),
    ManagedBackups: ("database",),
}

BUILDERS: dict[type, Callable[[Place], object]] = {
    **dict.fromkeys((Deployments, Switches, EnvironmentValues), _vercel),
    **dict.fromkeys((Repository, Pipelines, Merging, Reminders), _github),
    **dict.fromkeys((Platform, Restarts), _supabase),
    ManagedBackups: _managed_backups,
}
