"""The API of who asks: the user behind the token, and the one team."""

from drillbook.range.cloud import TEAM, TEAM_SLUG
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem
from drillbook.range.twins.vercel.records import USER


def get_user(asked: Asked) -> object:
    """Answer GET /v2/user."""
    return {
        "user": {
            "id": USER["uid"],
            "uid": USER["uid"],
            "email": USER["email"],
            "username": USER["username"],
            "name": "Range Owner",
            "avatar": None,
            "defaultTeamId": TEAM,
            "version": "northstar",
            "limited": True,
        }
    }


def list_teams(asked: Asked) -> object:
    """Answer GET /v2/teams."""
    return {"teams": [_team(asked)], "pagination": {"count": 1, "next": None, "prev": None}}


def get_team(asked: Asked) -> object:
    """Answer GET /v2/teams/{teamId}."""
    if asked.path["team"] not in {TEAM, TEAM_SLUG}:
        raise Problem(404, "not_found", "Team not found.")
    return _team(asked)


def _team(asked: Asked) -> Document:
    made = asked.hosting.project()["createdAt"]
    return {
        "limited": True,
        "id": TEAM,
        "slug": TEAM_SLUG,
        "name": "Drillbook range",
        "avatar": None,
        "created": "2026-01-05T08:00:00.000Z",
        "createdAt": made,
        "membership": {
            "confirmed": True,
            "confirmedAt": made,
            "role": "OWNER",
            "created": made,
            "createdAt": made,
            "uid": USER["uid"],
            "teamId": TEAM,
        },
    }


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v2/user", get_user),
    ("GET", "/v2/teams", list_teams),
    ("GET", "/v2/teams/{team}", get_team),
    ("GET", "/teams/{team}", get_team),
)
