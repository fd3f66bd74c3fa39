"""The range's stack.toml: written once, then only its addresses are kept right."""

import re
from collections.abc import Iterator
from pathlib import Path

from drillbook.range.cloud import ENVIRONMENTS, SHAPES, Cloud
from drillbook.range.twins.status.incidents import PAGES

STACK = "stack.toml"
TEMPLATE = Path(__file__).with_name(STACK)
# What the stack file of a range from before physical backups says, and what it says now.
OLD_BACKUPS = '[environments.production.backups]\nfolder = "backups"\n'
NEW_BACKUPS = (
    OLD_BACKUPS + 'rpo = "24h"\nreplication = "file:production/replication.url"\n'
    'wal_archive = "production/wal"\nscratch = "scratch"\n'
)


def write_stack(cloud: Cloud) -> None:
    """Write the file unless it is there, and put the present addresses into it."""
    path = cloud.range / STACK
    text = (path if path.exists() else TEMPLATE).read_text(encoding="utf-8")
    if "wal_archive" not in text:
        text = text.replace(OLD_BACKUPS, NEW_BACKUPS)
    # Ports are kept from start to start, but another program may have taken one.
    for section, key, url in _addresses(cloud):
        place = rf"(\[environments\.{section}\][^\[]*?\n{key} = \")http://127\.0\.0\.1:(?:\d+|\{{.*?\}})"
        text = re.sub(place, lambda found, now=url: found[1] + now, text)  # type: ignore[misc]  # mypy cannot infer a lambda's default
    for name in (*SHAPES, "payments"):  # the file names theirs
        cloud.token(name)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _addresses(cloud: Cloud) -> Iterator[tuple[str, str, str]]:
    for name in ENVIRONMENTS:
        yield f"{name}.app", "url", cloud.app_url(name)
        yield f"{name}.app", "api", cloud.url("vercel")
        yield f"{name}.repository", "api", cloud.url("github")
        yield f"{name}.database", "api", cloud.url("supabase")
        yield f"{name}.auth", "url", cloud.url(f"auth-{name}")
        yield f"{name}.auth", "api", cloud.url("supabase")
        yield f"{name}.dependencies.payments", "url", cloud.url("payments")
        for page in PAGES:
            yield f"{name}.status_pages.{page}", "url", cloud.url("status")
