"""The auth service of one environment: GoTrue as it really behaves, on the real database."""

from starlette.applications import Starlette

from drillbook.range.cloud import Cloud
from drillbook.range.twins.auth.service import AuthService
from drillbook.range.twins.supabase.project import Project


def make_app(cloud: Cloud, environment: str) -> Starlette:
    """Return the auth service of an environment."""
    return AuthService(Project(cloud, environment)).app()
