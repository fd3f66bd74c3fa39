"""How often signals cry wolf, and how soon they notice: simulated apps, looked at in time.

`python benchmarks/bench_signals.py [TIMES]` — hours of a healthy app at each rate and usual share
of errors, looked at after every block; then outages of each kind, and the seconds until seen. For
`latency.raised` and `refusals.raised` the same from log lines (`signals_of_logs`). It ends with 1
when more hours than promised have an alarm, or an outage of all is missed. TIMES makes it longer.
"""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from random import Random
from statistics import median
from typing import cast

from benchmarks import signals_of_logs as logs
from drillbook.analysis.error_rate import binomial_tail
from drillbook.analysis.raised import Raising, lasted
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.watch.routes import ROUTE_PART

RATES = (6, 60, 600)  # requests a minute
USUAL = (0.0, 0.002, 0.01, 0.05)
OUTAGES = ((0.0, 1.0), (0.002, 1.0), (0.002, 0.3), (0.002, 0.1), (0.01, 0.05))
WINDOW = 300 // BLOCK_SECONDS
TRIES, TRIES_OF_LOGS = 10, 4
HOURS = {6: 12, 60: 5, 600: 2}
HOURS_OF_LOGS = {6: 6, 60: 4, 600: 1}
ROUTES_HOURS = 2
# Of a hundred hours one may have an alarm; chance allows a few more in as few as these.
PROMISED, CHANCE = 0.01, 0.01
ALL_FAIL = 1.0


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


def begin(pool: ProcessPoolExecutor, times: int) -> dict[tuple[object, ...], Future[object]]:
    """Begin all, what takes longest first."""
    jobs: dict[tuple[object, ...], tuple[object, ...]] = {}
    for rate in reversed(RATES):
        for usual in reversed(USUAL):
            seed = rate * 1000 + int(usual * 1000)
            jobs["healthy", rate, usual] = (alarms, rate, usual, times * HOURS[rate], seed)
        for hour in range(times * HOURS_OF_LOGS[rate]):
            jobs["logs", rate, hour] = (logs.alarms, rate, 1, rate + hour)
        for usual, bad in OUTAGES:
            jobs["outage", rate, usual, bad] = (all_noticed, rate, usual, bad, 1.0)
        for outage in logs.OUTAGES:
            jobs["outage of logs", rate, outage] = (all_noticed_of_logs, rate, outage)
    for route in range(20):
        usual = USUAL[route % len(USUAL)]
        jobs["routes", route] = (
            alarms,
            200 / (route + 1),
            usual,
            times * ROUTES_HOURS,
            route,
            ROUTE_PART,
        )
    jobs["route",] = (all_noticed, 40, 0.002, 0.5, ROUTE_PART)
    return {name: pool.submit(*job) for name, job in jobs.items()}  # type: ignore[arg-type]  # each with its own arguments


def all_noticed(rate: float, usual: float, bad: float, part: float) -> list[float | None]:
    return [noticed(rate, usual, bad, seed, part) for seed in range(TRIES)]


def all_noticed_of_logs(rate: float, outage: str) -> list[float | None]:
    return [logs.noticed(rate, outage, seed) for seed in range(TRIES_OF_LOGS)]


def seen(seconds: Sequence[float | None]) -> str:
    found = [each for each in seconds if each is not None]
    after = f"median {median(found):.0f} s, latest {max(found):.0f} s" if found else "-"
    return f"{len(found)} of {len(seconds)} noticed, {after}"


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        begun = begin(pool, times)
        told = {name: job.result() for name, job in begun.items()}
    cried = {"errors": healthy(told, times), **healthy_of_logs(told, times)}
    print_outages(told)
    print(json.dumps({" ".join(map(str, name)): found for name, found in told.items()}))
    bad = [
        name
        for name, (hours, alarm) in cried.items()
        if binomial_tail(alarm, hours, PROMISED) < CHANCE
    ]
    for rate in RATES:
        for usual, share in OUTAGES:
            missed = None in told["outage", rate, usual, share]  # type: ignore[operator]  # a list
            bad += [f"all fail at {rate} a minute"] if share == ALL_FAIL and missed else []
    print(f"not as promised: {', '.join(bad)}" if bad else "as promised")
    return 1 if bad else 0


def healthy(told: dict[tuple[object, ...], object], times: int) -> tuple[int, int]:
    """Print the alarms of errors, and return the hours, and those with an alarm."""
    whole = cried = 0
    for rate in RATES:
        for usual in USUAL:
            hours = times * HOURS[rate]
            strong, alarm = cast("tuple[int, int]", told["healthy", rate, usual])
            whole, cried = whole + hours, cried + alarm
            print(
                f"errors    {rate:4} a minute, {usual:6.1%} usual: {alarm} of {hours} hours with "
                f"an alarm (by the evidence alone {strong})"
            )
    routes = [told["routes", route] for route in range(20)]
    alarm = sum(each[1] for each in routes)  # type: ignore[index]  # two counts
    hours = times * ROUTES_HOURS
    print(f"errors    20 routes at 10 to 200 a minute: {alarm} alarms in {hours} hours")
    print(f"errors    in all: {cried + alarm} of {whole + hours} hours with an alarm")
    return whole + hours, cried + min(alarm, hours)


def healthy_of_logs(
    told: dict[tuple[object, ...], object], times: int
) -> dict[str, tuple[int, int]]:
    """Print the alarms from log lines, and return of each signal the hours, and the alarms."""
    found: dict[str, tuple[int, int]] = {}
    for name in logs.SIGNALS:
        whole = cried = 0
        for rate in RATES:
            hours = times * HOURS_OF_LOGS[rate]
            alarm = sum(told["logs", rate, hour][name] for hour in range(hours))  # type: ignore[index]  # by signal
            whole, cried = whole + hours, cried + alarm
            print(f"{name:15} {rate:4} a minute: {alarm} of {hours} hours with an alarm")
        found[name] = whole, cried
    return found


def print_outages(told: dict[tuple[object, ...], object]) -> None:
    for rate in RATES:
        for usual, bad in OUTAGES:
            print(
                f"outage    {rate:4} a minute, {usual:.1%} to {bad:.0%} fail: "
                f"{seen(told['outage', rate, usual, bad])}"  # type: ignore[arg-type]  # seconds
            )
        for outage in logs.OUTAGES:
            print(
                f"outage    {rate:4} a minute, {outage}: "
                f"{seen(told['outage of logs', rate, outage])}"  # type: ignore[arg-type]  # as above
            )
    print(f"outage    one of 20 routes, 0.2% to 50% fail: {seen(told['route',])}")  # type: ignore[arg-type]  # as above


if __name__ == "__main__":
    sys.exit(main())
