"""Who must say yes before a write, and what the plan knows of the stack."""

import unicodedata
from enum import StrEnum

from drillbook.core.model import Frozen, Risk

VALID_SECONDS = 1800.0


class Consent(StrEnum):
    """The three levels of a policy, weakest first."""

    AUTO = "auto"
    CONFIRM = "confirm"
    APPROVALS = "approvals"


class Needs(Frozen):
    """What must be given before a task acts; approvals never come from the requester."""

    consent: Consent = Consent.AUTO
    approvals: int = 0
    roles: tuple[str, ...] = ()
    valid_seconds: float = VALID_SECONDS

    def says(self) -> str:
        """Return the need in words: `2 approvals from dba or owner, valid 30 min`."""
        if self.consent is Consent.AUTO:
            return "nobody has to say yes"
        if self.consent is Consent.CONFIRM:
            return "a yes of the requester, who types the target's name"
        plural = "s" if self.approvals > 1 else ""
        whom = f" from {' or '.join(self.roles)}" if self.roles else ""
        return f"{self.approvals} approval{plural}{whom}, valid {self.valid_seconds / 60:g} min"

    def joined(self, other: "Needs") -> "Needs":
        """Return what satisfies both: a file can only ask for more than the policy."""
        order = list(Consent)
        consent = max(self.consent, other.consent, key=order.index)
        both = tuple(r for r in self.roles if r in other.roles)
        return Needs(
            consent=consent,
            approvals=max(self.approvals, other.approvals),
            roles=both or self.roles or other.roles,
            valid_seconds=min(self.valid_seconds, other.valid_seconds),
        )


class EnvironmentFacts(Frozen):
    """One environment as the plan names it: no secret values, a digest of its settings."""

    name: str
    digest: str
    systems: dict[str, str]


class StackFacts(Frozen):
    """The stack as the compiler needs it."""

    environments: dict[str, EnvironmentFacts] = {}
    policy: dict[str, dict[Risk, Needs]] = {}
    roles: dict[str, tuple[str, ...]] = {}
    port_systems: dict[str, tuple[str, ...]] = {}

    def lacking(self, environment: str, ports: tuple[type, ...]) -> tuple[str, ...]:
        """
        Return the systems that ports need and the environment does not have.

        `app` is any app, `app from vercel` one of that provider.
        """
        systems = self.environments[environment].systems
        here = {*systems, *(f"{system} from {provider}" for system, provider in systems.items())}
        needed = (system for port in ports for system in self.port_systems.get(port.__name__, ()))
        return tuple(dict.fromkeys(system for system in needed if system not in here))

    def needs(self, environment: str, risk: Risk) -> Needs:
        """Return what the policy asks before an act of this risk in this environment."""
        if risk is Risk.READ:
            return Needs()
        given = self.policy.get(environment, {}).get(risk)
        if given is not None:
            return given
        return Needs(consent=Consent.CONFIRM if environment == "production" else Consent.AUTO)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however written: `Ana` is `ana`, accents composed."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
