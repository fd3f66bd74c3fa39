"""Remind people of what is left to do, by an issue that is opened once."""

from drillbook.actions.repository.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.core.secret import scrub
from drillbook.ports.repository import Reminder, Reminders

LONGEST_TITLE, LONGEST_BODY = 200, 60_000


class Reminded(Frozen):
    """The issue; `already` says that an open one of this title was there before."""

    number: int
    url: str
    already: bool
    says: str


@domain.additive(because="an issue takes nothing away; people close it")
def remind(reminders: Reminders, effect: Effect, *, title: str, body: str = "") -> Reminded:
    """Open an issue, unless an open one of this title that Drillbook wrote is there."""
    subject = _title(title)
    text = scrub(body.strip()) or "Drillbook was asked to remind of this."
    if len(text) > LONGEST_BODY:
        raise Refused(
            f"the text of the issue has {len(text)} characters, more than {LONGEST_BODY}",
            hint="Shorten it; name a report instead of copying it.",
            again=False,
        )
    signed = f"{text}\n\nOpened by Drillbook{f', run {effect.run}' if effect.run else ''}."
    return _said(reminders.find(subject, effect) or reminders.open(subject, signed, effect))


@remind.looking
def reminded(
    reminders: Reminders, effect: Effect, *, title: str, body: str = ""
) -> Reminded | None:
    """Look for the issue."""
    found = reminders.find(_title(title), effect)
    return _said(found) if found is not None else None


def _title(title: str) -> str:
    subject = " ".join(scrub(title).split())
    if not subject or len(subject) > LONGEST_TITLE:
        raise Refused(
            f"the title of the issue has {len(subject)} characters, and needs 1 to {LONGEST_TITLE}",
            hint='title="Turn automatic assignment on again"',
            again=False,
        )
    return subject


def _said(reminder: Reminder) -> Reminded:
    was = "was open already" if reminder.already else "is open" if reminder.open else "was closed"
    return Reminded(
        number=reminder.number,
        url=reminder.url,
        already=reminder.already,
        says=f"issue #{reminder.number} ({reminder.title}) {was}",
    )
