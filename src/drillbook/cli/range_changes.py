"""`drillbook range changes` and `propose`: what may become of the practice app."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples

FOLDER = Path("range")
Folder = Annotated[Path, typer.Option("--folder", "-f", help="Where the range lies.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The change: see drillbook range changes.")]
Unreviewed = Annotated[bool, typer.Option("--unreviewed", help="Let nobody approve it.")]


def add_changes(range_app: typer.Typer) -> None:
    """Add the commands to those of the range."""
    show = examples("drillbook range changes", "drillbook range changes --json")
    range_app.command(name="changes", epilog=show)(list_changes)
    show = examples("drillbook range propose copy-text", "drillbook range propose release-throws")
    range_app.command(name="propose", epilog=show)(propose_change)


def list_changes(as_json: Json = False) -> None:
    """List the changes that can be proposed to the practice app, and what they really do."""
    from drillbook.range.history.changes import changes

    found = tuple(changes().values())
    if as_json:
        tell_json([{"name": one.name, "good": one.good, "says": one.says} for one in found])
        return
    width = max(len(one.name) for one in found)
    for one in found:
        word = paint("good", "green") if one.good else paint("bad ", "red")
        say(f"  {word}  {one.name:<{width}}  {one.says}")


def propose_change(
    name: Name, folder: Folder = FOLDER, unreviewed: Unreviewed = False, as_json: Json = False
) -> None:
    """Push a change to the practice app as a branch, and open its reviewed pull request."""
    from drillbook.range.practice import cloud_of
    from drillbook.range.repository import propose

    made = propose(cloud_of(folder), name, reviewed=not unreviewed)
    if as_json:
        tell_json({"number": made.number, "branch": made.branch, "commit": made.commit})
        return
    read = "read by nobody yet" if unreviewed else "approved"
    say(f"pull request {made.number}: {made.branch} at {made.commit[:7]}, {read}")
