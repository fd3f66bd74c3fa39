"""`drillbook range faults`, `break` and `mend`: break something of the practice stack really."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples

FOLDER = Path("range")
Folder = Annotated[Path, typer.Option("--folder", "-f", help="Where the range lies.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The fault: see drillbook range faults.")]


def add_faults(range_app: typer.Typer) -> None:
    """Add the commands to those of the range."""
    show = examples("drillbook range faults", "drillbook range faults --json")
    range_app.command(name="faults", epilog=show)(list_faults)
    show = examples("drillbook range break database-locked", "drillbook range break release-slow")
    range_app.command(name="break", epilog=show)(break_something)
    show = examples("drillbook range mend database-locked")
    range_app.command(name="mend", epilog=show)(mend_something)


def list_faults(folder: Folder = FOLDER, as_json: Json = False) -> None:
    """List what can be broken, who suffers from it, and what is broken now."""
    from drillbook.range.practice import faults

    found = faults(folder)
    if as_json:
        tell_json([asdict(one) | {"on": one.on} for one in found])
        return
    width = max(len(one.name) for one in found)
    for one in found:
        word = paint("on ", "red") if one.on else "off"
        say(f"  {word}  {one.name:<{width}}  {one.suffers:<9}  {one.says}")


def break_something(name: Name, folder: Folder = FOLDER, as_json: Json = False) -> None:
    """Break something really; the range keeps what mending needs."""
    from drillbook.range.practice import break_

    found = break_(folder, name)
    if as_json:
        tell_json(asdict(found) | {"on": found.on})
        return
    say(f"{found.name}: {found.says}")
    say(f"\nPut it back: drillbook range mend {found.name}")


def mend_something(name: Name, folder: Folder = FOLDER, as_json: Json = False) -> None:
    """Put back what a fault broke, as it was."""
    from drillbook.range.practice import mend

    was_on = mend(folder, name)
    if as_json:
        tell_json({"name": name, "mended": was_on})
        return
    say(f"{name}: {'put back as it was' if was_on else 'was not on'}")
