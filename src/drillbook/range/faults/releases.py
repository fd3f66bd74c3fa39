"""Faults of the app itself: a bad change, merged and deployed to production past all gates."""

from contextlib import suppress
from functools import partial

from psycopg.errors import UndefinedColumn

from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers
from drillbook.range.faults.snapshot import HOSTING, deploy, remember, restore, serving, tip
from drillbook.range.history.changes import Change, change
from drillbook.range.repository import force, git

USERS, OPERATORS = Suffers.USERS, Suffers.OPERATORS
# Who suffers, by the name of the change; what it does is said where the change is.
CHANGES = {
    "release-throws": USERS,
    "release-slow": USERS,
    "release-unhealthy": OPERATORS,
    "release-constant-health": OPERATORS,
    "release-lacks-value": USERS,
    "release-renamed-value": USERS,
    "release-value-on-staging-only": USERS,
    "release-breaks-inserts": USERS,
    "release-lacks-migration": USERS,
    "release-does-not-build": OPERATORS,
    "release-red": OPERATORS,
    "release-leaks": OPERATORS,
    "release-leaks-connections": USERS,
    "release-cron": OPERATORS,
    "release-pays-in-transaction": OPERATORS,
}
NEVER_READY = ("release-does-not-build",)
DOWN = ".down.sql"


def _act(ground: Ground, wanted: Change) -> None:
    with ground.changing() as connection:
        for statements in wanted.migrations.values():
            connection.execute(statements.encode())
    commit = force(ground.cloud, wanted.name)
    deploy(ground.cloud, commit, succeeds=wanted.name not in NEVER_READY)


def _mend(ground: Ground, saved: Saved, wanted: Change) -> None:
    restore(ground.cloud, saved)
    downs = [file for file in wanted.patch.files if file.path.endswith(DOWN)]
    for file in reversed(downs):
        # Whoever was killed before the migration has nothing to take back.
        with ground.changing() as connection, suppress(UndefinedColumn):
            connection.execute("\n".join(file.hunks[0].after).encode())


def _holds(ground: Ground, wanted: Change) -> bool:
    """Look whether the change is on main, and whether what it became serves."""
    words = ("log", "-1", "--format=%s", "refs/heads/main")
    is_head = git(ground.cloud.repository, *words).strip() == wanted.subject
    if wanted.name in NEVER_READY:
        return is_head
    serves = serving(ground.cloud, "production")
    found = ground.cloud.documents("vercel").get("deployment", serves) or {}
    return is_head and found.get("commit") == tip(ground.cloud, "main")


def _fault(name: str, suffers: Suffers) -> Fault:
    wanted = change(name)
    return Fault(
        name=name,
        says=wanted.says,
        suffers=suffers,
        look=lambda ground: remember(ground.cloud),
        act=lambda ground, _: _act(ground, wanted),
        mend=partial(_mend, wanted=wanted),
        holds=partial(_holds, wanted=wanted),
        lies_on=HOSTING,
    )


FAULTS = tuple(_fault(name, suffers) for name, suffers in CHANGES.items())
