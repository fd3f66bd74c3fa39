"""Proofs of what lies outside: a login, each dependency and each status page, really asked."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

from datetime import UTC, datetime, timedelta

from drillbook.core.errors import Failed
from drillbook.ports.auth_state import AuthState, LoginKind
from drillbook.ports.dependencies import Dependencies
from drillbook.ports.metrics import Metrics
from drillbook.ports.status_pages import StatusPages
from drillbook.stack.stack import Stack

LOOKED_BACK, STEP = timedelta(minutes=10), timedelta(seconds=15)


def auth(stack: Stack, name: str) -> str:
    """Sign in as the test user, or be refused as nobody: its health would be a constant."""
    section = stack.place(name).auth()
    seen = stack.port(name, AuthState).look()
    if seen is None or not seen.alive or seen.keys is None or seen.skewed:
        said = "nobody was asked" if seen is None else f"{seen.address}: {seen.says}"
        raise Failed(said, hint=f"Check url and key in [environments.{name}.auth].")
    if section.user is not None and seen.kind is LoginKind.REFUSED:
        raise Failed(
            f"{seen.address}: {seen.says}",
            hint=f"Correct user and password in [environments.{name}.auth].",
        )
    hint = "" if section.user else "; name a test user (user, password) to prove whole logins"
    return f"{seen.says}, {seen.keys} public keys{hint}"


def dependencies(stack: Stack, name: str) -> str:
    """Ask each dependency."""
    seen = stack.port(name, Dependencies).seen()
    if ill := [one for one in seen if not one.alive]:
        raise Failed(
            "; ".join(one.says for one in ill),
            hint=f"Check url, probe and token in [environments.{name}.dependencies.{ill[0].name}].",
        )
    return "; ".join(one.says for one in seen) or "none is named"


def status_pages(stack: Stack, name: str) -> str:
    """Read each status page; what it says is the platform's word, and no proof of anything."""
    pages = stack.port(name, StatusPages).pages()
    if silent := [page for page in pages if not page.answered]:
        raise Failed(
            "; ".join(page.problem for page in silent),
            hint=f"Correct url in [environments.{name}.status_pages.{silent[0].name}]; its page "
            "must be of Atlassian Statuspage's kind.",
        )
    return "; ".join(f"{page.name} {page.says}" for page in pages) or "none is named"


def metrics(stack: Stack, name: str) -> str:
    """Count by the metrics' counters: a query that selects nothing would be silent for ever."""
    end = datetime.now(UTC)
    found = stack.port(name, Metrics).counts(end - LOOKED_BACK, end, STEP)
    if found.silent:
        raise Failed(found.says, hint=f"Correct url and queries in [environments.{name}.metrics].")
    return f"{found.says}; {found.requests:g} requests, {found.errors:g} errors in 10 minutes"
