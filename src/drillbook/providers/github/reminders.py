"""Issues that ask people for something: each once."""

from typing import TYPE_CHECKING

from drillbook.core.effect import Effect
from drillbook.core.errors import OutcomeUnknown, Unavailable
from drillbook.ports.repository import Reminder
from drillbook.providers.github.answers import IssueSeen
from drillbook.providers.github.hub import Hub, parsed

if TYPE_CHECKING:
    from pydantic import JsonValue

LABEL = "drillbook"
_RIGHT = "Issues: write"


def find(hub: Hub, title: str, effect: Effect) -> Reminder | None:
    """Return the issue of this effect, or else an open one of the same title that we wrote."""
    issues = _ours(hub)
    if mine := _of(effect, issues):
        return _reminder(mine[0], already=False)
    same = [issue for issue in issues if issue.state == "open" and issue.title == title]
    return _reminder(same[0], already=True) if same else None


def open_(hub: Hub, title: str, body: str, effect: Effect) -> Reminder:
    """Open an issue, unless it is there."""
    if found := find(hub, title, effect):
        return found
    effect.still_mine()
    text = f"{body}\n\n{_mark(effect)}\n"
    issue: dict[str, JsonValue] = {"title": title, "body": text, "labels": [LABEL]}
    try:
        reply = hub.send("POST", "/issues", issue, right=_RIGHT)
    except OutcomeUnknown as lost:
        if found := find(hub, title, effect):
            return found
        raise Unavailable(
            f"{lost}; there is no such issue", hint="Trying again is safe: it is looked for first."
        ) from lost
    made = parsed(IssueSeen, reply.body, "/issues")
    return _reminder(_kept(hub, made, effect), already=False)


def _kept(hub: Hub, made: IssueSeen, effect: Effect) -> IssueSeen:
    """Return the first issue of this effect; close others, which a gateway made by repeating."""
    mine = _of(effect, _ours(hub))
    if not mine:  # GitHub does not list it yet
        return made
    for issue in mine[1:]:
        said: dict[str, JsonValue] = {"state": "closed", "state_reason": "not_planned"}
        hub.send("PATCH", f"/issues/{issue.number}", said, right=_RIGHT)
    return mine[0]


def _ours(hub: Hub) -> list[IssueSeen]:
    """Return the issues that we wrote, the oldest first."""
    query = {"labels": LABEL, "state": "all"}
    found = [one for one in hub.all(IssueSeen, "/issues", query) if one.pull_request is None]
    return sorted(found, key=lambda issue: issue.number)


def _of(effect: Effect, issues: list[IssueSeen]) -> list[IssueSeen]:
    return [issue for issue in issues if _mark(effect) in (issue.body or "")]


def _mark(effect: Effect) -> str:
    return f"<!-- drillbook-effect: {effect.key} -->"


def _reminder(issue: IssueSeen, *, already: bool) -> Reminder:
    return Reminder(
        number=issue.number,
        title=issue.title,
        url=issue.html_url,
        open=issue.state == "open",
        already=already,
    )
