"""`drillbook drill errors`: every fault and what only looks like one, through High Error Rate."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples

if TYPE_CHECKING:
    from drillbook.drills.errors.case import Case
    from drillbook.drills.errors.drill import Shard
    from drillbook.drills.errors.report import Drilled
    from drillbook.drills.errors.result import Result

FOLDER = Path(".drillbook") / "drill-errors"
RESULTS = "results"
ENDED_BY_TERM = 128 + signal.SIGTERM
HEAD = ("case", "seed", "noticed", "diagnosed", "right", "fix", "mitigated", "verified", "wrong")
WIDTHS = (33, 4, 8, 9, 7, 26, 9, 8, 5)


def add_errors(drills: typer.Typer) -> None:
    """Add the command to those of the drills."""
    show = examples(
        "drillbook drill errors --only release-throws",
        "drillbook drill errors --seeds 3 --side-by-side 3 --output build/drill-errors.json",
        "drillbook drill errors --seeds 3 --side-by-side 3 --resume",
    )
    drills.command(name="errors", epilog=show)(errors)


def errors(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="A case by its name; may be given again.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many seeds, from 1.")] = 1,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Each seed plays all; else only what users feel after it."),
    ] = False,
    side_by_side: Annotated[
        int, typer.Option("--side-by-side", min=1, max=16, help="Ranges at a time.")
    ] = 1,
    shard: Annotated[str, typer.Option("--shard", help="Only this part of all, as 1/3.")] = "1/1",
    folder: Annotated[
        Path, typer.Option("--folder", "-f", help="Where it plays, and keeps what came of it.")
    ] = FOLDER,
    book: Annotated[
        Path | None,
        typer.Option("--book", "-b", help="Your own High Error Rate, not the shipped one."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on: what was played is not played again.")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Nobody helps: see what each case does to users by itself."),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all of it as JSON to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON at the end only.")] = False,
) -> None:
    """Break everything that can break, and what only looks so; judge what is named and written."""
    from drillbook.drills.errors.drill import Shard
    from drillbook.drills.errors.report import drilled, read_results

    part = Shard.named(shard)
    # Who ends us by a signal gets a range that is down, and a lookout that has gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED_BY_TERM))
    results = folder / RESULTS
    if not resume:
        for file in results.glob("*.jsonl"):
            file.unlink()
    words = [word for name in only or () for word in ("--only", name)]
    words += ["--seeds", str(seeds)]
    words += [word for word, is_so in (("--alone", alone), ("--whole", whole)) if is_so]
    words += ["--book", str(book)] if book is not None else []
    if side_by_side > 1:
        _side_by_side(side_by_side, folder, words)
    else:
        turns = _turns(only, seeds, part, results, whole=whole)
        _play(turns, part, folder, book, alone=alone, quiet=as_json)
    found = drilled(read_results(results).values())
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        tell_json(found.model_dump(mode="json"))
    elif part.of == 1:
        _end(found)
    if part.of == 1 and found.failures and not alone:
        raise typer.Exit(ExitCode.ERRORS)


def _turns(
    only: list[str] | None, seeds: int, part: "Shard", results: Path, *, whole: bool
) -> "list[tuple[Case, int]]":
    """Return what of a part was not played yet, or not to its end."""
    from drillbook.drills.errors.cases import CASES, case_named
    from drillbook.drills.errors.drill import order
    from drillbook.drills.errors.report import read_results

    cases = tuple(map(case_named, only)) if only else CASES
    known = read_results(results)
    done = {turn for turn, result in known.items() if not result.trouble}
    turns = order(cases, seeds, part, whole=whole)
    return [(case, seed) for case, seed in turns if (case.name, seed) not in done]


def _play(
    turns: "list[tuple[Case, int]]",
    part: "Shard",
    folder: Path,
    book: Path | None,
    *,
    alone: bool,
    quiet: bool,
) -> None:
    from drillbook.drills.errors.drill import drill
    from drillbook.drills.errors.report import append_result

    file = folder / RESULTS / f"{part.number}-of-{part.of}.jsonl"
    site = folder / f"site-{part.number}-of-{part.of}"
    face = ErrorsFace(quiet=quiet)
    drill(turns, site, face, lambda result: append_result(file, result), book=book, alone=alone)


def _side_by_side(number: int, folder: Path, words: list[str]) -> None:
    """Let so many processes play a part each, with a range of their own, and wait for all."""
    folder.mkdir(parents=True, exist_ok=True)
    started = []
    for each in range(1, number + 1):
        part = ["--shard", f"{each}/{number}", "--folder", str(folder), "--resume"]
        with (folder / f"shard-{each}.log").open("ab") as log:
            command = [sys.executable, "-m", "drillbook", "drill", "errors", *part, *words]
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        say(f"part {each} of {number}: {folder / f'shard-{each}.log'}")
    try:
        for process in started:
            process.wait()
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _end(found: "Drilled") -> None:
    say("")
    say(paint(_row(HEAD), "bold"))
    for result in found.results:
        say(_row(_cells(result)))
    for result in found.results:
        for wrong in result.wrong:
            say(paint(f"wrong  {result.case}, seed {result.seed}: {wrong}", "red"))
        if result.named_wrong:
            named = f"{result.cause} {result.subject}"
            say(paint(f"false  {result.case}, seed {result.seed}: named was {named}", "red"))
        if result.trouble:
            say(paint(f"not played  {result.case}, seed {result.seed}: {result.trouble}", "red"))
    say("")
    for line in lines_of(found):
        say(line)
    for failure in found.failures:
        say(paint(f"not as it has to be: {failure}", "red"))


def lines_of(found: "Drilled") -> tuple[str, ...]:
    """Return what it amounts to, in lines."""
    triage = "nobody triaged"
    if found.triage_median is not None:
        triage = f"median {found.triage_median:.1f} s, longest {found.triage_longest:.1f} s"
    return (
        f"right causes over all faults   {found.right.says}; users felt: {found.right_felt.says}",
        f"right fixes, users felt        {found.fix_right.says}",
        f"noticed, users felt            {found.noticed.says}",
        f"mitigated, where a fix fits    {found.mitigated.says}, verified {found.verified.says}",
        f"false causes on controls       {found.false_causes.says}",
        f"false causes, nobody felt it   {found.false_causes_unfelt.says}",
        f"incidents where nobody suffers {found.false_alarms.says}",
        f"incidents between cases        {found.restless}, closed by hand",
        f"wrong writes                   {found.wrong_writes}",
        f"triage                         {triage}",
        "Seconds count from the first harmed request by the users' own record;",
        "in brackets, where no user was harmed, from the moment at which something was broken.",
    )


def _cells(result: "Result") -> tuple[str, ...]:
    moments = (
        "-" if at is None else f"{at:.0f}" if result.harmed else f"({at:.0f})"
        for at in (result.noticed, result.diagnosed, result.mitigated, result.verified)
    )
    noticed, diagnosed, mitigated, verified = moments
    fix = f"{result.fix or '-'}{'' if result.fix_right else ' (wrong)'}"
    return (
        result.case, str(result.seed), noticed, diagnosed, result.named, fix, mitigated, verified,
        str(result.wrong_writes),
    )  # fmt: skip


def _row(cells: tuple[str, ...]) -> str:
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


class ErrorsFace:
    """Shows the drill line by line."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def begins(self, case: "Case", seed: int, number: int, of: int) -> None:
        """Show that a case begins."""
        if not self._quiet:
            title = paint(f"{number} of {of}: {case.name}", "bold")
            say(f"\n{title}, seed {seed} ({case.says})")

    def says(self, words: str) -> None:
        """Show what happens."""
        if not self._quiet:
            say(f"  {words}")

    def ends(self, result: "Result") -> None:
        """Show what came of a case."""
        if self._quiet:
            return
        say(_row(_cells(result)))
        if result.cause or result.says:
            say(f"  {result.cause} {result.subject}: {result.says}")
        for words in result.written:
            say(f"  {'WRONG ' if words in result.wrong else ''}written {words}")
        if result.trouble:
            say(f"  trouble: {result.trouble}")
