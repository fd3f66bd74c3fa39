"""The cases: every fault of the range, and what only looks like one."""

from drillbook.core.errors import NotFound
from drillbook.core.incident import CauseKind
from drillbook.drills.errors import controls
from drillbook.drills.errors.case import Accepted, Act, Case, nothing
from drillbook.drills.errors.cases_felt import FELT
from drillbook.drills.errors.cases_unfelt import UNFELT
from drillbook.drills.errors.naming import cause


def _control(
    name: str,
    says: str,
    act: Act,
    *may_be_named: Accepted,
    after: Act = nothing,
) -> Case:
    return Case(
        name=name,
        says=says,
        felt=False,
        causes=may_be_named,
        act=act,
        after=after,
        healthy=True,
    )


TRAFFIC = cause(CauseKind.TRAFFIC)
RESTARTED = cause(CauseKind.DATABASE)
SOURCES = cause(CauseKind.SOURCE, controls.SCANNER, controls.STRANGER, controls.BROKEN_CLIENT)
CONTROLS = (
    _control(
        "release-in-a-spike",
        "a release that changes nothing, in the minute in which eight times as many users come",
        controls.releases_in_a_spike,
        TRAFFIC,
    ),
    _control("more-users", "three or four times as many users", controls.many_come, TRAFFIC),
    _control("scanner", "a scanner asks for hundreds of pages that are not there", controls.scans,
             SOURCES),
    _control("noisy-job", "a job logs what it skips, as errors", controls.a_job_complains),
    _control(
        "one-failure-of-few",
        "a handful of users a minute, and one payment fails",
        controls.few_come_and_one_fails,
        after=controls.payments_are_well,
    ),
    _control("refactoring", "much code moved, nothing changed", controls.releases("refactoring")),
    _control("faster-query", "a query that is faster", controls.releases("faster-query")),
    _control(
        "harmless-migration",
        "a column that may be empty, applied first, and its release",
        controls.releases("safe-migration"),
        after=controls.takes_back("safe-migration"),
    ),
    _control("value-added", "a value that nothing reads yet", controls.gets_a_value),
    _control(
        "postgres-restart",
        "Postgres is restarted as planned, away for a second",
        controls.restarts_postgres,
        RESTARTED,
    ),
    _control(
        "app-restart",
        "the app's process ends once, and is started with the next request",
        controls.app_ends_once,
        cause(CauseKind.PROCESS),
    ),
    _control("bad-token", "one client asks with a token nobody gave", controls.has_a_bad_token,
             SOURCES),
    _control("wrong-passwords", "somebody guesses one customer's password",
             controls.forgets_the_password, SOURCES),
    _control("bad-requests", "a partner's program sends what cannot be read",
             controls.sends_nonsense, cause(CauseKind.SOURCE, controls.PARTNER)),
    _control("slow-report", "a report reads for half a minute and stands in nobody's way",
             controls.reports),
    _control(
        "page-tells",
        "a platform's page posts an incident of a part that nobody here uses",
        controls.page_tells,
        after=controls.page_is_quiet,
    ),
    _control("vacuum", "somebody tidies the tables up", controls.tidies_up),
)  # fmt: skip
CASES = (*FELT, *UNFELT, *CONTROLS)


def case_named(name: str) -> Case:
    """Return one case, or NotFound with the names there are."""
    for case in CASES:
        if case.name == name:
            return case
    known = ", ".join(case.name for case in CASES)
    raise NotFound(f"there is no case {name!r} in the drill of errors", hint=f"There are {known}.")
