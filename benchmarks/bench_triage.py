"""
Time the reads of a triage that all begin with the same half hour of logs, on a busy machine.

Each round is a new process, so that nothing was read before. The reads run side by side as threads,
as they do in a run; beside them as many busy processes as are asked for.
"""

# A port is the key of its provider.
# mypy: disable-error-code="type-abstract"

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, process_time

LIMIT_SECONDS = 30.0
MINUTES = 30
FAILS_FOR = 25.0  # seconds: a triage begins soon after the first symptom
EARLIER_OUTAGE = (900.0, 960.0)
ROUTES = 18
STACK = (
    'Traceback (most recent call last):\n  File "/srv/shop/orders.py", line 9, in place\n    x\n'
)


def write_logs(folder: Path, requests: int, seed: int) -> None:
    """Write what an app and its platform tell of the same requests; some fail lately."""
    chance, now = random.Random(seed), datetime.now(UTC)
    agos = sorted((chance.uniform(0, 60.0 * MINUTES) for _ in range(requests)), reverse=True)
    with (folder / "app.jsonl").open("w") as app, (folder / "platform.jsonl").open("w") as platform:
        for number, ago in enumerate(agos):
            route = chance.randrange(ROUTES)
            is_out = ago <= FAILS_FOR or EARLIER_OUTAGE[0] <= ago <= EARLIER_OUTAGE[1]
            bad = chance.random() < (0.6 if is_out and route % 3 == 0 else 0.004)
            told = {
                "timestamp": (now - timedelta(seconds=ago)).isoformat(),
                "request_id": f"r{number}",
                "method": "GET" if route % 2 else "POST",
                "path": f"/api/part{'abcdefghijklmnopqr'[route]}/{chance.randrange(10**6)}/items",
                "status": 500 if bad else 200,
                "milliseconds": round(chance.lognormvariate(3.4, 0.6), 1),
            }
            platform.write(json.dumps(told | {"region": "fra1"}) + "\n")
            message = f"no quote for order {chance.randrange(10**5)}" if bad else ""
            mine = {
                "level": "error" if bad else "info", "user": f"u{chance.randrange(400)}",
                "message": message, "stack": STACK if bad else "", "commit": "abcdef1",
            }  # fmt: skip
            app.write(json.dumps(told | mine) + "\n")


def triage(folder: Path) -> dict[str, float]:
    """Carry the reads out as threads of this process; return what each needed."""
    from drillbook.actions import app, errors
    from drillbook.core.effect import Effect, Evidence
    from drillbook.core.quantities import parse_duration
    from drillbook.ports.logs import Logs
    from drillbook.ports.probe import Probe
    from drillbook.ports.systems import Systems
    from drillbook.stack.stack import load_stack

    def keep(name: str, data: bytes, media_type: str) -> Evidence:
        return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)

    stack = load_stack(folder / "stack.toml")
    logs, probe = stack.port("bench", Logs), stack.port("bench", Probe)
    systems = stack.port("bench", Systems)
    effect = Effect(key="k", keep=keep)
    half_hour = parse_duration("30m")
    reads: dict[str, Callable[[], str]] = {
        "errors.preserve": lambda: errors.preserve.do(logs, effect).says,
        "errors.cluster": lambda: errors.cluster.do(logs, probe).says,
        "errors.hit": lambda: errors.hit.do(logs, probe).says,
        "errors.onset": lambda: errors.onset.do(logs, probe).says,
        "app.changes": lambda: app.changes.do(logs, systems, window=half_hour).says,
        "errors.culprit": lambda: errors.culprit.do(logs, systems, effect).says,
    }
    begun = monotonic()

    def timed(name: str) -> float:
        says = reads[name]()
        print(f"{name}: {says[:150]}", file=sys.stderr)
        return monotonic() - begun

    with ThreadPoolExecutor(len(reads)) as pool:
        took = dict(zip(reads, pool.map(timed, reads), strict=True))
    return took | {"all": monotonic() - begun, "CPU": process_time()}


def _busy() -> None:
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile, and end them after it."""
    working = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(count)]
    for one in working:
        one.start()
    try:
        yield
    finally:
        for one in working:
            one.kill()
            one.join()


def main() -> int:
    """Print the seconds of each read, and end with 1 where a triage needs more than 30."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--requests", type=int, default=24_000)
    asked.add_argument("--busy", type=int, default=6)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told = asked.parse_args()
    if told.folder is not None:
        print(json.dumps(triage(told.folder)))
        return 0
    worst = 0.0
    for number in range(told.rounds):
        with tempfile.TemporaryDirectory(prefix="bench-triage-") as name:
            folder = Path(name)
            (folder / "stack.toml").write_text(
                '[environments.bench.app]\nurl = "http://127.0.0.1:9"\nhealth = "/health"\n'
                '[environments.bench.logs.app]\nprovider = "file"\npath = "app.jsonl"\n'
                '[environments.bench.logs.platform]\nprovider = "file"\n'
                'path = "platform.jsonl"\nsource = "platform"\n'
            )
            with busy(told.busy):
                write_logs(folder, told.requests, told.seed + number)
                done = subprocess.run(
                    [sys.executable, __file__, "--folder", name], check=True, timeout=300,
                    stdout=subprocess.PIPE, env=dict(os.environ),
                )  # fmt: skip
        took: dict[str, float] = json.loads(done.stdout)
        worst = max(worst, took["all"])
        parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in took.items())
        print(f"{told.requests} requests, {told.busy} busy processes beside it (s): {parts}")
    print(f"at most {worst:.1f} s (limit {LIMIT_SECONDS:.0f})")
    return int(worst > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
