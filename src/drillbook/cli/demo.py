"""`drillbook demo`: a migration that succeeds, one that is stopped, and the first taken back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.core.plan import Plan
    from drillbook.drills.demo import DemoResult
    from drillbook.engine.runs import Runs

app = new_app()
FOLDER = Path(".drillbook") / "demo"


@app.command(epilog=examples("drillbook demo", "drillbook demo --keep --folder /tmp/demo"))
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", "-f", help="Where it plays; made, and emptied at the start.")
    ] = FOLDER,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the practice stack running afterwards.")
    ] = False,
    scale: Annotated[float, typer.Option("--scale", min=0.01, help="How much data.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON at the end only.")] = False,
) -> None:
    """See a migration succeed, one stopped, and one taken back."""
    from drillbook.drills.demo import run_demo

    result = run_demo(folder, DemoFace(quiet=as_json), keep=keep, scale=scale)
    if as_json:
        tell_json(result.model_dump(mode="json"))
    else:
        _end(result)


def _end(result: "DemoResult") -> None:
    say(paint(f"\nAll of it was proven, in {result.seconds:.0f} s. The reports:", "green", "bold"))
    for run in result.runs:
        say(f"  {run.migration}: {run.state}")
        say(f"    {run.page}")
        say(f"    {run.markdown}")
    home = result.folder / "home"
    say(f"The record stays: DRILLBOOK_HOME={home} drillbook runs show {result.runs[0].run}")
    if result.kept:
        say(f"The practice stack goes on: cd {result.folder / 'range'}")
        say(f"Stop it: drillbook range down --folder {result.folder / 'range'}")


class DemoFace:
    """Shows the demo as the commands would show it."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, words: str) -> None:
        """Show a line."""
        if not self._quiet:
            say(f"  {words}")

    def title(self, words: str) -> None:
        """Begin a part."""
        if not self._quiet:
            say(f"\n{paint(words, 'bold')}")

    def plan(self, plan: "Plan", *, whole: bool) -> None:
        """Show a plan before it runs."""
        from drillbook.cli.plan_pages import plan_lines, summary_of

        if self._quiet:
            return
        say(paint("The plan (drillbook plan):", "dim"))
        for line in plan_lines(plan) if whole else (f"plan {plan.hash}", summary_of(plan)):
            say(f"  {line}".rstrip())
        say(paint("The run (drillbook run):", "dim"))

    def follow(self, runs: "Runs", run: str) -> None:
        """Show a run live until it has ended."""
        from drillbook.cli.live.ending import outcome_lines
        from drillbook.cli.live.faces import QuietFace
        from drillbook.cli.live.follow import Follower
        from drillbook.cli.live.watching import face_for

        face = QuietFace() if self._quiet else face_for(runs.show(run).plan, run, as_json=False)
        view = Follower(runs, run, face).follow()
        for line in () if self._quiet else outcome_lines(view):
            say(line)

    def report(self, runs: "Runs", run: str, folder: Path) -> tuple[Path, Path]:
        """Write the run's report; return the Markdown and the page."""
        from drillbook.web.report import write_report

        return write_report(runs, run, folder)
