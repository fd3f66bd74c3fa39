"""`drillbook demo`: a migration that succeeds, and one that is taken back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.telling import paint, say
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.core.plan import Plan
    from drillbook.engine.runs import Runs

app = new_app()
FOLDER = Path("build/demo")


@app.command(epilog=examples("drillbook demo", "drillbook demo --keep -f /tmp/demo"))
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", "-f", help="Where it plays; made afresh.")
    ] = FOLDER,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the practice stack running afterwards.")
    ] = False,
) -> None:
    """See one migration succeed and one be taken back."""
    from drillbook.drills.demo import run_demo

    result = run_demo(folder, Terminal(), keep=keep)
    say(paint(f"\nThe demo took {result.seconds:.0f} s. The reports:", "bold"))
    for run in result.runs:
        say(f"  {run.migration}, {run.state}: {run.page}")
        say(f"  {'':{len(run.migration) + len(run.state) + 3}} {run.markdown}")
    if keep:
        ground = result.folder / "range"
        say(f"\nThe practice stack runs on. Stop it: drillbook range down -f {ground}")


class Terminal:
    """Shows the demo where the command was given."""

    def title(self, words: str) -> None:
        """Begin a part."""
        say(paint(f"\n{words}", "bold", "cyan"))

    def say(self, words: str) -> None:
        """Show a line."""
        say(words)

    def plan(self, plan: "Plan", *, whole: bool) -> None:
        """Show a plan: every task of it, or what it comes to."""
        from drillbook.cli.plan_pages import plan_lines, summary_of

        for line in plan_lines(plan) if whole else (f"plan {plan.hash}", summary_of(plan)):
            say(line)
        say()

    def follow(self, runs: "Runs", run: str) -> None:
        """Show a run live, and how it ended."""
        from drillbook.cli.live.ending import ending_lines
        from drillbook.cli.live.follow import Follower
        from drillbook.cli.live.watching import face_for

        plan = runs.show(run).plan
        view = Follower(runs, run, face_for(plan, run, as_json=False)).follow()
        for line in ending_lines(view):
            say(line)

    def report(self, runs: "Runs", run: str, folder: Path) -> tuple[Path, Path]:
        """Write the run's report."""
        from drillbook.web.report import write_report

        return write_report(runs, run, folder)
