"""The clients as a process: as many as the traffic's flow wants, each at its pace."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread

from drillbook.range.traffic.client import Client
from drillbook.range.traffic.pace import Pace
from drillbook.range.traffic.recorder import BEGAN, ENDED, Recorder
from drillbook.range.traffic.shape import Flow, read_flow

LOOK_SECONDS = 0.2
LAST_SECONDS = 2.0


def main() -> None:
    """Run the clients: `clients serve FOLDER RECORD [tied]`."""
    folder, record = Path(sys.argv[2]), Path(sys.argv[3])
    ending = Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    if "tied" in sys.argv:
        Thread(target=_end_with_starter, daemon=True).start()
    with record.open("a", encoding="utf-8") as file:
        recorder = Recorder(file)
        recorder.session(BEGAN)
        _come(folder, recorder, ending)
        recorder.session(ENDED)
        with suppress(OSError):
            os.fsync(file.fileno())
        # Whoever still waits for an answer does not get it: those requests stay without an end.
        os._exit(0)


def _come(folder: Path, recorder: Recorder, ending: Event) -> None:
    """Let clients come, and more of them when the flow grows, until the end."""
    pace = Pace(read_flow(folder) or Flow())
    threads: list[Thread] = []
    while True:
        for number in range(len(threads), pace.flow.active(time.time())):
            chance = Random(f"{pace.flow.seed}/{number}")  # noqa: S311 - the same people each time
            client = Client(folder, recorder, pace, number, chance)
            threads.append(Thread(target=client.run, daemon=True))
            threads[-1].start()
        if ending.wait(LOOK_SECONDS):
            break
        flow = read_flow(folder) or pace.flow
        if flow != pace.flow:
            pace.change(flow)
    pace.end()
    deadline = time.monotonic() + LAST_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _end_with_starter() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
