"""
What each route came to: the busiest by themselves, the rest together, settled for a minute.

A route that a twentieth of all requests take may fail for everybody while the whole looks well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from drillbook.analysis.culprit.requests import folded
from drillbook.analysis.raised import Raised, Raising, lasted
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.watch.buckets import Bucket
from drillbook.watch.tallies import Tally, Timed

MOST_ROUTES = 20
REST = "other routes"
SETTLED_BLOCKS = 60 // BLOCK_SECONDS
FEW_NAMES = 3
# Of the false alarms a signal may give, half are for the whole and half for all routes together.
WHOLE_PART = 0.5
ROUTE_PART = (1 - WHOLE_PART) / (MOST_ROUTES + 1)


@dataclass
class Routes:
    """The tallies of each route; only buckets that were read anew are counted anew."""

    tallies: dict[str, dict[int, Tally]] = field(default_factory=dict[str, dict[int, Tally]])
    counts: dict[str, dict[int, Counts]] = field(default_factory=dict[str, dict[int, Counts]])
    timed: dict[str, dict[int, Timed]] = field(default_factory=dict[str, dict[int, Timed]])
    _route: dict[str, str] = field(default_factory=dict[str, str])
    _seen: dict[int, Bucket] = field(default_factory=dict[int, Bucket])
    _settled: int | None = None

    def take(self, buckets: Mapping[int, Bucket], now: int) -> None:
        """Take in what the buckets say at a look."""
        if self._settled is None or now - self._settled >= SETTLED_BLOCKS:
            self._settle(buckets)
            self._settled = now
        for block in [each for each in self._seen if buckets.get(each) is not self._seen[each]]:
            del self._seen[block]
            for name in self.tallies:
                self.tallies[name].pop(block, None)
                self.counts[name].pop(block, None)
                self.timed[name].pop(block, None)
        for block, bucket in buckets.items():
            if block not in self._seen:
                self._count(block, bucket)

    def _settle(self, buckets: Mapping[int, Bucket]) -> None:
        total = Counter[str]()
        for bucket in buckets.values():
            for raw, tally in bucket.routes.items():
                total[raw] += tally.requests
        whole = folded(total)
        busy = Counter[str]()
        for raw, requests in total.items():
            busy[whole[raw]] += requests
        chosen = {name for name, _ in busy.most_common(MOST_ROUTES)}
        route = {raw: name for raw, name in whole.items() if name in chosen}
        if route != self._route:
            self._route = route
            self._seen, self.tallies, self.counts, self.timed = {}, {}, {}, {}

    def _count(self, block: int, bucket: Bucket) -> None:
        self._seen[block] = bucket
        joined: dict[str, Tally] = {}
        for raw, tally in bucket.routes.items():
            joined.setdefault(self._route.get(raw, REST), Tally()).join(tally)
        for name, tally in joined.items():
            self.tallies.setdefault(name, {})[block] = tally
            self.counts.setdefault(name, {})[block] = tally.counts
            self.timed.setdefault(name, {})[block] = tally.timed


@dataclass
class RouteErrors:
    """One stream of errors for each route, each against its own time before."""

    _streams: dict[str, Raising] = field(default_factory=dict[str, Raising])

    def look(self, routes: Routes, bad: set[int], since: int) -> tuple[str, Raised] | None:
        """Return the route whose errors are raised most surely; None where none are."""
        for name in [name for name in self._streams if name not in routes.counts]:
            del self._streams[name]
        best: tuple[str, Raised] | None = None
        for name, counts in routes.counts.items():
            stream = self._streams.setdefault(name, Raising(part=ROUTE_PART))
            stream.leave_out(bad)
            if not any(each.hits for block, each in counts.items() if block >= since):
                continue
            found = stream.look(counts, since=since)
            least = best[1].log_evidence if best else -inf
            if found.log_evidence > least and _is_felt(found, routes.tallies[name]):
                best = name, found
        return best


def _is_felt(found: Raised, tallies: Mapping[int, Tally]) -> bool:
    if found.since is None or not found.is_strong or not found.goes_on:
        return False
    after = [tallies[block] for block in sorted(tallies) if block >= found.since]
    names = set[str]().union(*(each.names for each in after))
    failing = set[str]().union(*(each.failing for each in after))
    one_client = len(failing) == 1 and len(names) >= FEW_NAMES
    return lasted([at for each in after for at in each.hits]) and not one_client
