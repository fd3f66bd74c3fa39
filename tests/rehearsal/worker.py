"""A worker that rehearses until it is killed: `python worker.py FOLDER FILE`, the URL in PGURL."""

import os
import sys
from pathlib import Path

from drillbook.core.effect import Effect
from drillbook.ports.migrations import Change
from drillbook.ports.rehearsals import How
from drillbook.providers.postgres.copies import Copies
from drillbook.providers.postgres.rehearsal.rehearsals import PostgresRehearsals
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.process.commands import ProcessCommands


def say(says: str, _fraction: float | None) -> None:
    print(says, flush=True)


if __name__ == "__main__":
    folder, text = Path(sys.argv[1]), sys.argv[2]
    copies = Copies(
        Server(lambda: os.environ["PGURL"], "production"),
        ScratchRoom(folder / "scratch"),
        ProcessCommands(folder / "commands"),
    )
    change = Change(name="1_slow.sql", sha256="0" * 64, text=text)
    rehearsals = PostgresRehearsals(copies, try_way_back=None)
    rehearsals.rehearse(change, Effect(key="r-1/2.1", progress=say), How())
