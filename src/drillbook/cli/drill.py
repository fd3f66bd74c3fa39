"""`drillbook drill`: faults and healthy releases, carried through the runbook and judged."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.drill_errors import add_errors
from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.drills.deployment.case import Case
    from drillbook.drills.deployment.drill import Drilled, Result
    from drillbook.engine.runs import Runs

app = new_app(no_args_is_help=True)
add_errors(app)
FOLDER = Path(".drillbook") / "drill"
Json = Annotated[bool, typer.Option("--json", help="Print JSON at the end only.")]
HEAD = ("case", "noticed", "decided", "back", "ended", "serves", "users harmed", "wrong")
WIDTHS = (26, 8, 8, 8, 18, 6, 13, 5)


@app.callback()
def drills() -> None:
    """Prove a runbook: break things, and see them put right."""


@app.command(name="list", epilog=examples("drillbook drill list", "drillbook drill list --json"))
def list_cases(as_json: Json = False) -> None:
    """List the cases of each drill."""
    from drillbook.drills.deployment.cases import CASES
    from drillbook.drills.errors.cases import CASES as ERRORS

    deployments = [("deployment", case.name, case.says) for case in CASES]
    found = [*deployments, *(("errors", case.name, case.says) for case in ERRORS)]
    if as_json:
        tell_json([{"drill": drill, "case": name, "says": says} for drill, name, says in found])
        return
    for drill in ("deployment", "errors"):
        say(paint(drill, "bold"))
        for _, name, says in (each for each in found if each[0] == drill):
            say(f"  {name:31} {says}")


@app.command(
    epilog=examples(
        "drillbook drill deployment",
        "drillbook drill deployment --only throws",
        "drillbook drill deployment --output drill.json",
    )
)
def deployment(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="A case by its name; may be given again.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", "-f", help="Where it plays; made, and emptied at the start.")
    ] = FOLDER,
    seed: Annotated[int, typer.Option("--seed", help="What the users do depends on it.")] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the practice stacks running afterwards.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all of it as JSON to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Carry every fault of a deployment, and healthy ones, through the runbook; judge each."""
    from drillbook.drills.deployment.cases import CASES, case_named
    from drillbook.drills.deployment.drill import drill

    cases = tuple(map(case_named, only)) if only else CASES
    drilled = drill(cases, folder, DrillFace(quiet=as_json), keep=keep, seed=seed)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(drilled.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        tell_json(drilled.model_dump(mode="json"))
    else:
        _end(drilled)
    if drilled.wrong:
        raise typer.Exit(ExitCode.ERRORS)


def _end(drilled: "Drilled") -> None:
    say("")
    say(paint(_row(HEAD), "bold"))
    for result in drilled.results:
        say(_row(_cells(result)))
    for result in drilled.results:
        for wrong in result.wrong:
            say(paint(f"wrong  {result.case}: {wrong}", "red"))
            say(f"       {result.report}")
    good = sum(result.healthy for result in drilled.results)
    say("")
    say(
        f"{len(drilled.results)} deployments, {good} of them healthy, in {drilled.seconds:.0f} s: "
        f"{drilled.wrong} wrong actions. Seconds count from the first harm to a user by the "
        "users' own record, and in brackets, where no user was harmed, from the start of the run."
    )


def _cells(result: "Result") -> tuple[str, ...]:
    users, times = result.users, result.times
    harmed = f"{users.harmed}, then {users.after_failed}/{users.after}"
    noticed, decided, back = (
        "-" if seconds is None else f"{seconds:.1f}" if times.from_harm else f"({seconds:.1f})"
        for seconds in (times.noticed, times.decided, times.back)
    )
    state = str(result.state)
    return result.case, noticed, decided, back, state, result.serves, harmed, str(len(result.wrong))


def _row(cells: tuple[str, ...]) -> str:
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


class DrillFace:
    """Shows a drill line by line."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def begins(self, case: "Case", number: int, of: int) -> None:
        """Show that a case begins."""
        if not self._quiet:
            say(f"\n{paint(f'{number} of {of}: {case.name}', 'bold')} ({case.says})")

    def says(self, words: str) -> None:
        """Show what happens in a case."""
        if not self._quiet:
            say(f"  {words}")

    def ends(self, result: "Result") -> None:
        """Show what came of a case."""
        if not self._quiet:
            say(_row(_cells(result)))

    def report(self, runs: "Runs", run: str, folder: Path) -> tuple[Path, Path]:
        """Write the run's report; return the Markdown and the page."""
        from drillbook.web.report import write_report

        return write_report(runs, run, folder)
