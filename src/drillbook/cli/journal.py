"""`drillbook journal`: verify the sealed record, and take proofs of it elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId
from drillbook.core.errors import NotFound, SettingsInvalid

if TYPE_CHECKING:
    from drillbook.engine.journal import Journal, TreeHead, Verified

app = new_app(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Bar = Callable[[int, int], None]


@app.callback()
def journal() -> None:
    """Verify the sealed record, and export from it."""


@app.command(
    epilog=examples(
        "drillbook journal verify",
        "drillbook journal verify --against head.json    # a head kept elsewhere",
    )
)
def verify(
    against: Annotated[
        str, typer.Option("--against", help="A head saved earlier: a file, or its JSON.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Public keys (PEM) that may have signed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every entry, the signed head and the evidence."""
    head = _read_head(against) if against else None
    keys = _read_text(key) if key else ""
    with _opened() as sealed, _bar(shown=not as_json) as bar:
        found = sealed.verify(against=head, keys=keys, progress=bar)
    if as_json:
        tell_json(found.model_dump(mode="json"))
        return
    _show(found)


def _show(found: "Verified") -> None:
    say(paint("Whole: nothing was changed, left out or added.", "green", "bold"))
    say(f"  {found.size:,} entries and {found.evidence_files:,} evidence files")
    say(f"  checked in {found.seconds:.1f} s")
    if found.head is not None:
        say(f"  root       {found.root}")
        pinned = "a key you gave or this home's own" if found.is_pinned else "a key the log names"
        say(f"  signed by  {found.signed_by[:16]} ({pinned})")
    if found.consistent_since is not None:
        say(f"  begins with exactly the {found.consistent_since:,} entries of the saved head")
    else:
        say("  An older state put back whole is found only against a head kept elsewhere:")
        say("  drillbook journal head > head.json")


@app.command(epilog=examples("drillbook journal head > /mnt/elsewhere/head.json"))
def head() -> None:
    """Print the signed head as JSON, for keeping elsewhere."""
    with _opened() as sealed:
        found = sealed.head()
    if found is None:
        raise NotFound("the journal is empty", hint="Nothing was recorded yet.")
    say(found.model_dump_json())


@app.command(epilog=examples("drillbook journal keys > journal.pub"))
def keys() -> None:
    """Print the public keys that sign the journal, as PEM."""
    with _opened() as sealed:
        found = sealed.public_keys()
    if not found:
        raise NotFound("the journal has no key yet", hint="Nothing was recorded yet.")
    sys.stdout.write(found)


@app.command(
    epilog=examples(
        "drillbook journal export r-7f3k2m",
        "drillbook journal export r-7f3k2m -o incident-42.zip",
    )
)
def export(
    run: RunId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; RUN.bundle.zip here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a file that proves one run with the public key alone."""
    from drillbook.cli.session import who

    path = output or Path(f"{run}.bundle.zip")
    with _opened() as sealed:
        written = sealed.export(run, path, by=who())
    if as_json:
        tell_json({"run": run, "file": str(written)})
        return
    say(f"{written}")
    say(f"Verify it anywhere: drillbook journal verify-bundle {written} --key journal.pub")
    say("The public key: drillbook journal keys > journal.pub")


@app.command(
    "verify-bundle",
    epilog=examples("drillbook journal verify-bundle r-7f3k2m.bundle.zip --key journal.pub"),
)
def check_bundle(
    file: Annotated[Path, typer.Argument(help="A bundle that `export` wrote.")],
    key: Annotated[
        Path, typer.Option("--key", help="The journal's public key (PEM), from elsewhere.")
    ],
    as_json: Json = False,
) -> None:
    """Verify a bundle without the store it came from."""
    from drillbook.engine.journal import verify_bundle

    bundle = verify_bundle(file, public_key=_read_text(key))
    if as_json:
        tell_json(
            {
                "run": bundle.run,
                "entries": len(bundle.entries),
                "evidence": [kept.model_dump(mode="json") for kept in bundle.evidence],
                "head": bundle.head.model_dump(mode="json"),
            }
        )
        return
    say(paint("Whole: this is what was recorded.", "green", "bold"))
    say(f"  run {visible(bundle.run)}, {len(bundle.entries):,} entries, none left out")
    say(f"  {len(bundle.evidence)} evidence files")
    say(f"  signed by {bundle.head.key[:16]} at {bundle.head.at:%Y-%m-%d %H:%M:%S} UTC")


@app.command(epilog=examples("drillbook journal adopt    # after the key's folder was lost"))
def adopt(as_json: Json = False) -> None:
    """Verify a journal signed by other keys, and sign it with this home's."""
    with _opened() as sealed:
        found = sealed.adopt()
    if as_json:
        tell_json(found.model_dump(mode="json"))
    else:
        say(f"Adopted: {found.size:,} entries, now signed by {found.key[:16]}.")


@contextmanager
def _opened() -> "Iterator[Journal]":
    from drillbook.cli.session import open_store
    from drillbook.engine.journal import open_journal

    store = open_store()
    sealed = open_journal(store.url, store.home)
    try:
        yield sealed
    finally:
        sealed.close()


@contextmanager
def _bar(*, shown: bool) -> Iterator[Bar | None]:
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("verifying")
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _read_head(given: str) -> "TreeHead":
    from drillbook.engine.journal import TreeHead

    text = given if given.lstrip().startswith("{") else _read_text(Path(given))
    try:
        return TreeHead.model_validate_json(text)
    except ValueError as error:
        raise SettingsInvalid(
            "what --against names is no signed head",
            hint="Give the file that `drillbook journal head` wrote.",
        ) from error


def _read_text(path: Path) -> str:
    from drillbook.core.files import read_file

    return read_file(path).text
