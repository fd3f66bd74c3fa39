"""`drillbook range`: the practice stack on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.range.status import RangeStatus

range_app = new_app(no_args_is_help=True)
FOLDER = Path("range")
Folder = Annotated[Path, typer.Option("--folder", "-f", help="Where it lies.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@range_app.callback()
def practice() -> None:
    """Start, look at or stop the practice stack."""


@range_app.command(
    epilog=examples("drillbook range up", "drillbook range up --scale 10    # more data")
)
def up(
    folder: Folder = FOLDER,
    scale: Annotated[float, typer.Option("--scale", min=0.01, help="How much data.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Start production and staging: real Postgres, the booking app, data."""
    from drillbook.range.practice import up as start

    found = start(folder, scale=scale, progress=_ignore if as_json else say)
    _tell(found, as_json=as_json)
    if not as_json:
        say(f"\nUse it: cd {found.folder}, then for example drillbook doctor")


@range_app.command(epilog=examples("drillbook range status", "drillbook range status --json"))
def status(folder: Folder = FOLDER, as_json: Json = False) -> None:
    """Show what of it runs, and where; the exit code is 9 when a part does not."""
    from drillbook.range.practice import status as look

    found = look(folder)
    _tell(found, as_json=as_json)
    if not found.running:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@range_app.command(epilog=examples("drillbook range down", "drillbook range down --remove"))
def down(
    folder: Folder = FOLDER,
    remove: Annotated[bool, typer.Option("--remove", help="Delete its data as well.")] = False,
    as_json: Json = False,
) -> None:
    """Stop it; the data stays for the next time."""
    from drillbook.range.practice import down as stop

    found = stop(folder, remove=remove, progress=_ignore if as_json else say)
    _tell(found, as_json=as_json)


def _ignore(says: str) -> None:
    """Show nothing: a program reads the end only."""


def _tell(found: "RangeStatus", *, as_json: bool) -> None:
    if as_json:
        tell_json(asdict(found) | {"running": found.running})
        return
    for part in found.parts:
        word = paint("runs   ", "green") if part.running else paint("stopped", "yellow")
        port = f", port {part.port}" if part.port else ""
        pid = f", pid {part.pid}" if part.pid else ""
        say(f"  {word}  {part.name}: {part.says}{port}{pid}")
    say(f"  stack    {found.stack_file}")
