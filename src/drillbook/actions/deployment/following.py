"""Follow one commit until it is built and until it serves, or say why it will not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drillbook.actions.deployment.looking import beside_said, named
from drillbook.actions.deployment.own_word import OwnWord, is_commit, own_word, short
from drillbook.actions.deployment.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.secret import scrub_foreign
from drillbook.core.waiting import bounded, checked_length, looks
from drillbook.ports.deployments import Deployment, Deployments, Hosting, Stage
from drillbook.ports.probe import Probe

TEN_MINUTES = parse_duration("10m")
GRACE = timedelta(seconds=2)
LOG_LINES = 15
CHARACTERS = 40


class Followed(Frozen):
    """A commit that serves, by the platform's word and, where the app tells it, by its own."""

    id: str
    url: str
    commit: str
    at: datetime
    seconds: float
    probes: int
    app_says: tuple[str, ...]
    automatic: bool
    says: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at the platform and the app showed."""

    build: Deployment | None
    hosting: Hosting | None
    word: OwnWord | None = None
    problem: str = ""

    @property
    def serves(self) -> bool:
        """Whether platform and app agree that this commit serves."""
        if self.build is None or self.word is None:
            return False
        if self.hosting is not None and self.hosting.rolling_to:
            return False  # two builds serve
        return not self.word.tells or self.word.all_say(self.build.commit)

    def says(self, commit: str) -> str:
        """Return what is so, for whoever waits."""
        if self.problem:
            return self.problem
        if self.build is None:
            return f"the platform has no build of {short(commit)} yet"
        if self.build.stage is not Stage.READY:
            return f"{named(self.build)} is {self.build.stage}"
        serving = self.hosting.serving if self.hosting else None
        if self.word is None:
            other = f"{named(serving)} serves" if serving else "nothing serves"
            beside = beside_said(self.hosting) if self.hosting else ""
            return f"{named(self.build)} is built, and {other}{beside}"
        beside = beside_said(self.hosting) if self.hosting else ""
        return f"the platform says that {named(self.build)} serves{beside}, and {self.word.says}"


@domain.read
def follow(
    deployments: Deployments,
    probe: Probe,
    effect: Effect,
    *,
    commit: str,
    within: Duration = TEN_MINUTES,
    probes: int = 5,
) -> Followed:
    """
    Wait until exactly this commit is built and serves, as platform and app both say.

    Ends at once where waiting is in vain: the build failed, automatic assignment is off, or a
    newer build was given the users.
    """
    wanted = checked_commit(commit)
    checked_length("within", within)
    with bounded(within + GRACE):  # a platform that does not answer must not hold us longer
        return _followed_to_the_end(deployments, probe, effect, wanted, within, max(1, probes))


def _followed_to_the_end(
    deployments: Deployments, probe: Probe, effect: Effect, wanted: str, within: timedelta,
    probes: int,
) -> Followed:  # fmt: skip
    seen = _Seen(None, None)
    for waited in looks(effect, within, f"{short(wanted)} to serve"):
        try:
            seen = _look(deployments, probe, wanted, probes)
        except Unavailable as error:
            # The platform is away for a moment; what it last said must not hide that.
            seen = _Seen(seen.build, seen.hosting, None, f"the platform did not answer: {error}")
        if seen.serves and seen.build is not None:
            return _followed(seen, waited)
        effect.progress(seen.says(wanted), min(1.0, waited / within.total_seconds()))
    raise _not_within(seen, wanted, within)


def checked_commit(commit: str) -> str:
    """Return a commit's whole id; Refused for anything else, the platform finds no other."""
    text = commit.strip().lower()
    if len(text) != CHARACTERS or not set(text) <= set("0123456789abcdef"):
        raise Refused(
            f"{commit!r} is not the whole id of a commit",
            hint="Give its 40 hexadecimal digits, such as commit=${merged.commit}",
            again=False,
        )
    return text


def _look(deployments: Deployments, probe: Probe, commit: str, probes: int) -> _Seen:
    hosting = deployments.hosting()
    builds = deployments.of_commit(commit)
    if not builds:
        _refuse_dark(hosting, commit, None)
        return _Seen(None, hosting)
    serving = hosting.serving
    # Of several builds of one commit the one that serves counts, else the newest.
    build = next((one for one in builds if serving and one.id == serving.id), builds[0])
    if build.stage.ended and build.stage is not Stage.READY:
        raise build_failed(deployments, build)
    if serving is not None and serving.id == build.id:
        return _Seen(build, hosting, own_word(probe, times=probes))
    _refuse_dark(hosting, commit, build)
    refuse_overtaken(hosting, build)
    return _Seen(build, hosting)


def _refuse_dark(hosting: Hosting, commit: str, build: Deployment | None) -> None:
    """Say at once that a build will not serve: green and dark is no success."""
    switch = hosting.switching
    coming = build is not None and switch is not None and switch.to == build.id
    if hosting.automatic or (coming and switch is not None and not switch.stage.ended):
        return
    what = f"{named(build)} is {build.stage}" if build else f"{short(commit)} may be built"
    here = f"{named(hosting.serving)} serves" if hosting.serving else "nothing serves"
    raise Failed(
        f"automatic assignment is off: {what} and will not serve; {here}",
        hint="Turn it on again (deployment.resume), then promote the build (deployment.promote).",
        again=False,
    )


def refuse_overtaken(hosting: Hosting, build: Deployment) -> None:
    """Say at once that a newer build was given the users: this one will not serve any more."""
    serving = hosting.serving
    if (
        serving is None
        or serving.created <= build.created
        or is_commit(serving.commit, build.commit)
    ):
        return
    by = f" by {serving.by}" if serving.by else ""
    raise Failed(
        f"a newer deployment has overtaken {named(build)}: {named(serving)}{by} of "
        f"{serving.created:%H:%M:%S} UTC serves",
        hint="Find out whose it is; what serves is not what this run has checked.",
        again=False,
    )


def build_failed(deployments: Deployments, build: Deployment) -> Failed:
    """Return the error of a build that ended badly, with the end of its log."""
    try:
        lines = deployments.build_log(build.id)[-LOG_LINES:]
        tail = "\n".join(scrub_foreign(line) for line in lines)
    except (NotFound, Unavailable, Refused) as error:
        tail = f"(its log cannot be read: {error})"
    why = f": {scrub_foreign(build.error)}" if build.error else ""
    log = f"; its log ends:\n{tail}" if tail else "; it has no log"
    return Failed(
        f"{named(build)} ended as {build.stage}{why}{log}",
        hint="Correct the change; what served before still serves.",
        again=False,
    )


def _followed(seen: _Seen, waited: float) -> Followed:
    if seen.build is None or seen.word is None or seen.hosting is None:
        raise TypeError("followed without a build that serves")
    return Followed(
        id=seen.build.id,
        url=seen.build.url,
        commit=seen.build.commit,
        at=datetime.now(UTC),
        seconds=round(waited, 3),
        probes=len(seen.word.commits),
        app_says=seen.word.commits,
        automatic=seen.hosting.automatic,
        says=f"{named(seen.build)} serves after {waited:.0f} s; {seen.word.says}",
    )


def _not_within(seen: _Seen, commit: str, within: timedelta) -> Failed:
    says = seen.says(commit)
    if seen.word is not None:
        says = f"platform and app disagree: {says}"
    return Failed(
        f"{short(commit)} does not serve after {show_duration(within)}: {says}",
        hint="Look at the build on the platform; follow it longer with within=…",
    )
