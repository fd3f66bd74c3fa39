"""What was posted on the status pages: kept by page, seen from the moment it was posted."""

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from drillbook.core.errors import NotFound, Refused
from drillbook.range.cloud import Cloud
from drillbook.range.twins.documents import Document

KIND = "incident"
RESOLVED = "resolved"
_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Page:
    """One platform's page."""

    name: str
    components: tuple[str, ...]


IMPACTS = ("none", "minor", "major", "critical")
PAGES = {
    "supabase": Page("Supabase", ("Auth", "Database", "Management API", "Storage", "Realtime")),
    "vercel": Page("Vercel", ("API", "Edge Network", "Functions", "Builds", "Logs")),
    "github": Page("GitHub", ("API Requests", "Git Operations", "Actions", "Pull Requests")),
    "payments": Page("Payments", ("API",)),
}


@dataclass(frozen=True, slots=True)
class Incident:
    """What is to be posted; `late` is how long after its beginning the page says it."""

    page: str
    name: str
    impact: str = "minor"
    components: tuple[str, ...] = ()
    body: str = ""
    late: timedelta = field(default=timedelta(0))


def incident_of(page: str, name: str, components: tuple[str, ...], impact: str) -> Incident:
    """Return what a person wants to post; Refused with what there is, where it cannot be."""
    if page not in PAGES:
        raise NotFound(f"there is no page {page!r}", hint=f"There are {', '.join(PAGES)}.")
    if not name.strip() or impact not in IMPACTS:
        raise Refused(
            f"an incident needs a name, and an impact of {', '.join(IMPACTS)}",
            hint='Write it like "Logins fail" --impact major.',
        )
    known = {one.casefold(): one for one in PAGES[page].components}
    unknown = [one for one in components if one.casefold() not in known]
    if unknown:
        raise Refused(
            f"{page} has no component {unknown[0]!r}", hint=f"It has {', '.join(known.values())}."
        )
    return Incident(page, name, impact, tuple(known[one.casefold()] for one in components))


class Board:
    """The incidents of all pages; `origin` is whoever posted, for taking it back."""

    def __init__(self, cloud: Cloud) -> None:
        self._documents = cloud.documents("status")

    def post(self, incident: Incident, *, origin: str = "") -> str:
        """Post an incident that begins now; return its id."""
        now = datetime.now(UTC)
        name = "".join(secrets.choice(_LETTERS) for _ in range(12))
        posted = (now + incident.late).isoformat()
        self._documents.put(
            KIND,
            name,
            {
                "id": name,
                "origin": origin,
                "page": incident.page,
                "name": incident.name,
                "impact": incident.impact,
                "components": list(incident.components),
                "started": now.isoformat(),
                "posted": posted,
                "ended": None,
                "updates": [{"status": "investigating", "body": incident.body, "at": posted}],
            },
        )
        return name

    def change(self, name: str, stage: str, body: str) -> bool:
        """Add an update to an incident; False when there is none."""
        with self._documents.locked():
            found = self._documents.get(KIND, name)
            if found is None:
                return False
            now = datetime.now(UTC).isoformat()
            found["updates"].append({"status": stage, "body": body, "at": now})
            found["ended"] = now if stage == RESOLVED else None
            self._documents.put(KIND, name, found)
        return True

    def end(self, origin: str) -> None:
        """Resolve what somebody posted; what nobody has seen yet is never posted."""
        with self._documents.locked():
            now = datetime.now(UTC).isoformat()
            for found in self._documents.all(KIND):
                if found["origin"] != origin or found["ended"] is not None:
                    continue
                if found["posted"] > now:
                    self._documents.remove(KIND, found["id"])
                else:
                    self.change(found["id"], RESOLVED, "This incident has been resolved.")

    def open(self, page: str) -> list[Document]:
        """Return what is posted and not resolved."""
        return [one for one in self.shown(page, datetime.now(UTC)) if one["ended"] is None]

    def shown(self, page: str, now: datetime) -> list[Document]:
        """Return what the page tells now, the newest first."""
        known = [one for one in self._documents.all(KIND) if one["page"] == page]
        return [one for one in reversed(known) if one["posted"] <= now.isoformat()]
