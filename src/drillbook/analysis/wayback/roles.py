"""Roles belong to the server, not to a database: what makes them as they were."""

from collections.abc import Mapping

from drillbook.analysis.wayback.snapshot import Props
from drillbook.analysis.wayback.words import Underivable, literal

FLAGS = {
    "super": "SUPERUSER",
    "inherit": "INHERIT",
    "createrole": "CREATEROLE",
    "createdb": "CREATEDB",
    "login": "LOGIN",
    "replication": "REPLICATION",
    "bypass": "BYPASSRLS",
}


def change_roles(before: Mapping[str, Props], now: Mapping[str, Props]) -> list[str]:
    """Return the statements that drop new roles and change others back."""
    gone = sorted(before.keys() - now.keys())
    if gone:
        raise Underivable(f"the dropped role {gone[0]} and its password cannot be made again")
    said = []
    for name in sorted(before):
        said += _change(name, before[name], now[name])
    return [*said, *(f"DROP ROLE {name}" for name in sorted(now.keys() - before.keys()))]


def _change(name: str, was: Props, found: Props) -> list[str]:
    flags = [
        f"{'' if was[prop] else 'NO'}{word}"
        for prop, word in FLAGS.items()
        if was[prop] != found[prop]
    ]
    if was["limit"] != found["limit"]:
        flags.append(f"CONNECTION LIMIT {was['limit']}")
    if was["until"] != found["until"]:
        flags.append(f"VALID UNTIL {literal(was['until'] or 'infinity')}")
    said = [f"ALTER ROLE {name} {' '.join(flags)}"] if flags else []
    before, now = ({*(props["member_of"] or ())} for props in (was, found))
    said += [f"REVOKE {group} FROM {name}" for group in sorted(now - before)]
    said += [f"GRANT {group} TO {name}" for group in sorted(before - now)]
    return said + _settings(name, was["config"] or [], found["config"] or [])


def _settings(name: str, was: list[str], found: list[str]) -> list[str]:
    before, now = (dict(pair.split("=", 1) for pair in config) for config in (was, found))
    said = [f"ALTER ROLE {name} RESET {key}" for key in sorted(now.keys() - before.keys())]
    return said + [
        f"ALTER ROLE {name} SET {key} = {literal(value)}"
        for key, value in sorted(before.items())
        if now.get(key) != value
    ]
