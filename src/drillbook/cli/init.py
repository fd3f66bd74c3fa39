"""`drillbook init`: the first files of a team's own."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples, new_app

app = new_app()


@app.command(epilog=examples("drillbook init", "drillbook init ops/"))
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if missing.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a first stack.toml and book; what is there stays as it is."""
    from drillbook.stack.init import write_stack

    found = write_stack(folder)
    if as_json:
        tell_json(found.model_dump(mode="json"))
        return
    for path in found.written:
        say(f"wrote  {path}")
    for path in found.kept:
        say(f"kept   {path}, which was there")
    say("Next: fill in stack.toml, then prove it: drillbook doctor")
