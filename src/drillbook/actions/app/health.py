"""How the app is, asked from outside, beside what it says of itself."""

from drillbook.actions.app.subject import domain
from drillbook.analysis.health_words import parsed
from drillbook.core.model import Frozen
from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.probe import Answer, Probe, Question

TIMEOUT_SECONDS = 5.0
SERVER_ERROR = 500
OK = 200
SLOW_SECONDS = 1.0
MOST_TEXT = 300
WELL = {"ok", "up", "healthy", "pass", "passing", "green", "alive", "ready", "available"}


class Asked(Frozen):
    """One path that was asked: status 0 where nothing answered, and then `problem` says why."""

    path: str
    status: int
    seconds: float
    problem: str


class Health(Frozen):
    """
    What was seen from outside, and what the app says of itself; both are shown, not reconciled.

    `ok` is what was seen: every request was answered, none by a server's error. `own_word` is
    what its health endpoint says, which may be a constant. `agree`: both say the same.
    """

    ok: bool
    reachable: bool
    own_ok: bool | None
    own_word: str
    commit: str
    agree: bool
    slowest_seconds: float
    asked: tuple[Asked, ...]
    says: str


@domain.read
def health(probe: Probe, *, paths: tuple[str, ...] = ("/",), times: int = 3) -> Health:
    """Ask the app's paths and its health endpoint from outside, side by side, several times."""
    wanted = [probe.health_path] * max(1, times) + [path for path in paths if path]
    if probe.release_path:
        wanted.append(probe.release_path)
    looks = {
        f"{number} {path}": (lambda path=path: _ask(probe, path))
        for number, path in enumerate(wanted)
    }
    answers = side_by_side(looks, at_most_seconds=TIMEOUT_SECONDS + 1)
    asked = tuple(_asked(name.partition(" ")[2], answer) for name, answer in answers.items())
    own = [one for one in answers.values() if isinstance(one, Answer)][: max(1, times)]
    word = own[0].text if own else ""
    own_ok = _own_ok(word)
    own_statuses = [one.status for one in asked if one.path == probe.health_path]
    seen_ok = all(0 < one.status < SERVER_ERROR for one in asked)
    agree = own_ok is None or own_ok is seen_ok
    return Health(
        ok=seen_ok,
        reachable=any(one.status for one in asked),
        own_ok=own_ok,
        own_word=scrub(word[:MOST_TEXT]),
        commit=_commit(answers),
        agree=agree,
        slowest_seconds=max((one.seconds for one in asked), default=0.0),
        asked=asked,
        says=_says(asked, own_statuses, own_ok, agree=agree),
    )


def _ask(probe: Probe, path: str) -> Answer:
    return probe.ask(Question(path, timeout_seconds=TIMEOUT_SECONDS))


def _asked(path: str, answer: Answer | Exception) -> Asked:
    if isinstance(answer, Exception):
        return Asked(path=path, status=0, seconds=TIMEOUT_SECONDS, problem=scrub(str(answer)))
    return Asked(
        path=path,
        status=answer.status,
        seconds=round(answer.seconds, 3),
        problem=scrub(answer.problem),
    )


def _own_ok(text: str) -> bool | None:
    """Return what the app says of itself; None where it says nothing that can be read."""
    body = parsed(text)
    if not isinstance(body, dict):
        return None
    said = body.get("status", body.get("ok", body.get("healthy")))
    if isinstance(said, bool):
        return said
    return said.lower() in WELL if isinstance(said, str) else None


def _commit(answers: dict[str, Answer | Exception]) -> str:
    for one in answers.values():
        body = parsed(one.text) if isinstance(one, Answer) and one.status == OK else None
        said = body.get("commit") if isinstance(body, dict) else None
        if isinstance(said, str):
            return said
    return ""


def _says(asked: tuple[Asked, ...], own: list[int], own_ok: bool | None, *, agree: bool) -> str:
    failed = [one for one in asked if one.status == 0 or one.status >= SERVER_ERROR]
    slow = [one for one in asked if one.seconds >= SLOW_SECONDS]
    said = f"{len(failed)} of {len(asked)} requests from outside failed"
    if failed:
        said += f" ({failed[0].path}: {failed[0].problem or failed[0].status})"
    if slow:
        said += f", {len(slow)} took over {SLOW_SECONDS:g} s"
    words = {True: "it is well", False: "it is not well", None: "nothing that can be read"}[own_ok]
    said += f"; the app says of itself: {words} ({', '.join(map(str, own))})"
    return said if agree else f"outside and own word disagree: {said}"
