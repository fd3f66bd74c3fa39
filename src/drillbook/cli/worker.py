"""`drillbook worker`: carries runs out in this process."""

import os
import sys
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
    print(f"worker {os.getpid()} carries out the runs of {store.says()}", flush=True)
    if carrying.wait(until_idle=until_idle):
        # A run queued while this worker was ending finds it alive and starts no other: so look,
        # be known no more, and look again.
        if not _was_left(store):
            carrying.leave()
        if _was_left(store):
            from drillbook.engine.spawn import start_worker

            start_worker(store)
    sys.stdout.flush()
    os._exit(0)  # all is stored, and to end the engine's own threads would take 10 s


def _was_left(store: "Store") -> bool:
    from drillbook.engine.runs import opened

    with opened(store) as runs:
        return runs.any_under_way()
