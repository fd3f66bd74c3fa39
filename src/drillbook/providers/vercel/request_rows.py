"""One request as the platform's log tells of it, and as a line."""

from datetime import UTC, datetime

from pydantic import Field, field_validator

from drillbook.ports.logs import LogLine
from drillbook.providers.vercel.answers import Seen

LONGEST_MESSAGE = 500
LONGEST_STACK = 8000
SERVER_ERROR, USER_ERROR = 500, 400
RANKS = {"fatal": 3, "error": 2, "warning": 1}


class Said(Seen):
    """What a function wrote while it answered."""

    level: str | None = None
    message: str | None = None


class Event(Seen):
    """One part of the way of a request."""

    source: str | None = None
    region: str | None = None
    milliseconds: float | None = Field(None, alias="durationMs")


class Row(Seen):
    """A request; what is not known of it is None."""

    request: str | None = Field(None, alias="requestId")
    timestamp: datetime
    deployment_id: str | None = Field(None, alias="deploymentId")
    method: str | None = Field(None, alias="requestMethod")
    path: str | None = Field(None, alias="requestPath")
    status: int | None = Field(None, alias="statusCode")
    domain: str | None = None
    address: str | None = Field(None, alias="clientIp")
    logs: tuple[Said, ...] = ()
    events: tuple[Event, ...] = ()

    @field_validator("timestamp")
    @classmethod
    def _with_zone(cls, at: datetime) -> datetime:
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    @field_validator("logs", "events", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @property
    def deployment(self) -> str:
        """The build that answered; empty when none did."""
        return self.deployment_id or ""

    @property
    def key(self) -> str:
        """What tells one request from another."""
        return self.request or f"{self.timestamp.isoformat()} {self.method} {self.path}"


def line_of(row: Row, commit: str) -> LogLine:
    """Return a row as a line; what went wrong stands first in its message."""
    worst = max(row.logs, key=lambda said: RANKS.get(said.level or "", 0), default=Said())
    message, _, _ = (worst.message or "").strip().partition("\n")
    texts = [said.message for said in row.logs if said.message and "\n" in said.message]
    took = [event.milliseconds for event in row.events if event.milliseconds is not None]
    return LogLine(
        at=row.timestamp,
        status=row.status or 0,
        level=worst.level or _level(row.status or 0),
        path=(row.path or "").partition("?")[0],
        message=message[:LONGEST_MESSAGE],
        method=(row.method or "").upper(),
        milliseconds=max(took, default=None),
        commit=commit,
        address=row.address or "",
        region=next((event.region for event in row.events if event.region), ""),
        deployment=row.deployment,
        request=row.key,
        stack="\n".join(texts)[-LONGEST_STACK:],
        source="platform",
    )


def _level(status: int) -> str:
    if status >= SERVER_ERROR:
        return "error"
    return "warning" if status >= USER_ERROR else "info"
