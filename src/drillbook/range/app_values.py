"""What an environment's app reads from its environment, and what follows when a part moved."""

import json
import re

from drillbook.local.private_file import write_private
from drillbook.range.cloud import Cloud
from drillbook.range.environment import APP_URL, Environment
from drillbook.range.hosting.app_process import ENVIRONMENT, AppProcess
from drillbook.range.twins.vercel.values import get_values, set_values

PLACES = ("DATABASE_URL", "VALKEY_URL", "AUTH_URL", "AUTH_JWKS_URL", "PAYMENTS_URL")
VALUES = "values"
PORT = re.compile(r"(?<=127\.0\.0\.1):\d+")


def values_of(cloud: Cloud, environment: Environment) -> dict[str, str]:
    """Return what an environment's app reads from its environment."""
    name, auth = environment.name, cloud.url(f"auth-{environment.name}")
    values = {
        "DATABASE_URL": (environment.folder / APP_URL).read_text(encoding="utf-8"),
        "VALKEY_URL": environment.valkey.url,
        "AUTH_URL": auth,
        "AUTH_JWKS_URL": f"{auth}/.well-known/jwks.json",
        "PAYMENTS_URL": cloud.url("payments"),
        "PAYMENTS_KEY": cloud.token("payments"),
        "CRON_SECRET": cloud.token(f"cron-{name}"),
        "SUPPORT_EMAIL": "support@booking.example",
        "LOG_FILE": str(environment.log),
    }
    return values if name == "production" else values | {"INVOICE_PREFIX": "TEST"}


def follow(cloud: Cloud, environment: Environment) -> tuple[str, ...]:
    """Let values, and the builds that hold them, follow parts whose port was taken by another."""
    before, now = get_values(cloud, environment.name), values_of(cloud, environment)
    _keep(environment, now)
    # What somebody has set otherwise, or taken away, is left alone: only ports move.
    moved = {key: (before[key], now[key]) for key in PLACES if _moved(before.get(key), now[key])}
    if moved:
        _set(cloud, environment.name, {key: new for key, (_, new) in moved.items()})
    for folder in cloud.deployments.glob("dpl_*") if moved else ():
        file = folder / ENVIRONMENT
        given = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        holds = {key: new for key, (old, new) in moved.items() if given.get(key) == old}
        if holds:
            write_private(file, json.dumps(given | holds))
            AppProcess(folder).stop()  # the next request starts it with what is right now
    return tuple(moved)


def _keep(environment: Environment, values: dict[str, str]) -> None:
    """Write down what the values are to hold, as a team keeps them apart from its hosting."""
    folder = environment.folder / VALUES
    folder.mkdir(exist_ok=True, mode=0o700)
    for key, value in values.items():
        write_private(folder / key, value)


def _moved(before: str | None, now: str) -> bool:
    """Tell whether two addresses differ in nothing but the port."""
    return before is not None and before != now and PORT.sub("", before) == PORT.sub("", now)


def _set(cloud: Cloud, environment: str, values: dict[str, str]) -> None:
    documents = cloud.documents("vercel")
    changed = {each["id"]: each["updatedAt"] for each in documents.all("value")}
    set_values(cloud, environment, values)
    # Nobody has changed a value: going back to an older build is as safe as it was.
    with documents.locked():
        for each in documents.all("value"):
            documents.put("value", each["id"], each | {"updatedAt": changed[each["id"]]})
