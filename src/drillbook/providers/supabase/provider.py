"""A Supabase project through its Management API: how it is, and the backups it takes."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from drillbook.ports.managed_backups import Managed
from drillbook.ports.platform import Disk, Project, Service
from drillbook.providers.supabase.answers import (
    BackupsSeen,
    DiskSeen,
    ProjectSeen,
    ReadOnlySeen,
    ServiceSeen,
    strange,
)
from drillbook.remote.api import JsonApi

TIMEOUT_MILLISECONDS = "5000"
Seen = TypeVar("Seen", bound=BaseModel)


class Supabase:
    """One project; fulfils Platform, Restarts and ManagedBackups; the token is revealed late."""

    def __init__(self, *, api: str, token: Callable[[], str], project: str) -> None:
        self._api, self._token, self._above = api, token, f"/v1/projects/{project}"

    @cached_property
    def _json(self) -> JsonApi:
        return JsonApi("Supabase", self._api, self._token)

    def project(self) -> Project:
        """Return the project as a whole."""
        return self._read(ProjectSeen, "", right="projects: read").ours()

    def services(self, names: tuple[str, ...]) -> tuple[Service, ...]:
        """Ask how services are; the platform itself waits up to 5 s for each."""
        # A list is sent by its name, once for each.
        wanted = [("services", name) for name in names] + [("timeout_ms", TIMEOUT_MILLISECONDS)]
        path = f"{self._above}/health"
        body = self._json.get(f"{path}?{urlencode(wanted)}", right="projects: read")
        try:
            seen = TypeAdapter(tuple[ServiceSeen, ...]).validate_python(body)
        except ValidationError as error:
            raise strange(path, error) from error
        return tuple(one.ours() for one in seen)

    def disk(self) -> Disk:
        """Return how full the disk is."""
        return self._read(DiskSeen, "/config/disk/util", right="infra disk config: read").ours()

    def is_read_only(self) -> bool:
        """Tell whether the platform lets the database be read only."""
        return self._read(ReadOnlySeen, "/readonly", right="database: read").enabled

    def restart(self) -> None:
        """Ask once for a restart of the project's server."""
        self._json.send("POST", f"{self._above}/restart", right="projects: write")

    def managed(self) -> Managed:
        """List the backups the platform has taken."""
        return self._read(BackupsSeen, "/database/backups", right="backups: read").ours()

    def _read(self, kind: type[Seen], path: str, *, right: str) -> Seen:
        body: JsonValue = self._json.get(f"{self._above}{path}", right=right)
        try:
            return kind.model_validate(body)
        except ValidationError as error:
            raise strange(path, error) from error
