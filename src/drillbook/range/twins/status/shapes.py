"""A status page's answers, in the shape of Atlassian Statuspage."""

from datetime import datetime

from drillbook.range.twins.documents import Document
from drillbook.range.twins.status.incidents import PAGES

WORDS = {
    "none": "All Systems Operational",
    "minor": "Partially Degraded Service",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
}
STATUSES = {
    "none": "operational",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
MOST_INCIDENTS = 50  # as the page keeps them


def summary_answer(page: str, url: str, shown: list[Document], now: datetime) -> Document:
    """Return how it is now: components, and what is not resolved."""
    current = [one for one in shown if one["ended"] is None]
    worst = max((one["impact"] for one in current), key=list(WORDS).index, default="none")
    return {
        "page": _page(page, url, now),
        "components": [
            _component(page, url, name, current, now) for name in PAGES[page].components
        ],
        "incidents": [_incident(page, url, one, now) for one in current],
        "scheduled_maintenances": [],
        "status": {"indicator": worst, "description": WORDS[worst]},
    }


def incidents_answer(page: str, url: str, shown: list[Document], now: datetime) -> Document:
    """Return the latest incidents, resolved ones included."""
    found = [_incident(page, url, one, now) for one in shown[:MOST_INCIDENTS]]
    return {"page": _page(page, url, now), "incidents": found}


def maintenances_answer(page: str, url: str, _: list[Document], now: datetime) -> Document:
    """Return what is planned: nothing, on the range."""
    return {"page": _page(page, url, now), "scheduled_maintenances": []}


def _page(page: str, url: str, now: datetime) -> Document:
    return {
        "id": f"range{page}",
        "name": PAGES[page].name,
        "url": url,
        "time_zone": "Etc/UTC",
        "updated_at": _time(now.isoformat()),
    }


def _component(page: str, url: str, name: str, current: list[Document], now: datetime) -> Document:
    hit = [one for one in current if name in one["components"]]
    worst = max((one["impact"] for one in hit), key=list(WORDS).index, default="none")
    changed = hit[0]["posted"] if hit else "2026-01-01T00:00:00+00:00"
    return {
        "id": f"{page}-{PAGES[page].components.index(name)}",
        "name": name,
        "status": STATUSES[worst],
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": _time(changed),
        "position": 1 + PAGES[page].components.index(name),
        "description": None,
        "showcase": True,
        "start_date": None,
        "group_id": None,
        "page_id": _page(page, url, now)["id"],
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(page: str, url: str, one: Document, now: datetime) -> Document:
    updates = [
        {
            "id": f"{one['id']}{number}",
            "status": update["status"],
            "body": update["body"],
            "incident_id": one["id"],
            "created_at": _time(update["at"]),
            "updated_at": _time(update["at"]),
            "display_at": _time(update["at"]),
            "affected_components": None,
        }
        for number, update in enumerate(one["updates"])
    ]
    return {
        "id": one["id"],
        "name": one["name"],
        "status": one["updates"][-1]["status"],
        "created_at": _time(one["posted"]),
        "updated_at": updates[-1]["created_at"],
        "monitoring_at": None,
        "resolved_at": _time(one["ended"]) if one["ended"] else None,
        "impact": one["impact"],
        "shortlink": f"{url}/incidents/{one['id']}",
        "started_at": _time(one["started"]),
        "page_id": _page(page, url, now)["id"],
        "incident_updates": list(reversed(updates)),
        "components": [_component(page, url, name, [one], now) for name in one["components"]],
        "reminder_intervals": None,
    }


def _time(moment: str) -> str:
    return datetime.fromisoformat(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
