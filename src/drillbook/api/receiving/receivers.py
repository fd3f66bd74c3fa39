"""What of the stack is received here: each source with its store and what lets its senders in."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from drillbook.api.receiving.gate import Pace
from drillbook.core.errors import NotFound
from drillbook.providers.kept import KeptLogs
from drillbook.stack.log_sources.building import kept_logs
from drillbook.stack.stack import Stack

OWN = "app"


@dataclass(frozen=True, slots=True)
class Receiver:
    """One source that senders fill; `token` and `secret` reveal what they must show."""

    environment: str
    name: str
    store: KeptLogs
    source: str
    token: Callable[[], str] | None
    secret: Callable[[], str] | None
    verify: str
    pace: Pace = field(default_factory=Pace)

    @property
    def key(self) -> str:
        """Its place in an address."""
        return f"{self.environment}/{self.name}"

    def lets_in(self, authorization: str) -> bool:
        """Tell whether a sender shows the token; everybody may where nothing at all is set."""
        if self.token is None:
            return self.secret is None  # a secret is Vercel's: who cannot sign is a stranger
        given = authorization.removeprefix("Bearer ").strip()
        return hmac.compare_digest(given.encode(), self.token().encode())


def receivers_of(stack: Stack, *, lines_a_second: float) -> tuple[Receiver, ...]:
    """Return all received sources of a stack; NotFound where it names none."""
    found = []
    for environment, section in stack.file.environments.items():
        place = stack.place(environment)
        for name, source in section.logs.sources.items() if section.logs else ():
            if source.provider != "received":
                continue
            found.append(
                Receiver(
                    environment=environment,
                    name=name,
                    store=kept_logs(place, name),
                    source=source.source or OWN,
                    token=None if source.token is None else place.secret(source.token),
                    secret=None if source.secret is None else place.secret(source.secret),
                    verify=source.verify or "",
                    pace=Pace(lines_a_second),
                )
            )
    if not found:
        raise NotFound(
            f"{stack.says} names no logs that are received",
            hint='Add [environments.production.logs.sent] with provider = "received".',
        )
    return tuple(found)
