"""`drillbook strip`: a file without its directives."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.sources import read_source
from drillbook.cli.usage import examples, new_app
from drillbook.core.errors import BookInvalid, Refused

app = new_app()


@app.command(
    epilog=examples(
        "drillbook strip RUNBOOKS.md",
        "drillbook strip RUNBOOKS.md --output plain.md",
        "drillbook strip - < RUNBOOKS.md | diff - original.md",
    )
)
def strip(
    file: Annotated[Path, typer.Argument(help="A Markdown file, or - for standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
) -> None:
    """Print a file without its directives, byte for byte."""
    from drillbook.compiler.source import encode
    from drillbook.compiler.strip import strip as stripped

    try:
        source = read_source(file)
        data = encode(stripped(source.text), like=source.data)
    except BookInvalid:
        if file.is_file() and not file.stat().st_size:
            data = b""  # nothing taken from nothing is nothing
        else:
            raise
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise Refused(
            f"{output} cannot be written: {error.strerror}", hint="Name another file."
        ) from error
