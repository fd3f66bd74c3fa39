"""A worker of its own: runs one command and prints what it hears; the tests kill and freeze it."""

import os
import signal
import sys
from pathlib import Path

from drillbook.core.errors import DrillbookError
from drillbook.ports.commands import Command, Stream
from drillbook.providers.process.commands import ProcessCommands


def show(stream: Stream, line: str) -> None:
    print(line, flush=True)


def freeze() -> None:
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


def die() -> None:
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    folder, before, *argv = sys.argv[1:]
    commands = ProcessCommands(Path(folder), patience_seconds=60, grace_seconds=0.5)
    start = {"freeze": freeze, "die": die, "go": None}[before]
    try:
        finished = commands.run(
            Command(tuple(argv), effect_key="one effect"), on_output=show, before_start=start
        )
    except DrillbookError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    else:
        print(f"finished {finished.exit_code}", flush=True)


main()
