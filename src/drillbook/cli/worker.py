"""`drillbook worker`: carries runs out in this process."""

from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.engine.store import Store

app = new_app()


@app.command(
    epilog=examples(
        "drillbook worker                  # until Ctrl-C or SIGTERM",
        "drillbook worker --until-idle     # ends when nothing is under way",
    )
)
def worker(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when nothing has been under way for a while.")
    ] = False,
) -> None:
    """Carry runs out in this process."""
    from drillbook.cli.catalog import load_catalog
    from drillbook.cli.session import open_store
    from drillbook.engine.worker import Worker
    from drillbook.stack.live import LiveStack

    store = open_store()
    carrying = Worker(store, load_catalog(), LiveStack())
    carrying.start()
    try:
        was_idle = carrying.wait(until_idle=until_idle)
    finally:
        carrying.stop()
    if was_idle and _was_left(store):
        # A run queued while this worker was ending found it alive and started no other.
        from drillbook.engine.spawn import start_worker

        start_worker(store)


def _was_left(store: "Store") -> bool:
    from drillbook.cli.exit_codes import OF_STATE, ExitCode
    from drillbook.engine.runs import opened

    with opened(store) as runs:
        newest = runs.list(limit=20)
    return any(OF_STATE[each.state] is ExitCode.LEFT for each in newest)
