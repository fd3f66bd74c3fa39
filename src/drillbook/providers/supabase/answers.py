"""What the Management API answers, parsed at the border; keys we do not read are let go."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from drillbook.core.errors import Failed
from drillbook.ports.managed_backups import Managed, ManagedBackup, Stage
from drillbook.ports.platform import Disk, Project, Service
from drillbook.remote.reply import first_misfit

STAGES = {
    "PENDING": Stage.PENDING,
    "COMPLETED": Stage.COMPLETED,
    "FAILED": Stage.FAILED,
    "REMOVED": Stage.GONE,
    "ARCHIVED": Stage.GONE,
    "CANCELLED": Stage.GONE,
}


def _in_utc(value: object) -> object:
    # Old entries have no zone; the platform's times are UTC.
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return value


Moment = Annotated[datetime, BeforeValidator(_in_utc)]


class _Database(BaseModel):
    version: str


class ProjectSeen(BaseModel):
    """GET /v1/projects/{ref}."""

    name: str
    status: str
    region: str
    database: _Database

    def ours(self) -> Project:
        """Return it in our words."""
        return Project(
            name=self.name,
            status=self.status,
            region=self.region,
            server_version=self.database.version,
        )


class ServiceSeen(BaseModel):
    """One entry of GET /v1/projects/{ref}/health."""

    name: str
    status: str
    error: str | None = None

    def ours(self) -> Service:
        """Return it in our words."""
        # `healthy` is deprecated; the status says it.
        healthy = self.status == "ACTIVE_HEALTHY"
        return Service(name=self.name, healthy=healthy, status=self.status, error=self.error or "")


class _Metrics(BaseModel):
    fs_size_bytes: float
    fs_avail_bytes: float
    fs_used_bytes: float


class DiskSeen(BaseModel):
    """GET /v1/projects/{ref}/config/disk/util."""

    metrics: _Metrics

    def ours(self) -> Disk:
        """Return it in our words."""
        return Disk(
            size_bytes=int(self.metrics.fs_size_bytes),
            used_bytes=int(self.metrics.fs_used_bytes),
            available_bytes=int(self.metrics.fs_avail_bytes),
        )


class ReadOnlySeen(BaseModel):
    """GET /v1/projects/{ref}/readonly."""

    enabled: bool
    override_enabled: bool


class _BackupSeen(BaseModel):
    id: int
    is_physical_backup: bool
    status: str
    inserted_at: Moment


class _Physical(BaseModel):
    earliest: int | None = Field(None, alias="earliest_physical_backup_date_unix")
    latest: int | None = Field(None, alias="latest_physical_backup_date_unix")


class BackupsSeen(BaseModel):
    """GET /v1/projects/{ref}/database/backups."""

    pitr_enabled: bool
    backups: tuple[_BackupSeen, ...]
    physical_backup_data: _Physical

    def ours(self) -> Managed:
        """Return it in our words, the newest first."""
        found = sorted(self.backups, key=lambda backup: backup.inserted_at, reverse=True)
        return Managed(
            platform="Supabase",
            backups=tuple(
                ManagedBackup(
                    id=str(backup.id),
                    # A status nobody knows yet is nothing to rely on.
                    stage=STAGES.get(backup.status, Stage.GONE),
                    taken=backup.inserted_at,
                    is_physical=backup.is_physical_backup,
                )
                for backup in found
            ),
            any_moment=self.pitr_enabled,
            earliest=_moment(self.physical_backup_data.earliest),
            latest=_moment(self.physical_backup_data.latest),
        )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def strange(path: str, error: ValidationError) -> Failed:
    """Return that an answer has another form than the one we know."""
    return Failed(
        f"Supabase answered GET …{path} with what is not its documented form: "
        f"{first_misfit(error)}",
        hint="Its API may have changed: look for a newer Drillbook.",
    )
