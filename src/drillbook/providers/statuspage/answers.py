"""What a status page answers, parsed at the border; keys we do not read are let go."""

from datetime import datetime

from pydantic import BaseModel

from drillbook.core.secret import scrub
from drillbook.ports.status_pages import Component, Notice, Standing

STANDINGS = {
    "operational": Standing.OPERATIONAL,
    "under_maintenance": Standing.MAINTENANCE,
    "degraded_performance": Standing.DEGRADED,
    "partial_outage": Standing.PARTIAL,
    "major_outage": Standing.MAJOR,
}
IMPACTS = {
    "none": Standing.OPERATIONAL,
    "maintenance": Standing.MAINTENANCE,
    "minor": Standing.DEGRADED,
    "major": Standing.PARTIAL,
    "critical": Standing.MAJOR,
}
LONGEST_WORDS = 500


class _Component(BaseModel):
    name: str
    status: str
    updated_at: datetime | None = None
    group: bool | None = False

    def ours(self) -> Component:
        # A word nobody knows yet is not "well".
        standing = STANDINGS.get(self.status, Standing.DEGRADED)
        return Component(name=self.name, standing=standing, since=self.updated_at)


class _Update(BaseModel):
    body: str | None = ""
    created_at: datetime


class _Named(BaseModel):
    name: str


class _Incident(BaseModel):
    id: str
    name: str
    status: str
    impact: str
    created_at: datetime
    updated_at: datetime | None = None
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    scheduled_for: datetime | None = None
    shortlink: str | None = ""
    incident_updates: tuple[_Update, ...] = ()
    components: tuple[_Named, ...] | None = ()

    def ours(self, page: str) -> Notice:
        newest = max(self.incident_updates, key=lambda one: one.created_at, default=None)
        begun = self.scheduled_for or self.started_at or self.created_at
        return Notice(
            page=page,
            id=self.id,
            name=self.name,
            standing=IMPACTS.get(self.impact, Standing.DEGRADED),
            stage=self.status,
            started=begun,
            posted=self.created_at,
            updated=self.updated_at or self.created_at,
            ended=self.resolved_at,
            planned=self.scheduled_for is not None,
            components=tuple(one.name for one in self.components or ()),
            says=scrub((newest.body or "").strip()[:LONGEST_WORDS]) if newest else "",
            link=self.shortlink or "",
        )


class _Status(BaseModel):
    indicator: str
    description: str


class Summary(BaseModel):
    """GET /api/v2/summary.json."""

    components: tuple[_Component, ...]
    incidents: tuple[_Incident, ...]
    scheduled_maintenances: tuple[_Incident, ...] = ()
    status: _Status

    @property
    def standing(self) -> Standing:
        """How the platform says it is as a whole."""
        return IMPACTS.get(self.status.indicator, Standing.DEGRADED)

    def parts(self) -> tuple[Component, ...]:
        """Return the components; a group of them is none itself."""
        return tuple(one.ours() for one in self.components if not one.group)

    def notices(self, page: str) -> tuple[Notice, ...]:
        """Return what is open, and the maintenance that goes on or is to come."""
        return tuple(one.ours(page) for one in (*self.incidents, *self.scheduled_maintenances))


class Incidents(BaseModel):
    """GET /api/v2/incidents.json."""

    incidents: tuple[_Incident, ...]


class Maintenances(BaseModel):
    """GET /api/v2/scheduled-maintenances.json."""

    scheduled_maintenances: tuple[_Incident, ...]
