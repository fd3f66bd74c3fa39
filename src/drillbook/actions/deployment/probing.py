"""Ask the app from outside, again and again: its own word beside what users see."""

from collections.abc import Sequence

from drillbook.actions.deployment.subject import domain
from drillbook.analysis.health_words import down_places, parsed
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import scrub
from drillbook.ports.probe import Answer, Probe, Question

FIVE_SECONDS = parse_duration("5s")
MOST_PROBES = 200
MOST_PROBLEMS = 3


class Asked(Frozen):
    """How often one path answered well; `problems` are the first different ones."""

    path: str
    sent: int
    good: int
    slowest_seconds: float
    problems: tuple[str, ...]


class Probed(Frozen):
    """
    What the app says of itself, and what users see.

    `agree` is False where the health endpoint says one thing and the paths another: then `users_ok`
    is what counts. Without paths nothing is known of users, and `users_ok` is the own word.
    """

    own_word: Asked
    paths: tuple[Asked, ...]
    own_word_ok: bool
    users_ok: bool
    agree: bool
    failed: int
    sent: int
    says: str


@domain.read
def probe(
    app: Probe, *, paths: tuple[str, ...] = (), times: int = 5, within: Duration = FIVE_SECONDS
) -> Probed:
    """Ask health and the given paths several times from outside, each by a new connection."""
    if not 0 < times <= MOST_PROBES:
        raise Refused(f"times is {times}, and must be 1 to {MOST_PROBES}", again=False)
    seconds = within.total_seconds()
    own = _asked(
        app.health_path, [_ask(app, app.health_path, seconds) for _ in range(times)], own=True
    )
    answers: dict[str, list[Answer]] = {path: [] for path in paths}
    for _ in range(times):  # in turn: a bad moment shows on every path, not on one alone
        for path, given in answers.items():
            given.append(_ask(app, path, seconds))
    seen = tuple(_asked(path, given, own=False) for path, given in answers.items())
    own_ok = own.good == own.sent
    users_ok = all(one.good == one.sent for one in seen) if seen else own_ok
    return Probed(
        own_word=own,
        paths=seen,
        own_word_ok=own_ok,
        users_ok=users_ok,
        agree=own_ok == users_ok,
        failed=sum(one.sent - one.good for one in (own, *seen)),
        sent=sum(one.sent for one in (own, *seen)),
        says=_says(own, seen, own_ok=own_ok, users_ok=users_ok),
    )


def _ask(app: Probe, path: str, seconds: float) -> Answer:
    return app.ask(Question(path, timeout_seconds=seconds))


def _asked(path: str, answers: Sequence[Answer], *, own: bool) -> Asked:
    problems = [_problem(answer, own=own) for answer in answers]
    return Asked(
        path=path,
        sent=len(answers),
        good=sum(not problem for problem in problems),
        slowest_seconds=round(max(answer.seconds for answer in answers), 3),
        problems=tuple(dict.fromkeys(filter(None, problems)))[:MOST_PROBLEMS],
    )


def _problem(answer: Answer, *, own: bool) -> str:
    if answer.problem:
        return scrub(answer.problem)
    if not 200 <= answer.status < 400:  # noqa: PLR2004 - what users take for an answer
        return f"answered {answer.status}"
    down = list(down_places(parsed(answer.text))) if own else []
    return f"the body says {down[0]}" if down else ""


def _says(own: Asked, seen: Sequence[Asked], *, own_ok: bool, users_ok: bool) -> str:
    parts = [
        f"{own.path} (its own word) {_told(own)}",
        *(f"{one.path} {_told(one)}" for one in seen),
    ]
    told = "; ".join(parts)
    if not seen:
        return f"{told}; no path of the users was asked"
    if own_ok and not users_ok:
        return f"the app says it is well, and users see otherwise: {told}"
    if users_ok and not own_ok:
        return f"the app says it is not well, and users see nothing of it: {told}"
    return told


def _told(one: Asked) -> str:
    why = f" ({one.problems[0]})" if one.problems else ""
    return f"good {one.good} of {one.sent} times, {one.slowest_seconds:.2f} s at most{why}"
