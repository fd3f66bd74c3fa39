"""`drillbook import`: any Markdown file beside what was read of it, nothing lost silently."""

import os
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.sources import read_source
from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app
from drillbook.core.errors import Refused

if TYPE_CHECKING:
    from drillbook.stack.books import BookFile

app = new_app()


@app.command(
    epilog=examples(
        "drillbook import docs/runbook.md",
        "drillbook import docs/runbook.md --write    # applies the edits it proposes",
        "drillbook import docs/runbook.md --json",
    )
)
def read(
    file: Annotated[Path, typer.Argument(help="A Markdown file that holds runbooks.")],
    write: Annotated[
        bool, typer.Option("--write", help="Write the proposed edits into the file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how any Markdown file is read, line by line."""
    from drillbook.cli.edits import explicit

    source = read_source(file)
    edited = explicit(source.text, name=source.name)
    if write and edited.edits:
        _replace(file, source, edited.text)
    if as_json:
        _tell_json(source, [asdict(edit) for edit in edited.edits], written=write)
        return
    _show(source)
    if edited.edits:
        verb = "Written" if write else "Edits that would make this explicit"
        say(f"\n{paint(verb, 'bold')} (the reading stays the same):")
    for edit in edited.edits:
        say(f"  line {edit.line}, {edit.why}:")
        say(paint(f"    - {visible(edit.before)}", "red"))
        say(paint(f"    + {visible(edit.after.rstrip())}", "green"))
    if edited.edits and not write:
        say(f"Apply them: drillbook import {file} --write")


def _show(source: "BookFile") -> None:
    from shutil import get_terminal_size

    from drillbook.cli.check import counts_say
    from drillbook.cli.reading import counted, lines_skipped, outline, side_by_side
    from drillbook.compiler.check import check_book
    from drillbook.compiler.source import lines_of

    checked = check_book(source.text, name=source.name)
    book = checked.book
    width = get_terminal_size((100, 24)).columns
    for line in side_by_side(book, lines_of(source.text), width):
        say(line)
    say()
    for runbook in book.runbooks:
        say(f"{paint('Runbook', 'dim')} ({runbook.form})")
        for line in outline(runbook):
            say(line)
        say()
    skipped = counted(lines_skipped(book), "line")
    say(f"{source.name}: {counts_say(checked.counts)}; {skipped} skipped")
    if book.remark:
        say(f"{source.name}: {book.remark}")


def _tell_json(source: "BookFile", edits: list[dict[str, object]], *, written: bool) -> None:
    from drillbook.compiler.check import check_book

    checked = check_book(source.text, name=source.name)
    book = checked.book
    tell_json(
        {
            "file": source.name,
            "counts": asdict(checked.counts),
            "remark": book.remark,
            "runbooks": [asdict(runbook) for runbook in book.runbooks],
            "contacts": [asdict(contact) for contact in book.contacts],
            "skipped": [asdict(skipped) for skipped in book.skipped],
            "lines": [asdict(line) for line in book.lines],
            "edits": edits,
            "written": written and bool(edits),
        }
    )


def _replace(file: Path, source: "BookFile", text: str) -> None:
    from drillbook.compiler.source import encode

    if str(file) == "-":
        raise Refused("standard input cannot be written", hint="Name a file.")
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(encode(text, like=source.data))
        beside.chmod(file.stat().st_mode & 0o777)
        beside.replace(file.resolve())
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror}", hint="Check the file's permissions."
        ) from error
    finally:
        if os.path.lexists(beside):
            beside.unlink()
