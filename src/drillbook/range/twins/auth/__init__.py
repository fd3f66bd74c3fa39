"""The auth service of one environment: GoTrue as it really behaves, on the real database."""

from typing import TYPE_CHECKING

from drillbook.range.cloud import Cloud

if TYPE_CHECKING:
    from starlette.applications import Starlette


def make_app(cloud: Cloud, environment: str) -> "Starlette":
    """Return the auth service of an environment."""
    # Slow to load, and most who come here only want the database's logins.
    from drillbook.range.twins.auth.service import AuthService  # noqa: PLC0415
    from drillbook.range.twins.supabase.project import Project  # noqa: PLC0415

    return AuthService(Project(cloud, environment)).app()
