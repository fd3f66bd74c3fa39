"""`drillbook show`: one runbook as it was read."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.sources import read_source
from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        'drillbook show RUNBOOKS.md "Database Migration"',
        "drillbook show RUNBOOKS.md database-migration --json",
    )
)
def show(
    file: Annotated[Path, typer.Argument(help="A Markdown file.")],
    runbook: Annotated[
        str, typer.Argument(help="A title, or its slug; none shows all of the file.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how one runbook of a file is read."""
    from drillbook.cli.check import counts_say
    from drillbook.cli.reading import outline
    from drillbook.compiler.check import check_book

    source = read_source(file)
    checked = check_book(source.text, name=source.name)
    book = checked.book
    chosen = book.runbooks
    if runbook:
        from drillbook.compiler.select import find_runbook

        chosen = (find_runbook(book, runbook),)
    if as_json:
        tell_json({"file": source.name, "runbooks": [asdict(each) for each in chosen]})
        return
    for each in chosen:
        for line in outline(each):
            say(line)
        say()
    if not runbook:
        say(f"{source.name}: {counts_say(checked.counts)}")
    if book.remark:
        say(f"{source.name}: {book.remark}")
