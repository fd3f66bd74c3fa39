"""The words of a policy level: `auto`, `confirm`, `2 approvals from dba, owner, valid 15m`."""

import re

from drillbook.core.policy import VALID_SECONDS, Consent, Needs
from drillbook.core.quantities import parse_duration

ALLOWED = 'write "auto", "confirm" or "2 approvals from dba, valid 30m"'
MOST_APPROVALS = 20
_APPROVALS = re.compile(
    r"(?P<number>\d{1,3}) approvals?"
    r"(?: from (?P<roles>[\w.-]+(?:(?:, ?| or )(?!valid )[\w.-]+)*))?"
    r"(?:,? valid (?P<valid>\S+))?"
)


def parse_level(text: str) -> Needs:
    """Return what a policy level asks for; ValueError says what is allowed."""
    words = " ".join(text.split())
    if words in (Consent.AUTO, Consent.CONFIRM):
        return Needs(consent=Consent(words))
    match = _APPROVALS.fullmatch(words)
    if match is None:
        raise ValueError(f"{text!r} is not a policy level: {ALLOWED}")
    number = int(match["number"])
    if not 1 <= number <= MOST_APPROVALS:
        raise ValueError(f"{number} approvals: write a number from 1 to {MOST_APPROVALS}")
    valid = match["valid"]
    return Needs(
        consent=Consent.APPROVALS,
        approvals=number,
        roles=tuple(re.split(r", ?| or ", match["roles"])) if match["roles"] else (),
        valid_seconds=parse_duration(valid).total_seconds() if valid else VALID_SECONDS,
    )
