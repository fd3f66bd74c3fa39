"""Break every thing the range can break: someone really suffers, and after the mend nobody does."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.fault_sights import SIGHTS, Sights
from drillbook.range import practice
from drillbook.range.faults import FAULTS
from drillbook.range.faults.fault import Ground
from drillbook.range.traffic.record import Met, read_requests

OUT = Path("build/check-faults.json")
RATE, READERS, WRITERS = 60.0, 3, 7
SLOW = ("release-slow", "database-slow")  # a busy machine makes others slow, too
DEADLINE_SECONDS = 45.0
FEWEST = 40
FEWEST_OF_A_KIND, USUAL_REQUESTS = 12, 300
FAILURES = 3
SLOWER, SLOW_SECONDS, STALL_SECONDS = 4.0, 0.03, 2.0


@dataclass(frozen=True)
class Proof:
    """What was seen of one fault."""

    name: str
    suffers: str
    broken: str
    seconds: float
    whole: str
    healed_seconds: float

    @property
    def good(self) -> bool:
        return bool(self.broken) and bool(self.whole)


class Users:
    """The clients of production, by their own record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = practice.environment_of(folder, "production").traffic.record
        self.usual: dict[str, float] = {}

    def since(self, moment: datetime) -> list[Met]:
        return [met for met in read_requests(self.record) if met.begun >= moment]

    def suffer(self, since: datetime, name: str) -> str:
        """Say what users met that they do not usually meet; empty: nothing."""
        found = self.since(since)
        failed = [met.error for met in found if met.ok is False]
        if len(failed) >= FAILURES:
            worst = max(set(failed), key=failed.count)
            return f"{len(failed)} of {len(found)} failed: {worst}"
        now = datetime.now(UTC)
        stuck = [
            met
            for met in found
            if not met.over and (now - met.begun).total_seconds() > STALL_SECONDS
        ]
        late = [met for met in found if met.ok and met.seconds > STALL_SECONDS]
        if len(stuck) + len(late) >= FAILURES:
            return f"{len(stuck) + len(late)} of {len(found)} waited more than {STALL_SECONDS:g} s"
        for what, seconds in pace(found).items() if name in SLOW else ():
            usual = self.usual.get(what, seconds)
            if seconds > max(SLOW_SECONDS, SLOWER * usual):
                return f"{what} takes {seconds * 1000:.0f} ms instead of {usual * 1000:.0f}"
        return ""

    def are_well(self, since: datetime) -> str:
        """Say that a number of requests in a row was answered as usual; empty: not yet."""
        ended = [met for met in self.since(since) if met.over][-FEWEST:]
        if len(ended) < FEWEST or any(not met.ok for met in ended):
            return ""
        waits = median(met.seconds for met in ended)
        if waits > max(SLOW_SECONDS, SLOWER * max(self.usual.values(), default=0.0)):
            return ""
        return f"{len(ended)} in a row answered, {waits * 1000:.0f} ms"


def pace(found: list[Met]) -> dict[str, float]:
    """Return how long each kind of request takes, where enough were answered."""
    waits: dict[str, list[float]] = {}
    for met in found:
        if met.ok:
            waits.setdefault(met.what, []).append(met.seconds)
    return {what: median(took) for what, took in waits.items() if len(took) >= FEWEST_OF_A_KIND}


def until(look: Callable[[], str], deadline_seconds: float = DEADLINE_SECONDS) -> tuple[str, float]:
    begun = time.monotonic()
    while True:
        seen = look()
        took = time.monotonic() - begun
        if seen or took > deadline_seconds:
            return seen, took
        time.sleep(0.1)


def prove(folder: Path, users: Users, name: str) -> Proof:
    """Break, see it, mend, see that it is gone."""
    fault, sights = FAULTS[name], Sights(folder)
    at = datetime.now(UTC)
    practice.break_(folder, name, tied=True)
    assert fault.holds(Ground(folder, tied=True)), f"{name} does not hold"
    if name in SIGHTS:
        broken, seconds = until(lambda: SIGHTS[name](sights), 10.0)
    else:
        broken, seconds = until(lambda: users.suffer(at, name))
    assert practice.mend(folder, name, tied=True)
    assert not fault.holds(Ground(folder, tied=True)), f"{name} still holds"
    mended = datetime.now(UTC)
    whole, healed = until(lambda: users.are_well(mended))
    if whole and name in SIGHTS:
        still = SIGHTS[name](sights)
        whole = "" if still else whole
        broken += f" (after the mend: {still})" if still else ""
    return Proof(name, fault.suffers.value, broken, seconds, whole, healed)


def main() -> int:
    """Prove them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these faults")
    names = parser.parse_args().names or list(FAULTS)
    above = Path(tempfile.mkdtemp(prefix="drillbook-faults-"))
    folder, proofs = above / "range", []
    try:
        practice.up(folder, scale=0.1, tied=True)
        practice.start_traffic(folder, rate=RATE, readers=READERS, writers=WRITERS, tied=True)
        users, began = Users(folder), datetime.now(UTC)
        assert until(lambda: users.are_well(began))[0], "the range is not well to begin with"
        assert until(lambda: "enough" if len(users.since(began)) > USUAL_REQUESTS else "")[0]
        users.usual = pace(users.since(began))
        for name in names:
            try:
                proof = prove(folder, users, name)
            except Exception as error:  # noqa: BLE001 - the others are to be proven as well
                practice.mend(folder, name, tied=True)
                proof = Proof(name, FAULTS[name].suffers.value, "", 0.0, "", 0.0)
                print(f"  {name}: {type(error).__name__}: {error}")
            proofs.append(proof)
            word = "good" if proof.good else "BAD "
            print(
                f"{word}  {name:<30} {proof.suffers:<9} {proof.broken or 'nothing seen'}"
                f" ({proof.seconds:.1f} s); mended: {proof.whole or 'not well'}"
                f" ({proof.healed_seconds:.1f} s)",
                flush=True,
            )
    finally:
        practice.down(folder, remove=True)
        shutil.rmtree(above)
    good = sum(proof.good for proof in proofs)
    print(f"{good} of {len(proofs)} faults proven")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(proof) for proof in proofs], indent=1) + "\n")
    return 0 if good == len(proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
