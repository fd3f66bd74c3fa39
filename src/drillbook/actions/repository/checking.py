"""Whether the pipeline is green for exactly one commit, and no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from drillbook.actions.repository.commits import exact, named, short
from drillbook.actions.repository.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import checked_length, looks
from drillbook.ports.repository import Check, Outcome, Pipelines, Repository, Stage

TEN_MINUTES, ONE_MINUTE = parse_duration("10m"), parse_duration("1m")
_HARMLESS = {Outcome.NEUTRAL, Outcome.SKIPPED}
SHOWN = 5


class Green(Frozen):
    """The checks of one commit; `required` are those that had to be green."""

    commit: str
    green: tuple[str, ...]
    required: tuple[str, ...]
    without_verdict: tuple[str, ...]
    urls: tuple[str, ...]
    waited_seconds: float
    says: str


class Rerun(Frozen):
    """The checks of a commit that were asked to run again, and those that run."""

    commit: str
    running: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a commit's checks at one moment."""

    bad: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    green: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()

    @property
    def is_green(self) -> bool:
        """Whether everything needed is green, and something is at all."""
        return bool(self.green) and not (self.bad or self.unfinished or self.missing)


@domain.read
def checks(
    pipelines: Pipelines,
    repository: Repository,
    effect: Effect,
    *,
    commit: str,
    into: str = "",
    names: tuple[str, ...] = (),
    wait: Duration = TEN_MINUTES,
    appear: Duration = ONE_MINUTE,
) -> Green:
    """
    Wait until all checks of exactly this commit are green; Failed says which are not, and how.

    Required are those the branch asks for, or `names` where given; a required one that was
    skipped is not green. Other checks must not be red. Checks that do not appear within `appear`
    are missing: what is green for another commit never counts.
    """
    sha = exact(commit)
    branch = named(into or repository.branch, "into")
    checked_length("wait", wait)
    required = names or pipelines.required(branch)
    begun = monotonic()
    seen: tuple[Check, ...] = ()
    for waited in looks(effect, wait, f"the checks of {short(sha)}"):
        try:
            seen = pipelines.checks(sha)
        except Unavailable as error:
            effect.progress(f"cannot see the checks: {error}", None)
            continue
        now = standing(seen, required, only=bool(names))
        if now.is_green:
            return _green(sha, seen, required, now, monotonic() - begun)
        late = waited > appear.total_seconds()
        if now.bad or (late and now.missing and not now.unfinished):
            break
        if late and not seen:
            break
        effect.progress(_waiting(sha, now), None)
    raise _not_green(pipelines, repository, sha, branch, standing(seen, required, only=bool(names)))


@domain.additive(because="another run of the checks takes nothing away")
def rerun(pipelines: Pipelines, effect: Effect, *, commit: str) -> Rerun:
    """Ask for another run of the checks of a commit that ended badly."""
    return _rerun(exact(commit), pipelines.rerun(exact(commit), effect))


@rerun.looking
def rerun_already(pipelines: Pipelines, effect: Effect, *, commit: str) -> Rerun | None:
    """Look whether no check of the commit has ended badly: they run again, or are green."""
    found = pipelines.checks(exact(commit))
    return None if not found or standing(found, ()).bad else _rerun(commit, found)


def standing(seen: Iterable[Check], required: Sequence[str], *, only: bool = False) -> Standing:
    """Judge the checks by name: of two with one name both must be green."""
    by_name: dict[str, list[Check]] = {name: [] for name in required}
    for check in seen:
        if not only or check.name in by_name:
            by_name.setdefault(check.name, []).append(check)
    sorted_: dict[str, list[str]] = {key: [] for key in Standing.__slots__}
    for name, found in by_name.items():
        place, says = _one(name, found, is_required=name in required)
        sorted_[place].append(says)
    return Standing(**{key: tuple(names) for key, names in sorted_.items()})


