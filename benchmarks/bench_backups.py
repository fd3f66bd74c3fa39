"""
Backups that are harmed must be found out: `make bench-backups`.

Twelve classes of faults, each really made, must end in an error that names it and an exit code
other than 0; restores under write load must be proven equal, and changed ones be found different.
`python -m benchmarks.bench_backups [--restores 20] [--only WORDS]`; writes
build/bench-backups.json. The full disk needs a mount, and so root.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.backups.equality import changed_restores, restores_under_load
from benchmarks.backups.faults import FAULTS, carry_out
from benchmarks.backups.site import Shop

TARGET = Path("build/bench-backups.json")
RESTORES = 20
EQUAL = 4


def measure(restores: int = RESTORES, only: str = "") -> dict[str, Any]:
    """Make every fault on a shop of its own, and restore under load and with changes."""
    with tempfile.TemporaryDirectory(prefix="drillbook-bench-") as name:
        shop = Shop(Path(name) / "shop")
        try:
            faults = []
            for fault in FAULTS:
                if only in fault.name:
                    outcome = carry_out(fault, shop)
                    print(
                        f"{fault.name}: {'found' if outcome.found else 'MISSED'} ({outcome.code})"
                    )
                    if not outcome.found:
                        print(f"    {outcome.says}")
                    faults.append(asdict(outcome))
            equal = [asdict(one) for one in restores_under_load(shop, restores)]
            changed = [asdict(one) for one in changed_restores(shop, restores)]
        finally:
            shop.server.end_at_once()
    return {"faults": faults, "equal": equal, "changed": changed}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restores", type=int, default=RESTORES)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    measured = measure(given.restores, given.only)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(measured, indent=1) + "\n")
    named = [one for one in measured["faults"] if one["found"]]
    equal = [one for one in measured["equal"] if one["level"] == EQUAL]
    changed = [one for one in measured["changed"] if one["says"]]
    print(f"{len(named)} of {len(measured['faults'])} faults end in an error that names them")
    print(f"{len(equal)} of {len(measured['equal'])} restores under load proven equal")
    print(f"{len(changed)} of {len(measured['changed'])} changed restores found different")
    for one in measured["equal"]:
        if one["level"] != EQUAL:
            print(f"    {one['kind']}: {one['says']}")
    whole = (
        len(named) == len(measured["faults"])
        and len(equal) == len(measured["equal"])
        and len(changed) == len(measured["changed"])
    )
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
