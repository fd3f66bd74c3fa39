"""Which writes each right fix may make; whatever else is different afterwards is a wrong one."""

import json
import tomllib
from collections.abc import Callable, Iterable
from typing import Any

from drillbook.core.incident import FixKind
from drillbook.drills.errors.case import Case, Facts
from drillbook.drills.errors.world import (
    DATABASE,
    HOSTING,
    LIMITER,
    MADE,
    PLATFORM,
    REMOVED,
    REPOSITORY,
    SESSION,
    Written,
)
from drillbook.range.environment import APP_LOGIN
from drillbook.range.stack_file import STACK

OWN_SCHEMA = "drillbook"
PRODUCTION = f"production {DATABASE}"
NOTED_BACK = ("project autoAssignCustomDomains", "project lastRollbackTarget")
COUNTS, ENDLESS = "booking:limit:", "-1"


def wrong_writes(case: Case, facts: Facts, written: Iterable[Written]) -> tuple[Written, ...]:
    """Return what was written and belongs to no fix that is right in this case."""
    kinds = [remedy.kind for remedy in case.remedies]
    return tuple(each for each in written if not any(_may(kind, each, facts) for kind in kinds))


def _may(kind: FixKind, each: Written, facts: Facts) -> bool:
    redeploys = (FixKind.REDEPLOY, FixKind.RESTORE_VALUE, FixKind.SWITCH_OFF)
    if kind in redeploys and _of_redeploying(each, facts):
        return True
    return kind in ALLOWED and ALLOWED[kind](each, facts)


def _of_going_back(each: Written, facts: Facts) -> bool:
    """Allow the way to the build from before, its reminder, and the way back from it."""
    if each.part == REPOSITORY:
        return each.what.startswith("issue ") and each.how == MADE
    if each.part != HOSTING:
        return False
    if each.what.startswith("switch "):
        said = json.loads(each.after or "{}")
        ways = {"rollback": facts.served, "promote": facts.serves}
        aims_right = ways.get(said["type"]) == str(said["toDeploymentId"])
        return said["environment"] == "production" and aims_right
    return each.what in NOTED_BACK or (
        each.what == "users of production" and each.after == facts.served
    )


def _of_redeploying(each: Written, facts: Facts) -> bool:
    """Allow builds of the commit that serves, and that users are given them."""
    if each.part != HOSTING:
        return False
    builds = _builds(facts)
    if each.what.startswith("build "):
        said = json.loads(each.after or "{}")
        return each.how == MADE and str(said["commit"]) == builds.get(facts.serves)
    if each.what.startswith("switch "):
        said = json.loads(each.after or "{}")
        return said["environment"] == "production" and str(said["type"]) in ("assign", "promote")
    return each.what == "users of production"


def _of_taking_back(each: Written, facts: Facts) -> bool:
    """Allow that the database is again as before the migration, and Drillbook's own notes."""
    if each.part != PRODUCTION:
        return False
    now = None if each.how == REMOVED else each.after
    return OWN_SCHEMA in each.what or now == facts.before.of(PRODUCTION, each.what)


def _of_restoring(each: Written, facts: Facts) -> bool:
    """Allow that a value is again what it was before the case."""
    is_value = each.part == HOSTING and each.what.startswith("value ")
    was = facts.before.of(HOSTING, each.what) or ""
    return is_value and each.after.partition(" ")[0] == was.partition(" ")[0]


def _of_clearing(each: Written, facts: Facts) -> bool:
    """Allow that counts without an end go, and that they are kept aside under another name."""
    if each.part != LIMITER:
        return False
    if each.how == MADE:
        return not each.what.startswith(COUNTS)
    # One that was there before, with an end, is made anew by the next request of its owner.
    return each.before == ENDLESS and facts.before.of(LIMITER, each.what) != ENDLESS


def _of_switching_off(each: Written, facts: Facts) -> bool:
    """Allow the values that the stack names as switches of its dependencies."""
    if each.part != HOSTING or not each.what.startswith("value "):
        return False
    name = each.what.split()[1]
    return name in switches_of(facts) and "(production)" in each.what


def switches_of(facts: Facts) -> set[str]:
    """Return the values by which the stack's owner lets dependencies be switched off."""
    said = tomllib.loads((facts.cloud.range / STACK).read_text(encoding="utf-8"))
    production: dict[str, Any] = said["environments"]["production"]  # Any: TOML
    sections = [*production.get("dependencies", {}).values(), production.get("limits", {})]
    return {str(each["switch"]) for each in sections if each.get("switch")}


def _of_ending_sessions(each: Written, facts: Facts) -> bool:
    return each.part == SESSION and int(each.what) in facts.holders


def _of_raising_connections(each: Written, _: Facts) -> bool:
    names = (f"role {APP_LOGIN}", "setting max_connections")
    return each.part == PRODUCTION and each.what in names


def _of_restarting(each: Written, _: Facts) -> bool:
    is_noted = each.part == PLATFORM and each.what.startswith("project status ")
    return is_noted or (each.part == PRODUCTION and each.what == "server started")


def _of_the_firewall(each: Written, _: Facts) -> bool:
    return each.part == HOSTING and each.what.startswith(("firewall", "project security"))


def _builds(facts: Facts) -> dict[str, str]:
    documents = facts.cloud.documents("vercel").all("deployment")
    return {each["id"]: str(each["commit"]) for each in documents}


ALLOWED: dict[FixKind, Callable[[Written, Facts], bool]] = {
    FixKind.ROLL_BACK: _of_going_back,
    FixKind.TAKE_BACK_MIGRATION: _of_taking_back,
    FixKind.END_SESSIONS: _of_ending_sessions,
    FixKind.RAISE_CONNECTIONS: _of_raising_connections,
    FixKind.RESTART_DATABASE: _of_restarting,
    FixKind.RESTORE_VALUE: _of_restoring,
    FixKind.CLEAR_LIMIT: _of_clearing,
    FixKind.SWITCH_OFF: _of_switching_off,
    FixKind.BLOCK_SOURCE: _of_the_firewall,
    FixKind.SHED: _of_the_firewall,
}
