"""Keep one source out before it reaches the app."""

import ipaddress
from datetime import timedelta

from drillbook.actions.app.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, OutcomeUnknown, Refused
from drillbook.core.model import Frozen
from drillbook.core.waiting import looks
from drillbook.ports.firewall import Blocked, Firewall

SHOWS_WITHIN = timedelta(seconds=5)
# Wider than this and half a provider's customers are behind it.
WIDEST = {4: 24, 6: 64}
BY = "Drillbook, task "
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SourceBlocked(Frozen):
    """A source that is kept out; `by_task` is False where somebody else had done it before."""

    address: str
    host: str
    by_task: bool
    says: str


class SourceBefore(Frozen):
    """Whether the source was kept out before the write."""

    address: str
    was_blocked: bool


@domain.write
def block_source(firewall: Firewall, effect: Effect, *, address: str) -> SourceBlocked:
    """Keep one address, or a small network, out of the app at its firewall."""
    network = _checked(address)
    there = _entry(firewall, network, effect)
    if there is not None:
        return _blocked(there, effect)
    effect.still_mine()
    try:
        firewall.block(_written(network), f"{BY}{effect.key}")
    except OutcomeUnknown as lost:
        for _ in looks(effect, SHOWS_WITHIN, "the firewall to show it"):
            if (there := _entry(firewall, network, effect)) is not None:
                return _blocked(there, effect)
        raise OutcomeUnknown(
            f"the answer to blocking {address} was lost, and the firewall does not show it: {lost}",
            hint="A look before the next attempt tells whether it came after all.",
        ) from lost
    for _ in looks(effect, SHOWS_WITHIN, "the firewall to show it"):
        if (there := _entry(firewall, network, effect)) is not None:
            return _blocked(there, effect)
    raise Failed(
        f"{address} was blocked, and the firewall does not show it",
        hint="Look at the project's firewall.",
    )


@block_source.looking
def look_blocked(firewall: Firewall, effect: Effect, *, address: str) -> SourceBlocked | None:
    """Tell whether the source is kept out, by whomever."""
    there = _entry(firewall, _checked(address), effect)
    return None if there is None else _blocked(there, effect)


def remember_source(firewall: Firewall, effect: Effect, *, address: str) -> SourceBefore:
    """Remember whether it is kept out already."""
    there = _entry(firewall, _checked(address), effect)
    return SourceBefore(address=address, was_blocked=there is not None)


@block_source.undone_by(remembering=remember_source)
def undo_block(
    before: SourceBefore, firewall: Firewall, effect: Effect, *, address: str
) -> SourceBefore:
    """Let the source in again where this task has kept it out."""
    network = _checked(address)
    mine = [one for one in _entries(firewall, network) if _is_ours(one, effect)]
    if mine:
        effect.still_mine()
    for entry in mine:
        firewall.unblock(entry.id)
    left = _entries(firewall, network)
    return SourceBefore(address=address, was_blocked=bool(left))


def _checked(address: str) -> Network:
    try:
        network = ipaddress.ip_network(address.strip(), strict=False)
    except ValueError as error:
        raise Refused(
            f"{address!r} is no IP address and no network",
            hint="Take it from the diagnosis; a name or a pseudonym cannot be blocked.",
            again=False,
        ) from error
    widest = WIDEST[network.version]
    if network.prefixlen < widest:
        raise Refused(
            f"{network} is wider than /{widest}: many who have done nothing are behind it",
            hint="Name the addresses themselves, or use app.shed.",
            again=False,
        )
    return network


def _written(network: Network) -> str:
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _entry(firewall: Firewall, network: Network, effect: Effect) -> Blocked | None:
    """Return the entry that keeps exactly this source out, ours before anybody's."""
    there = _entries(firewall, network)
    return next((one for one in there if _is_ours(one, effect)), there[0] if there else None)


def _entries(firewall: Firewall, network: Network) -> list[Blocked]:
    found = []
    for one in firewall.blocked():
        try:
            if ipaddress.ip_network(one.address, strict=False) == network:
                found.append(one)
        except ValueError:
            continue  # a country or an AS: not what an address is blocked by
    return found


def _is_ours(entry: Blocked, effect: Effect) -> bool:
    return entry.notes == f"{BY}{effect.key}"


def _blocked(entry: Blocked, effect: Effect) -> SourceBlocked:
    ours = _is_ours(entry, effect)
    how = "is kept out of" if ours else "was kept out before of"
    return SourceBlocked(
        address=entry.address,
        host=entry.host,
        by_task=ours,
        says=f"{entry.address} {how} {entry.host}; let it in again when it has stopped",
    )
