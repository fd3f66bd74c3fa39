"""The cases: every fault of a deployment, and healthy releases that are to be left alone."""

from drillbook.core.errors import NotFound
from drillbook.drills.deployment.case import (
    BEGINNING,
    ON_STAGING,
    SHIPPED,
    UNTOUCHED,
    Case,
    Harm,
    Meddling,
    Right,
    Serves,
    refused,
    shipped,
    taken_back,
)
from drillbook.drills.deployment.meddling import (
    WRITES,
    fault,
    migrated_first,
    pushed_after_green,
    rolled_back_by_hand,
    weather,
    weather_for,
)
from drillbook.engine.outcome import State
from drillbook.range.twins.weather import Mode

MERGING, LIVE, GOING_BACK = "task.started 3.3", "task.done 3.4", "wayback.started"
WATCH, PROBE, FOLLOW = "deployment.watch", "deployment.probe", "deployment.follow"
ENV, PENDING, CHECKS = "deployment.env", "migration.has", "repository.checks"
TRIED = ("checks.run", "checks.exercise")
SWITCHING = r"/(promote|rollback)/"
MERGES = r"/(merges|merge)$"

FAULTS = (
    Case(
        "throws",
        "a release that throws for some customers",
        "release-throws",
        taken_back(Harm.FAILS, WATCH, PROBE, *TRIED),
    ),
    Case(
        "slow",
        "a release whose pages are slow",
        "release-slow",
        taken_back(Harm.SLOW, WATCH),
    ),
    Case(
        "fails-health",
        "a release whose health check fails",
        "release-unhealthy",
        refused(PROBE, "checks.run", merged=ON_STAGING),
    ),
    Case(
        "lacks-value",
        "a release that reads a value nobody has set",
        "release-lacks-value",
        refused(ENV),
    ),
    Case(
        "lacks-value-on-production",
        "a release that reads a value set for staging only",
        "release-value-on-staging-only",
        refused(ENV),
    ),
    Case(
        "bad-migration",
        "a release with a migration that breaks every booking, which its own book stops first",
        "release-breaks-inserts",
        refused(PENDING),
        before=(migrated_first,),
    ),
    Case(
        "lacks-migration",
        "a release that reads a column no migration makes",
        "release-lacks-migration",
        refused(PROBE, *TRIED, merged=ON_STAGING),
    ),
    Case(
        "never-ready",
        "a release whose build fails",
        "release-does-not-build",
        refused(FOLLOW, merged=ON_STAGING),
    ),
    Case(
        "ready-not-serving",
        "a build that is ready and is never given the users",
        "copy-text",
        Right(
            SHIPPED,
            Serves.GOOD,
            frozenset({State.PARTLY_TAKEN_BACK}),
            noticed_by=(FOLLOW,),
        ),
        during=(Meddling(MERGING, fault("alias")),),
    ),
    Case(
        "said-to-serve",
        "a build that the platform says serves, while users get the old one",
        "copy-text",
        taken_back(Harm.NONE, FOLLOW),
        during=(Meddling(MERGING, fault("edge")),),
    ),
    Case(
        "platform-fails",
        "the hosting's API fails while a bad release is to be taken back",
        "release-throws",
        taken_back(Harm.FAILS, WATCH, PROBE, *TRIED),
        during=(Meddling(GOING_BACK, weather_for(8, "vercel", Mode.FAILING, status=503)),),
    ),
    Case(
        "platform-slow",
        "the hosting's API takes three seconds for each answer",
        "release-throws",
        taken_back(Harm.FAILS, WATCH, PROBE, *TRIED),
        during=(Meddling(MERGING, weather("vercel", Mode.SLOW, seconds=3.0)),),
    ),
    Case(
        "platform-answers-twice",
        "what the platforms are asked for is carried out twice",
        "release-throws",
        taken_back(Harm.FAILS, WATCH, PROBE, *TRIED),
        during=(
            Meddling(BEGINNING, weather("vercel", Mode.TWICE, methods=WRITES)),
            Meddling(BEGINNING, weather("github", Mode.TWICE, methods=WRITES)),
        ),
    ),
    Case(
        "platform-loses-answers",
        "the first merge, the first switch and their answers that get lost",
        "release-throws",
        taken_back(Harm.FAILS, WATCH, PROBE, *TRIED),
        during=(
            Meddling(BEGINNING, weather("github", Mode.LOSING, methods=WRITES, path=MERGES)),
            Meddling(
                BEGINNING, weather("vercel", Mode.LOSING, methods=WRITES, path=SWITCHING, first=1)
            ),
        ),
    ),
    Case(
        "ci-red",
        "a change whose tests fail",
        "release-red",
        refused(CHECKS),
    ),
    Case(
        "ci-green-for-another-commit",
        "a change that is green, approved, and has one more commit that CI never saw",
        "copy-text",
        refused(CHECKS),
        before=(pushed_after_green,),
    ),
    Case(
        "not-reviewed",
        "a change that nobody has approved",
        "copy-text",
        refused("repository.reviewed"),
        reviewed=False,
    ),
    Case(
        "assignment-off",
        "somebody went back by hand, and automatic assignment is still off",
        "copy-text",
        Right(
            (),
            Serves.GOOD,
            UNTOUCHED,
            noticed_by=("deployment.automatic",),
            automatic=False,
        ),
        before=(rolled_back_by_hand,),
    ),
)
HEALTHY = (
    Case("kinder-words", "kinder words in one message", "copy-text", shipped()),
    Case(
        "in-a-spike",
        "a faster query, released while eight times as many users come",
        "faster-query",
        shipped(),
        traffic="spike",
        warm_requests=250,
    ),
    Case(
        "two-a-minute",
        "a new field, at two requests a minute",
        "optional-field",
        shipped(),
        traffic="low",
        warm_requests=0,
    ),
    Case("refactoring", "much code moved and nothing changed", "refactoring", shipped()),
    Case("new-value", "a value that is read for the first time, and set", "new-value", shipped()),
    Case(
        "with-migration",
        "a release whose migration was applied first, by its own book",
        "safe-migration",
        shipped(),
        before=(migrated_first,),
    ),
    Case("new-schedule", "another schedule of a background job", "release-cron", shipped()),
    Case(
        "platform-away-for-a-while",
        "a good release, and the hosting's API fails for ten seconds after its merge",
        "no-store",
        shipped(),
        during=(Meddling(MERGING, weather_for(10, "vercel", Mode.FAILING, status=500)),),
    ),
)
CASES = (*FAULTS, *HEALTHY)


def case_named(name: str) -> Case:
    """Return one case, or NotFound with the names there are."""
    for case in CASES:
        if case.name == name:
            return case
    known = ", ".join(case.name for case in CASES)
    raise NotFound(f"there is no case {name!r} in the drill", hint=f"There are {known}.")
