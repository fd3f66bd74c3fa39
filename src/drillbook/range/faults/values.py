"""Faults of environment values and of what they open: missing, changed, rotated, too strict."""

import secrets
from collections.abc import Callable
from urllib.parse import quote

import psycopg
from psycopg import sql

from drillbook.range.environment import APP_LOGIN, APP_URL
from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers
from drillbook.range.faults.snapshot import HOSTING, redeploy, remember, restore
from drillbook.range.twins.vercel.values import get_values, set_values

Changed = Callable[[Ground], dict[str, str | None]]
NOBODY_LISTENS = "http://127.0.0.1:9"
PASSWORD = "app.password"  # noqa: S105 - the name of its file


def _deploy(ground: Ground, changed: Changed) -> None:
    set_values(ground.cloud, ground.name, changed(ground))
    redeploy(ground.cloud)


def _of_value(name: str, says: str, changed: Changed) -> Fault:
    return Fault(
        name=name,
        says=says,
        suffers=Suffers.USERS,
        look=lambda ground: remember(ground.cloud),
        act=lambda ground, _: _deploy(ground, changed),
        mend=lambda ground, saved: restore(ground.cloud, saved),
        holds=lambda ground: _differs(ground, changed),
        lies_on=HOSTING,
    )


def _differs(ground: Ground, changed: Changed) -> bool:
    """Look whether what a build would be given now is what the fault wants."""
    now = get_values(ground.cloud, ground.name)
    return all(now.get(key) == value for key, value in changed(ground).items())


def _look_at_password(ground: Ground) -> Saved:
    return remember(ground.cloud) | {"new": secrets.token_urlsafe(24)}


def _set_password(ground: Ground, password: str) -> None:
    """Give the app's login this password, and end the sessions of the old one."""
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
        sql.Identifier(APP_LOGIN), sql.Literal(password)
    )
    with ground.changing() as connection:
        connection.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        connection.execute(statement)
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
        connection.execute(ending, (APP_LOGIN,))


def _rotate(ground: Ground, saved: Saved) -> None:
    _set_password(ground, saved["new"])


def _rotate_and_deploy(ground: Ground, saved: Saved) -> None:
    _rotate(ground, saved)
    folder = ground.environment.folder
    url, old = ((folder / name).read_text(encoding="utf-8") for name in (APP_URL, PASSWORD))
    new = url.replace(quote(old), quote(saved["new"]))
    set_values(ground.cloud, ground.name, {"DATABASE_URL": new})
    redeploy(ground.cloud)


def _rotate_back(ground: Ground, saved: Saved) -> None:
    old = (ground.environment.folder / PASSWORD).read_text(encoding="utf-8")
    _set_password(ground, old)
    restore(ground.cloud, saved)


def _is_rotated(ground: Ground) -> bool:
    """Look whether the password of the value is refused."""
    old = (ground.environment.folder / APP_URL).read_text(encoding="utf-8")
    try:
        psycopg.connect(old).close()
    except psycopg.OperationalError:
        return True
    return False


FAULTS = (
    _of_value(
        "value-missing",
        "PAYMENTS_KEY was removed, and production was deployed without it",
        lambda _: {"PAYMENTS_KEY": None},
    ),
    _of_value(
        "value-changed",
        "AUTH_URL names an address where nobody listens, in the release that serves",
        lambda _: {"AUTH_URL": NOBODY_LISTENS},
    ),
    _of_value(
        "limit-too-strict",
        "a customer may send 3 requests a minute, in the release that serves",
        lambda _: {"RATE_LIMIT_PER_MINUTE": "3"},
    ),
    Fault(
        name="password-rotated",
        says="the database password was changed, and the release that serves has the old one",
        suffers=Suffers.USERS,
        look=_look_at_password,
        act=_rotate,
        mend=_rotate_back,
        holds=_is_rotated,
        lies_on=HOSTING,
    ),
    Fault(
        name="value-rotated",
        says="the database password was changed with its value: all works, no older release would",
        suffers=Suffers.OPERATORS,
        look=_look_at_password,
        act=_rotate_and_deploy,
        mend=_rotate_back,
        holds=_is_rotated,
        lies_on=HOSTING,
    ),
)
