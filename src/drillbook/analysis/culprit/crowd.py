"""Whether it is only how many come, or one who comes."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from drillbook.analysis.culprit.requests import shares
from drillbook.analysis.culprit.scene import Badness, Scene, Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.weighing import Case, person
from drillbook.core.incident import Cause, CauseKind, Fix, FixKind

MANY_TIMES = 3.0
MOST_OF_ALL = 0.5
ENOUGH = 50
MANY_FAIL = 0.2
A_FEW_USERS = 3
# Ours, or a proxy's: all who come through it would be shut out. Who has no address has a pseudonym.
NOBODYS = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                     "169.254.0.0/16", "fc00::/7", "fe80::/10"))
)  # fmt: skip
OVERLOAD = (
    Symptom.POOL,
    Symptom.DATABASE_FULL,
    Symptom.LIMITED,
    Symptom.NO_ANSWER,
    Symptom.DATABASE_LONG,
    Symptom.MEMORY,
)


def crowd_cases(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    """Yield a crowd that is too large, and one source that sends most of what comes."""
    ratio = trouble.rate_ratio
    if ratio >= MANY_TIMES and len(trouble.since) >= ENOUGH:
        yield _crowd(trouble, ratio)
    yield from _source(trouble)


def _crowd(trouble: Trouble, ratio: float) -> Case:
    users = shares("who", trouble.bad, trouble.since)
    case = Case(
        Cause(
            kind=CauseKind.TRAFFIC,
            subject="traffic",
            says=f"{ratio:.1f} times as many requests come as before",
        ),
        _shedding(trouble),
    )
    case.add(f"{ratio:.1f} times as many requests a second as before", 3.0, "log")
    case.add(f"{len(users.every)} users or addresses come", 0.5, "log")
    case.fits(trouble, 3.0, 1.0 if trouble.has(Badness.SLOW) else -3.0, *OVERLOAD)
    return case


def _shedding(trouble: Trouble) -> Fix:
    """Turn users away only where many get no answer anyway: who waits is better off than they."""
    bad = len(trouble.bad) / len(trouble.since) if trouble.since else 0.0
    if trouble.kinds[0] is Badness.SLOW or bad < MANY_FAIL:
        return person("many users come and are answered, if slowly: give the app more room")
    return Fix(
        kind=FixKind.SHED,
        says="turn a part of the visitors away",
        harm="some users are refused",
    )


def _source(trouble: Trouble) -> Iterator[Case]:
    every = shares("address", trouble.bad, trouble.since)
    before = shares("address", trouble.before_bad, trouble.before)
    whole = sum(every.every.values())
    if whole < ENOUGH or trouble.rate_ratio < MANY_TIMES / 2:
        return
    top, count = every.every.most_common(1)[0]
    share = count / whole
    earlier = before.every[top] / max(1, sum(before.every.values()))
    if share < MOST_OF_ALL or earlier > share / 2:
        return
    case = Case(
        Cause(
            kind=CauseKind.SOURCE, subject=top, says=f"{share:.0%} of all requests come from {top}"
        ),
        _blocking(top, trouble),
    )
    case.add(f"{top} sends {share:.0%} of all requests, {earlier:.0%} before", 4.0, "log")
    case.fits(trouble, 3.0, -2.0, *OVERLOAD)
    yield case


def _blocking(top: str, trouble: Trouble) -> Fix:
    """Shut out one address that is one sender's; not a proxy, and not a house full of users."""
    try:
        address = ip_address(top)
    except ValueError:
        return person(f"find out who {top} is: what is no address cannot be blocked")
    if any(address in network for network in NOBODYS):
        return person(
            f"{top} is an address of your own network, such as a proxy: see who is behind"
        )
    users = {one.user for one in trouble.since if one.address == top and one.user}
    if len(users) > A_FEW_USERS:
        return person(f"{len(users)} users are behind {top}: blocking it would shut them all out")
    return Fix(
        kind=FixKind.BLOCK_SOURCE,
        says=f"block {top}",
        harm="whoever comes from there is refused",
        source=top,
    )
