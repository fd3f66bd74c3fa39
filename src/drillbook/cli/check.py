"""`drillbook check`: what is wrong in a file, where, and what to do."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.sources import markdown_files, read_source
from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.compiler.check import Checked, Counts
    from drillbook.compiler.diagnostics import Diagnostic
    from drillbook.core.policy import StackFacts

app = new_app()


@app.command(
    epilog=examples(
        "drillbook check RUNBOOKS.md",
        "drillbook check runbooks/ --json",
        "drillbook check - < RUNBOOKS.md",
    )
)
def check(
    files: Annotated[list[Path], typer.Argument(help="Markdown files or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check runbook files and say where what is wrong."""
    checked = [_checked(path) for path in markdown_files(files)]
    if as_json:
        tell_json({"files": [_as_json(each) for each in checked]})
    else:
        for each in checked:
            _show(each)
    if any(_is_error(found) for each in checked for found in each.diagnostics):
        raise typer.Exit(ExitCode.ERRORS)


def _checked(path: Path) -> "Checked":
    from drillbook.compiler.check import check_book

    source = read_source(path)
    text = source.text
    # The catalog and the stack cost 0.3 s: a file without directives needs neither.
    stack = _stack_facts() if "`@" in text else None
    from drillbook.cli.catalog import load_catalog

    return check_book(text, name=source.name, catalog=load_catalog, stack=stack)


def _stack_facts() -> "StackFacts | None":
    """Return what the nearest stack file says; without one, environments are not looked up."""
    from drillbook.stack.stack import load_stack

    stack = load_stack()
    return stack.facts() if stack.path else None


def _is_error(found: "Diagnostic") -> bool:
    return found.severity.value == "error"


def _as_json(checked: "Checked") -> dict[str, object]:
    return {
        "file": checked.book.name,
        "counts": asdict(checked.counts),
        "remark": checked.book.remark,
        "diagnostics": [asdict(found) for found in checked.diagnostics],
    }


def _show(checked: "Checked") -> None:
    name = visible(checked.book.name)
    for found in checked.diagnostics:
        say(_line(name, found))
    if checked.book.remark:
        say(f"{name}: {checked.book.remark}")
    errors = sum(map(_is_error, checked.diagnostics))
    ended = f", {errors} error{'' if errors == 1 else 's'}" if errors else ""
    say(f"{name}: {counts_say(checked.counts)}{ended}")


def _line(name: str, found: "Diagnostic") -> str:
    """Return `file:line:column: code message — hint`; a finding says that it is one."""
    code = paint(found.code, "red" if _is_error(found) else "yellow")
    word = "" if _is_error(found) else "finding: "
    hint = f" — {visible(found.hint)}" if found.hint else ""
    return f"{name}:{found.line}:{found.column}: {code} {word}{visible(found.message)}{hint}"


def counts_say(counts: "Counts") -> str:
    """Return what a file holds in words: `8 runbooks, 9 procedures, …, 1 finding`."""
    return ", ".join(
        f"{number} {word[:-1] if number == 1 else word}" for word, number in asdict(counts).items()
    )
