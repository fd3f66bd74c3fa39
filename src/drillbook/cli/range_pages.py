"""`drillbook range announce`: post an incident on a status page of the range, or end it."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples

FOLDER = Path("range")
Folder = Annotated[Path, typer.Option("--folder", "-f", help="Where the range lies.")]


def add_pages(range_app: typer.Typer) -> None:
    """Add the command to those of the range."""
    show = examples(
        'drillbook range announce supabase "Logins fail" --component Auth --impact major',
        "drillbook range announce supabase --end",
    )
    range_app.command(name="announce", epilog=show)(announce)


def announce(
    page: Annotated[str, typer.Argument(help="The page: supabase, vercel, github or payments.")],
    title: Annotated[str, typer.Argument(help="What is wrong, as the page's owner words it.")] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", "-c", help="May be given again.")
    ] = None,
    impact: Annotated[str, typer.Option(help="none, minor, major or critical.")] = "minor",
    end: Annotated[bool, typer.Option("--end", help="Resolve what is open on the page.")] = False,
    folder: Folder = FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Post an incident on a status page of the range, whether anything is broken or not."""
    from drillbook.range.practice import announce as post
    from drillbook.range.practice import end_announced

    if end:
        ended = end_announced(folder, page)
        done, says = {"page": page, "ended": ended}, f"{page}: {ended} incidents resolved"
    else:
        made = post(folder, page, title, components=tuple(component or ()), impact=impact)
        done, says = {"page": page, "id": made}, f"{page}: posted {title!r} ({made})"
    if as_json:
        tell_json(done)
    else:
        say(says)
