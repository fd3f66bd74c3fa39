"""
A post-mortem from the record of a run alone: Markdown, each number with a footnote.

The words between the numbers have no digits of their own, so that what is a number in the text is
a number of the record, and a test can derive every one of them again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from drillbook.analysis.postmortem.citing import Fact, Notes, fact, when
from drillbook.analysis.postmortem.follow_up import after, owner
from drillbook.analysis.postmortem.impact import impact
from drillbook.analysis.postmortem.reading import CULPRIT, Done, Times, Trail, times_of
from drillbook.analysis.postmortem.timeline import timeline
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind, RecordEntry


@dataclass(frozen=True, slots=True)
class Drafted:
    """The text, and how many places of the record its numbers are from."""

    text: str
    found: bool
    figures: int


@dataclass
class Draft:
    """One draft under way."""

    trail: Trail
    times: Times
    notes: Notes = field(default_factory=Notes)
    lines: list[str] = field(default_factory=list)

    def head(self, title: str) -> None:
        """Begin a section."""
        self.lines += ["", f"## {title}", ""]

    def say(self, *lines: str) -> None:
        """Add lines."""
        self.lines += lines


def draft(plan: Plan, entries: Sequence[RecordEntry], roles: Sequence[str] = ()) -> Drafted:
    """Draft the post-mortem of a run; `roles` are those that may own what is to be done."""
    trail = Trail(plan, entries)
    one = Draft(trail, times_of(trail))
    culprit = trail.last(CULPRIT)
    _title(one)
    _short(one, culprit)
    _times(one)
    impact(one.trail, one.times, one.notes, one.lines)
    _cause(one, culprit)
    _done(one)
    one.head("Timeline")
    one.say(*timeline(trail, one.notes))
    _unknown(one, culprit)
    _actions(one, culprit, roles)
    one.head("Where each number is from")
    one.say(*one.notes.told(), "")
    found = culprit is not None and _is(culprit, "found")
    return Drafted("\n".join(one.lines), found, len(one.notes.places))


def _title(one: Draft) -> None:
    planned = one.trail.first(EntryKind.RUN_PLANNED)
    runbook = fact(planned, "runbook") if planned else None
    of = one.notes.quote(runbook) if runbook else "a run"
    one.say(
        f"# Post-mortem: {of}",
        "",
        "A draft from the sealed record of the run alone; a person completes it. Times are UTC. "
        "What stands in quotation marks was said by a system or a person and is not checked here.",
    )


def _short(one: Draft, culprit: Done | None) -> None:
    one.head("In short")
    if culprit is None:
        one.say("- The run weighed no causes.")
        return
    one.say(f"- {_named(one, culprit)}")
    says = culprit.result("says")
    if says:
        one.say(f"- {one.notes.quote(says)}")
    helped = one.trail.helped()
    if helped:
        one.say(f"- What helped: {_what(helped[-1])}.")
    elif one.trail.normal() is None:
        one.say("- This run did not see users' requests become as they were before.")
    else:
        one.say("- Users' requests became as before without a change by this run.")


def _named(one: Draft, culprit: Done) -> str:
    kind, subject = culprit.result("kind"), culprit.result("subject")
    sure = culprit.result("probability")
    if not _is(culprit, "found") or kind is None or subject is None or sure is None:
        return "Root cause: none was named."
    return (
        f"Root cause: {kind.value} {one.notes.quote(subject)}, "
        f"with a probability of {one.notes.share(sure)} among all that was weighed."
    )


def _times(one: Draft) -> None:
    times, notes = one.times, one.notes
    one.head("Times")
    one.say("| moment | when | after it began |", "|---|---|---|")
    rows: Iterable[tuple[str, Fact | None]] = (
        ("it began, at the earliest", times.earliest),
        ("it began, most likely", times.began),
        ("it began, at the latest", times.latest),
        ("the first symptom was true", times.felt),
        ("noticed: the incident was opened", times.noticed),
        ("the run started", times.started),
        ("diagnosed: the cause was named", times.diagnosed),
        ("mitigated: the last change that helped was done", times.mitigated),
        ("verified: users' requests were as before", times.verified),
    )
    begun = times.began or times.felt
    for says, at in rows:
        if at is None:
            one.say(f"| {says} | not in the record | |")
        else:
            later = notes.between(begun, at) if begun and at is not begun else ""
            one.say(f"| {says} | {notes.clock(at)} | {later} |")


def _cause(one: Draft, culprit: Done | None) -> None:
    one.head("Root cause, and the evidence")
    if culprit is None:
        one.say("No cause was weighed in this run.")
        return
    one.say(_named(one, culprit), "")
    for number in range(_count(culprit, "candidates")):
        if number == 1:
            one.say("", "Also weighed:", "")
        _candidate(one, culprit, number)
    none = culprit.result("none")
    if none:
        one.say("", f"None of these: {one.notes.share(none)}.")


def _candidate(one: Draft, culprit: Done, number: int) -> None:
    says = culprit.result("candidates", number, "cause", "says")
    sure = culprit.result("candidates", number, "probability")
    if says is None or sure is None:
        return
    one.say(f"- {one.notes.quote(says)}: {one.notes.share(sure)}")
    for each in range(_count(culprit, "candidates", number, "evidence")):
        told = culprit.result("candidates", number, "evidence", each, "says")
        weight = culprit.result("candidates", number, "evidence", each, "weight")
        if told and weight and isinstance(weight.value, int | float):
            side = "for" if weight.value >= 0 else "against"
            one.say(f"  - {side} (weight {one.notes.number(weight)}): {one.notes.quote(told)}")


def _done(one: Draft) -> None:
    one.head("What was done")
    writes = one.trail.writes()
    if not writes:
        one.say("This run changed nothing.")
        return
    back, helped = one.trail.taken_back(), {id(each) for each in one.trail.helped()}
    one.say("| when | what | how it ended |", "|---|---|---|")
    for each in writes:
        told = each.result("says") or fact(each.entry, "error")
        said = f" {one.notes.quote(told)}" if told else ""
        end = {
            EntryKind.TASK_DONE: "done",
            EntryKind.TASK_FAILED: "failed",
            EntryKind.TASK_UNKNOWN: "not known whether it happened",
        }[EntryKind(each.entry.kind)]
        end += ", taken back" if each.task.id in back else ""
        end += ", before all was as before" if id(each) in helped else ""
        one.say(f"| {one.notes.clock(when(each.entry))} | {_what(each)} | {end}{said} |")


def _what(each: Done) -> str:
    return f"`{each.task.does}` on {each.task.on}" if each.task.on else f"`{each.task.does}`"


def _unknown(one: Draft, culprit: Done | None) -> None:
    unknown = _count(culprit, "unknown") if culprit else 0
    silent = _silent(culprit) if culprit else []
    if culprit is None or not (unknown or silent):
        return
    one.head("What nobody knew")
    for number in range(unknown):
        told = culprit.result("unknown", number)
        if told:
            one.say(f"- did not answer: {one.notes.quote(told)}")
    one.say(*(f"- silent: {one.notes.quote(told)}" for told in silent))


def _silent(culprit: Done) -> list[Fact]:
    found = []
    for number in range(_count(culprit, "sources")):
        silent, says = (culprit.result("sources", number, key) for key in ("silent", "says"))
        if silent and silent.value is True and says:
            found.append(says)
    return found


def _actions(one: Draft, culprit: Done | None, roles: Sequence[str]) -> None:
    kind = culprit.result("kind") if culprit and _is(culprit, "found") else None
    one.head("Actions")
    one.say("| what | owner |", "|---|---|")
    for each in after(str(kind.value) if kind else ""):
        one.say(f"| {each.does} | {owner(each.area, roles)} |")


def _is(each: Done, *path: str | int) -> bool:
    found = each.result(*path)
    return found is not None and found.value is True


def _count(each: Done, *path: str | int) -> int:
    found = each.result(*path)
    return len(found.value) if found and isinstance(found.value, list) else 0
