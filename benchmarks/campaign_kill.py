"""
Kill workers and databases at random moments of real runs, and count what came of it.

`python -m benchmarks.campaign_kill --runs 300 --seed 7`; `--only 42` repeats one case.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.campaign.cases import STORES, Case, draw
from benchmarks.campaign.counting import COUNTED, References
from benchmarks.campaign.counting_deployments import RunningDeployment
from benchmarks.campaign.deployments import FIRST, LANE, DeploymentSite, draw_deployment
from benchmarks.campaign.running import Running, Told
from benchmarks.campaign.site import Site
from benchmarks.campaign.upgrade import make_upgraded_source
from drillbook.engine.journal import open_journal

BUILD = Path("build")


class Campaign:
    """All cases, in three lanes at once: SQLite stores, Postgres stores, and deployments."""

    def __init__(self, folder: Path, seed: int, cases: Iterable[Case]) -> None:
        self.folder, self.seed = folder, seed
        self.cases = list(cases)
        self.told: list[Told] = []
        self.broken: list[str] = []
        self.damaged: list[str] = []
        self._sites: list[Site] = []
        self._lock = threading.Lock()
        self.on_told: Callable[[Told], None] = lambda _told: None

    def carry_out(self) -> None:
        """Carry out every case."""
        self.folder.mkdir(parents=True)
        try:
            source = make_upgraded_source(self.folder / "upgraded")
            lanes = [
                threading.Thread(target=self._lane, args=(store, source), name=store)
                for store in (*STORES, LANE)
                if any(case.store == store for case in self.cases)
            ]
            for lane in lanes:
                lane.start()
            for lane in lanes:
                lane.join()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _lane(self, store: str, source: Path) -> None:
        folder = (self.folder / store).resolve()
        is_cloud = store == LANE
        site = (
            DeploymentSite(folder, source.resolve())
            if is_cloud
            else Site(folder, store, source.resolve())
        )
        self._sites.append(site)
        try:
            site.open()
            references = References(site)
            for case in self.cases:
                if case.store == store:
                    self._case(site, references, case)
            self._verify(site)
        except Exception:  # noqa: BLE001 - a lane that breaks is told and fails the campaign
            self.broken.append(traceback.format_exc())
        finally:
            site.close()

    def _case(self, site: Site, references: References, case: Case) -> None:
        running = (RunningDeployment if case.store == LANE else Running)(site, references, case)
        try:
            told = running.carry_out()
        except Exception:  # noqa: BLE001 - as above
            self.broken.append(f"case {case.index}: {traceback.format_exc()}")
            for server in site.servers.values():
                server.start(tied=True)
            site.new_store()
            return
        with self._lock:
            self.told.append(told)
            self.on_told(told)

    def stop(self) -> None:
        """End everything that was started, in the middle of whatever it does."""
        for site in self._sites:
            site.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _verify(self, site: Site) -> None:
        for worker in site.workers:
            worker.process.kill()
            worker.process.wait()
        journal = open_journal(site.store.url, site.home)
        try:
            journal.verify()
        except Exception as error:  # noqa: BLE001 - whatever it says is the finding
            self.damaged.append(f"the journal of {site.store.says()}: {error}")
        finally:
            journal.close()

    @property
    def totals(self) -> Counter[str]:
        """The counts of all cases."""
        totals = Counter(dict.fromkeys(COUNTED, 0))
        for told in self.told:
            totals.update(told.counts.counts)
        totals["record_damaged"] += len(self.damaged)
        return totals

    @property
    def is_clean(self) -> bool:
        """Whether everything was carried out and every count is 0."""
        return not self.totals.total() and not self.broken and len(self.told) == len(self.cases)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """Return everything that was counted."""
        took = sorted(each for told in self.told for each in told.took_over_seconds)
        return {
            "seed": self.seed, "runs": len(self.told), "of": len(self.cases),
            "counts": dict(self.totals), "ends": dict(Counter(told.state for told in self.told)),
            "blows": sum(len(told.blows) for told in self.told),
            "late_blows": sum(told.late for told in self.told),
            "take_over_seconds": _quantiles(took),
            "damaged": self.damaged, "broken": self.broken,
            "cases": [each.as_json() for each in sorted(self.told, key=lambda t: t.case.index)],
        }  # fmt: skip


def _quantiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "count": len(values), "median": round(values[len(values) // 2], 2),
        "most": round(values[-1], 2),
    }  # fmt: skip


def main() -> int:
    """Carry the campaign out and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--deployments", type=int, default=30, help="how many of them, besides")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument(
        "--only", type=int, action="append", help="repeat the case with this number"
    )
    parser.add_argument("--variant", help="only cases of this variant")
    parser.add_argument("--json", type=Path, default=BUILD / "campaign-kill.json")
    given = parser.parse_args()
    deployments = range(FIRST, FIRST + given.deployments)
    cases = [
        drawn(given.seed, number) for number in given.only or (*range(given.runs), *deployments)
    ]
    if given.variant:
        cases = [case for case in cases if case.variant.name == given.variant]
    folder = BUILD / f"campaign-{os.getpid()}"
    campaign = Campaign(folder, given.seed, cases)

    def interrupted(number: int, _frame: object) -> None:
        campaign.stop()
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    begun = time.monotonic()
    _watched(campaign)
    result = campaign.as_json() | {"seconds": round(time.monotonic() - begun, 1)}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=1))
    _print(campaign, result, given.json)
    return 0 if campaign.is_clean else 1


def drawn(seed: int, number: int) -> Case:
    """Return the case with this number."""
    return draw_deployment(seed, number) if number >= FIRST else draw(seed, number)


def _watched(campaign: Campaign) -> None:
    console = Console(stderr=True)
    columns = (
        TextColumn("campaign"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[says]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("campaign", total=len(campaign.cases), says="")

        def show(told: Told) -> None:
            wrong = {what: count for what, count in campaign.totals.items() if count}
            done, says = len(campaign.told), str(wrong or "nothing wrong")
            progress.update(bar, completed=done, says=says)
            if told.counts.counts:
                words = "; ".join(told.counts.says)
                line = f"case {told.case.index} ({told.case.variant.name}): {words}"
                progress.console.print(line, markup=False)
            elif not console.is_terminal:
                print(f"{done} of {len(campaign.cases)}: {says}", file=sys.stderr, flush=True)

        campaign.on_told = show
        campaign.carry_out()


def _print(campaign: Campaign, result: dict[str, Any], path: Path) -> None:
    console = Console()
    table = Table(title=f"{result['runs']} runs, {result['blows']} blows, seed {campaign.seed}")
    table.add_column("counted")
    table.add_column("times", justify="right")
    for what, count in result["counts"].items():
        table.add_row(what.replace("_", " "), str(count), style="red" if count else "")
    console.print(table)
    console.print(f"how the runs ended: {result['ends']}")
    console.print(f"taken over by the other worker after (s): {result['take_over_seconds']}")
    for told in campaign.told:
        if told.counts.counts:
            again = f"--seed {campaign.seed} --only {told.case.index}"
            console.print(f"[red]case {told.case.index}[/] {told.case.variant.name} ({again})")
            console.print("  " + "\n  ".join([*told.blows, *told.counts.says]), markup=False)
    for what in (*campaign.damaged, *campaign.broken):
        console.print(what, style="red", markup=False)
    console.print(f"{result['seconds']:.0f} s; all of it: {path}")


if __name__ == "__main__":
    sys.exit(main())
