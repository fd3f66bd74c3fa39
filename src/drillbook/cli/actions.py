"""`drillbook actions`: what a task can name, one page each."""

from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.completing import complete_action
from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.cli.action_pages import Page

app = new_app()


@app.command(
    epilog=examples(
        "drillbook actions",
        "drillbook actions backup",
        "drillbook actions migration.apply",
        "drillbook actions --json",
    )
)
def actions(
    name: Annotated[
        str,
        typer.Argument(
            help="An action or a domain; none lists all.", autocompletion=complete_action
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the actions, or explain one."""
    from drillbook.cli.action_pages import page_of, pages_of
    from drillbook.cli.catalog import load_catalog

    catalog = load_catalog()
    if name in catalog:
        page = page_of(catalog[name])
        if as_json:
            tell_json(page.as_json())
        else:
            _explain(page)
        return
    pages = pages_of(catalog, name)
    if as_json:
        tell_json([page.as_json() for page in pages])
        return
    _list(pages)


def _list(pages: list["Page"]) -> None:
    width = max(len(page.name) for page in pages)
    for page in pages:
        risk = paint(f"{page.risk:<7}", {"write": "yellow", "destroy": "red"}.get(page.risk, "dim"))
        say(f"{page.name:<{width}}  {risk}  {page.says}")
    say(f"\n{len(pages)} actions. One in full: drillbook actions {pages[0].name}")


def _explain(page: "Page") -> None:
    say(f"{paint(page.name, 'bold')}  {page.says}")
    if page.more:
        say(f"\n{page.more}")
    say(f"\n{paint('Risk', 'bold')}      {page.risk}")
    say(f"{paint('Way back', 'bold')}  {page.way_back}")
    say(f"{paint('Acts on', 'bold')}   {page.acts_on}")
    say(f"\n{paint('Values', 'bold')}")
    for line in page.value_lines() or ["  none"]:
        say(line)
    say(f"\n{paint('Result', 'bold')}")
    for line in page.result_lines() or ["  nothing"]:
        say(line)
    say(f"\n{paint('Written', 'bold')}   {page.example}")