def _one(name: str, found: Sequence[Check], *, is_required: bool) -> tuple[str, str]:
    if not found:
        return "missing", name
    bad = [check for check in found if check.stage is Stage.DONE and not _is_fine(check)]
    if bad:
        return "bad", _said(bad[0])
    waiting = [check for check in found if check.stage is not Stage.DONE]
    if waiting:
        return "unfinished", f"{name} is {waiting[0].stage.value}"
    if any(check.outcome is Outcome.GREEN for check in found):
        return "green", name
    if is_required:
        return "bad", f"{name} was {found[0].outcome.value} and is required"
    return "harmless", f"{name} was {found[0].outcome.value}"


def _is_fine(check: Check) -> bool:
    return check.outcome is Outcome.GREEN or check.outcome in _HARMLESS


def _said(check: Check) -> str:
    words = f" ({check.says})" if check.says else ""
    return f"{check.name} {'is' if check.outcome is Outcome.RED else 'has'} {_ended(check)}{words}"


def _ended(check: Check) -> str:
    match check.outcome:
        case Outcome.RED:
            return "red"
        case Outcome.CANCELLED:
            return "been cancelled"
        case Outcome.TIMED_OUT:
            return "timed out"
        case Outcome.WAITS_FOR_SOMEBODY:
            return "stopped: it waits for somebody"
        case _:
            return f"ended {check.outcome.value}"


def _green(
    sha: str, seen: Sequence[Check], required: Sequence[str], now: Standing, seconds: float
) -> Green:
    whose = f"required: {', '.join(required)}" if required else "the branch requires none"
    says = f"{', '.join(now.green)} green for exactly {short(sha)} ({whose})"
    if now.harmless:
        says += f"; {', '.join(now.harmless)}"
    return Green(
        commit=sha,
        green=now.green,
        required=tuple(required),
        without_verdict=now.harmless,
        urls=tuple(check.url for check in seen if check.url)[:SHOWN],
        waited_seconds=round(seconds, 1),
        says=says,
    )


def _waiting(sha: str, now: Standing) -> str:
    parts = [*now.unfinished, *(f"{name} has not appeared" for name in now.missing)]
    return f"{short(sha)}: {'; '.join(parts[:SHOWN]) or 'no check has appeared'}"


def _not_green(
    pipelines: Pipelines, repository: Repository, sha: str, branch: str, now: Standing
) -> Failed:
    parts = [*now.bad, *(f"{name} is missing" for name in now.missing), *now.unfinished]
    what = "; ".join(parts[:SHOWN]) or "it has no check at all"
    other = _green_elsewhere(pipelines, repository, sha, branch)
    if now.bad:
        hint = "Read its log; correct the code, or run it again: repository.rerun"
    elif now.unfinished:
        hint = "Wait longer: wait=30m"
    else:
        hint = "Look whether the pipeline runs for this branch, and whether the commit skips it."
    return Failed(f"the pipeline is not green for {short(sha)}: {what}{other}", hint=hint)


def _green_elsewhere(pipelines: Pipelines, repository: Repository, sha: str, branch: str) -> str:
    """Say what is green for another commit, so that nobody takes it for this one."""
    try:
        proposed = [one.branch for one in repository.proposals(sha)]
        for place in (*proposed[:1], branch):
            for check in pipelines.elsewhere(place, sha):
                if check.outcome is Outcome.GREEN:
                    return (
                        f" ({check.name} is green for {short(check.commit)} of {place}, "
                        "which is another commit)"
                    )
    except DrillbookError as error:  # only a remark is lost, and that is said
        return f" (what is green elsewhere cannot be seen: {error})"
    return ""


def _rerun(sha: str, found: Sequence[Check]) -> Rerun:
    running = tuple(sorted({check.name for check in found if check.stage is not Stage.DONE}))
    says = f"{', '.join(running)} runs again for {short(sha)}"
    if not running:
        says = f"no check of {short(sha)} ended badly, so none runs again"
    return Rerun(commit=sha, running=running, says=says)
