"""A process that appends without end, or a number of times, and says which are acknowledged."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from drillbook.engine.journal import Entry, open_journal


def main(home: str, run: str, start: int, count: int) -> None:
    journal = open_journal(os.environ["STORE"], Path(home))
    for number in range(start, start + count):
        journal.append(
            *(
                Entry(
                    run=run,
                    kind=kind,
                    task=str(number),
                    at=datetime.now(UTC),
                    key=f"{run}/{number}/{kind}",
                )
                for kind in ("task.started", "task.done")
            )
        )
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
