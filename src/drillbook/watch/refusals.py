"""
Who is refused (401, 403, 429): people counted once each, so that one client is no incident.

Refused is who is turned away more often than not, altogether or on one route: pages that anybody
may see say nothing of a login that nobody accepts.
"""

from collections.abc import Mapping

from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.watch.buckets import Bucket

# Somebody who is let in counts once a minute; who is refused, at most twice in five minutes.
LET_IN_BLOCKS = 60 // BLOCK_SECONDS
REFUSED_BLOCKS = 300 // BLOCK_SECONDS
MOST_REFUSED = 2
FEWEST = 3


def refused_people(buckets: Mapping[int, Bucket]) -> dict[int, Counts]:
    """Return of each bucket who asked and who of them was refused; unnamed ones by request."""
    if not has_names(buckets):
        return {
            block: Counts(bucket.unnamed[0] + _asked(bucket), bucket.unnamed[1] + _refused(bucket))
            for block, bucket in buckets.items()
            if bucket.requests
        }
    let_in: dict[str, int] = {}
    refused: dict[str, list[int]] = {}
    found: dict[int, Counts] = {}
    for block, bucket in buckets.items():
        trials = hits = 0
        for source in bucket.sources:
            if source in bucket.refused:
                counted = [at for at in refused.get(source, ()) if at > block - REFUSED_BLOCKS]
                is_new = len(counted) < MOST_REFUSED
                refused[source] = [*counted, block] if is_new else counted
                trials, hits = trials + is_new, hits + is_new
            elif let_in.get(source, block - LET_IN_BLOCKS) <= block - LET_IN_BLOCKS:
                let_in[source] = block
                trials += 1
        if trials:
            found[block] = Counts(trials, hits)
    return found


def has_names(buckets: Mapping[int, Bucket]) -> bool:
    """Whether the log tells who asked; behind a proxy all may seem to be one."""
    names: set[str] = set()
    for bucket in buckets.values():
        names.update(bucket.sources)
        if len(names) > 1:
            return True
    return False


def are_enough(buckets: Mapping[int, Bucket]) -> bool:
    """Whether more than one or two are refused, or half of the few that there are."""
    if not has_names(buckets):
        return True
    asked, refused = set[str](), set[str]()
    for bucket in buckets.values():
        asked.update(bucket.sources)
        refused |= bucket.refused
    return len(refused) >= min(FEWEST, max(2, len(asked) // 2))


def _asked(bucket: Bucket) -> int:
    return sum(asked for asked, _ in bucket.sources.values())


def _refused(bucket: Bucket) -> int:
    return sum(denied for _, denied in bucket.sources.values())
