"""How often `errors.raised` cries wolf, and how soon it notices: simulated apps, looked at in time.

`python benchmarks/bench_signals.py [HOURS]` — hours of a healthy app at each rate and usual share
of errors, looked at after every block; then one outage for each kind, and the seconds until seen.
"""

import json
import sys
from random import Random
from statistics import median

from drillbook.analysis.raised import Raising, lasted
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.watch.routes import ROUTE_PART

RATES = (6, 60, 600)  # requests a minute
USUAL = (0.0, 0.002, 0.01, 0.05)
OUTAGES = ((0.0, 1.0), (0.002, 1.0), (0.002, 0.3), (0.002, 0.1), (0.01, 0.05))
WINDOW = 300 // BLOCK_SECONDS
TRIES = 20


def requests(
    chance: Random, rate: float, begin: float, end: float, bad: float
) -> list[tuple[float, bool]]:
    at, found = begin, []
    while (at := at + chance.expovariate(rate / 60)) < end:
        found.append((at, chance.random() < bad))
    return found


class App:
    def __init__(self, part: float = 1.0) -> None:
        self.blocks: dict[int, Counts] = {}
        self.hits: list[float] = []
        self.raising = Raising(part=part)

    def add(self, at: float, bad: bool) -> None:
        block = int(at // BLOCK_SECONDS)
        self.blocks[block] = self.blocks.get(block, Counts()) + Counts(1, int(bad))
        if bad:
            self.hits.append(at)
            del self.hits[:-200]

    def raised(self, now: float) -> tuple[bool, bool]:
        block = int(now // BLOCK_SECONDS)
        for old in [each for each in self.blocks if each < block - 400]:
            del self.blocks[old]
        found = self.raising.look(self.blocks, since=block - WINDOW)
        hits = [at for at in self.hits if found.since and at >= found.since * BLOCK_SECONDS]
        return found.is_strong, found.is_strong and found.goes_on and lasted(hits)


def alarms(rate: float, usual: float, hours: int, seed: int, part: float = 1.0) -> tuple[int, int]:
    """Return in how many hours it was raised, though nothing had changed: by evidence, in all."""
    chance, app = Random(seed), App(part)
    evidence, raised = set[int](), set[int]()
    newest = 0
    for at, bad in requests(chance, rate, 0, (hours + 1) * 3600, usual):
        if int(at // BLOCK_SECONDS) > newest and at > 3600:  # at the end of every ten seconds
            strong, alarm = app.raised(at)
            evidence |= {int(at // 3600)} if strong else set()
            raised |= {int(at // 3600)} if alarm else set()
        newest = int(at // BLOCK_SECONDS)
        app.add(at, bad)
    return len(evidence), len(raised)


def noticed(rate: float, usual: float, bad: float, seed: int, part: float = 1.0) -> float | None:
    """The seconds from the first failed request until it is raised, looked at every second."""
    chance, app, began = Random(seed), App(part), 3600 + Random(seed).uniform(0, 60)
    for at, failed in requests(chance, rate, 0, began, usual):
        app.add(at, failed)
    after, now, first = requests(chance, rate, began, began + 900, bad), began, None
    while now < began + 900:
        now += 1
        while after and after[0][0] <= now:
            at, failed = after.pop(0)
            app.add(at, failed)
            first = at if failed and first is None else first
        if first is not None and app.raised(now)[1]:
            return now - first
    return None


def main() -> None:
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    told: dict[str, object] = {"hours each": hours}
    whole = loud = cried = 0
    for rate in RATES:
        for usual in USUAL:
            at_most = hours if rate < 600 or usual == 0 else max(1, hours // 10)
            strong, alarm = alarms(rate, usual, at_most, seed=rate * 1000 + int(usual * 1000))
            whole, loud, cried = whole + at_most, loud + strong, cried + alarm
            print(
                f"healthy  {rate:4} a minute, {usual:6.1%} usual: "
                f"{alarm} of {at_most} hours with an alarm"
            )
    print(
        f"healthy  in all: {cried} of {whole} hours with an alarm ({cried / whole:.2%}; "
        f"by the evidence alone {loud / whole:.2%})"
    )
    told |= {"healthy hours": whole, "hours with an alarm": cried, "by evidence alone": loud}
    for rate in RATES:
        for usual, bad in OUTAGES:
            seconds = [noticed(rate, usual, bad, seed) for seed in range(TRIES)]
            seen = sorted(each for each in seconds if each is not None)
            mid = median(seen) if seen else None
            print(
                f"outage   {rate:4} a minute, {usual:.1%} to {bad:.0%}: "
                f"{len(seen)} of {TRIES} noticed, median {mid if mid is None else round(mid)} s"
            )
            told[f"{rate}/min {usual} to {bad}"] = {"noticed": len(seen), "median": mid}
    told |= of_routes(max(1, hours // 10))
    print(json.dumps(told))


def of_routes(hours: int) -> dict[str, object]:
    """Twenty routes of one app beside each other; then the one of a twentieth fails by half."""
    cried = loud = 0
    for route in range(20):
        rate, usual = 200 / (route + 1), USUAL[route % len(USUAL)]
        strong, alarm = alarms(rate, usual, hours, seed=route, part=ROUTE_PART)
        loud, cried = loud + strong, cried + alarm
    print(f"routes   20 at 10 to 200 a minute: {cried} alarms in {hours} hours (evidence {loud})")
    seconds = [noticed(40, 0.002, 0.5, seed, ROUTE_PART) for seed in range(TRIES)]
    seen = [each for each in seconds if each is not None]
    print(
        f"routes   one at 40 a minute, 0.2% to 50%: {len(seen)} of {TRIES} noticed, "
        f"median {median(seen) if seen else None} s"
    )
    return {"routes hours": hours, "routes alarms": cried, "routes noticed": len(seen)}


if __name__ == "__main__":
    main()
