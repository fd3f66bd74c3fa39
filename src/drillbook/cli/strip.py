"""`drillbook strip`: a file without its directives."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.sources import read_source
from drillbook.cli.usage import examples, new_app
from drillbook.core.errors import Refused

app = new_app()
BLANK = b" \t\r\n\xef\xbb\xbf"


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

    source = read_source(file)
    data = source.data
    if data.strip(BLANK):  # a file of nothing is no book, and still has nothing to take out
        data = encode(stripped(source.text), like=data)
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
