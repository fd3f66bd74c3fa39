"""What users met: measured over the whole time where the run did, else up to the triage."""

from drillbook.analysis.postmortem.citing import Notes
from drillbook.analysis.postmortem.reading import HIT, MEASURE, Done, Times, Trail


def impact(trail: Trail, times: Times, notes: Notes, lines: list[str]) -> None:
    """Add the section on what users met."""
    lines += ["", "## Impact", ""]
    end = times.verified or times.mitigated
    if times.began and end:
        what = "until it was verified" if times.verified else "until the last change that helped"
        lines.append(f"- Users met it for {notes.between(times.began, end)}, {what}.")
    measured = [each for each in trail.done(MEASURE) if _is_known(each)]
    if measured:
        _measured(measured[-1], notes, lines)
    else:
        _until_triage(trail, notes, lines)


def _is_known(each: Done) -> bool:
    known = each.result("known")
    return known is not None and known.value is True


def _measured(each: Done, notes: Notes, lines: list[str]) -> None:
    failed, requests = each.result("failed"), each.result("requests")
    refused, users = each.result("refused"), each.result("users")
    since, until = each.result("since"), each.result("until")
    if failed and requests and refused and since and until:
        lines.append(
            f"- {notes.number(failed)} of {notes.number(requests)} requests failed, and "
            f"{notes.number(refused)} were refused, from {notes.clock(since)} "
            f"to {notes.clock(until)}."
        )
    known = each.result("users_known")
    if users and known and known.value is True:
        lines.append(f"- {notes.number(users)} different users met a failure or a refusal.")
    else:
        lines.append("- How many users that were is not known: no line of the log names them.")


def _until_triage(trail: Trail, notes: Notes, lines: list[str]) -> None:
    hit = trail.last(HIT)
    bad, requests = (hit.result("bad"), hit.result("requests")) if hit else (None, None)
    if hit is None or bad is None or requests is None:
        lines.append("- How many requests and users it hit was not measured in this run.")
        return
    lines.append(
        f"- Up to the triage, {notes.number(bad)} of {notes.number(requests)} requests "
        "were hit; later ones were not counted."
    )
    users, known = hit.result("users"), hit.result("users_known")
    if users and known and known.value is True:
        lines.append(f"- They were of {notes.number(users)} different users.")
    else:
        lines.append("- How many users that were is not known: no line of the log names them.")
