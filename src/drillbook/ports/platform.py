"""The project a database is part of, as its platform sees it."""

from typing import Protocol

from drillbook.core.model import Frozen

SERVICES = ("auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer")


class Service(Frozen):
    """How one service is, by the platform's word."""

    name: str
    healthy: bool
    status: str
    error: str = ""


class Project(Frozen):
    """What the platform says about the project as a whole."""

    name: str
    status: str
    region: str
    server_version: str


class Disk(Frozen):
    """The disk the database lies on."""

    size_bytes: int
    used_bytes: int
    available_bytes: int


class Platform(Protocol):
    """Tells how a project and its services are; changes nothing."""

    def project(self) -> Project:
        """Return the project as a whole."""
        ...

    def services(self, names: tuple[str, ...]) -> tuple[Service, ...]:
        """Ask how services of SERVICES are."""
        ...

    def disk(self) -> Disk:
        """Return how full the disk is."""
        ...

    def is_read_only(self) -> bool:
        """Tell whether the platform lets the database be read only."""
        ...
