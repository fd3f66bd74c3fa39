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


def find(hub: Hub, title: str, effect: Effect) -> Reminder | None:
    """Return the issue of this effect, or else an open one of the same title that we wrote."""
    issues = [
        issue
        for issue in hub.all(IssueSeen, "/issues", {"labels": LABEL, "state": "all"})
        if issue.pull_request is None
    ]
    mine = (issue for issue in issues if _mark(effect) in (issue.body or ""))
    same = (issue for issue in issues if issue.state == "open" and issue.title == title)
    if (found := next(mine, None)) is not None:
        return _reminder(found, already=False)
    found = next(same, None)
    return _reminder(found, already=True) if found is not None else None


def open_(hub: Hub, title: str, body: str, effect: Effect) -> Reminder:
    """Open an issue, unless it is there."""
    if found := find(hub, title, effect):
        return found
    effect.still_mine()
    text = f"{body}\n\n{_mark(effect)}\n"
    issue: dict[str, JsonValue] = {"title": title, "body": text, "labels": [LABEL]}
    try:
        reply = hub.send("POST", "/issues", issue, right="Issues: write")
    except OutcomeUnknown as lost:
        if found := find(hub, title, effect):
            return found
        raise Unavailable(
            f"{lost}; there is no such issue", hint="Trying again is safe: it is looked for first."
        ) from lost
    return _reminder(parsed(IssueSeen, reply.body, "/issues"), already=False)


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
