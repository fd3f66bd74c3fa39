"""
Measure the journal: append throughput, verification of N entries, peak memory.

Run it alone: `python -m benchmarks.bench_journal --entries 1000000`. The log is filled in batches;
single appends (two entries, one commit, one signature: what a task costs) are measured apart.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from benchmarks.memory import peak_mib
from drillbook.engine.journal import Entry, Journal, open_journal

BATCH = 5_000
SINGLE_APPENDS = 2_000
STORE = "sqlite:///bench"


def task_entries(number: int) -> tuple[Entry, Entry]:
    """Return what a read task records: that it started, and what it found."""
    run, task, now = f"r-{number // 20:06x}", f"{number % 20 // 4}.{number % 4}", datetime.now(UTC)
    return (
        Entry(run=run, kind="task.started", task=task, at=now, key=f"{run}/{task}/started"),
        Entry(
            run=run,
            kind="task.done",
            task=task,
            at=now,
            data={
                "action": "database.health",
                "result": {"connections": number % 97, "database": "bookings", "seconds": 0.0125},
            },
            key=f"{run}/{task}/done",
        ),
    )


def append_one_by_one(journal: Journal, numbers: range) -> list[float]:
    """Return the milliseconds of each append of two entries."""
    took = []
    for number in numbers:
        pair = task_entries(number)
        started = time.perf_counter()
        journal.append(*pair)
        took.append((time.perf_counter() - started) * 1000)
    return took


def append_in_batches(journal: Journal, entries: int) -> float:
    """Fill the log up to a number of entries; return the entries per second."""
    head = journal.head()
    size = head.size if head else 0
    started, first, number = time.perf_counter(), size, SINGLE_APPENDS
    while size < entries:
        pairs = range(number, number + min(BATCH, entries - size + 1) // 2)
        number = pairs.stop
        batch = [entry for n in pairs for entry in task_entries(n)][: entries - size]
        if not batch:
            batch = [Entry(run="", kind="worker.started", at=datetime.now(UTC))]
        size = journal.append(*batch).size
    return (size - first) / (time.perf_counter() - started)


def _verify(home: str, answers: Connection) -> None:
    journal = open_journal(STORE, Path(home))
    before = peak_mib()
    verified = journal.verify()
    journal.close()
    peak = peak_mib()
    answers.send((verified.size, verified.seconds, peak, peak - before))


def verify_in_a_fresh_process(home: Path) -> tuple[int, float, float, float]:
    """Return size, seconds, and the process's peak memory (all, and by verifying) in MiB."""
    context = multiprocessing.get_context("spawn")  # forked memory would be counted too
    ours, theirs = context.Pipe()
    process = context.Process(target=_verify, args=(str(home), theirs))
    process.start()
    answer: tuple[int, float, float, float] = ours.recv()
    process.join()
    return answer


def measure(entries: int) -> dict[str, float]:
    """Return the figures for a log of this many entries."""
    with tempfile.TemporaryDirectory(prefix="drillbook-bench-") as folder:
        home = Path(folder)
        journal = open_journal(STORE, home)
        single = sorted(append_one_by_one(journal, range(SINGLE_APPENDS)))
        per_second = append_in_batches(journal, entries)
        late = append_one_by_one(journal, range(10**8, 10**8 + 200))
        journal.close()
        size_bytes = (home / "journal.db").stat().st_size
        size, seconds, peak, grown = verify_in_a_fresh_process(home)
    return {
        "entries": size,
        "append_two_ms_median": round(median(single), 3),
        "append_two_ms_p99": round(single[len(single) * 99 // 100], 3),
        "append_two_ms_median_at_full_size": round(median(late), 3),
        "append_batch_entries_per_second": round(per_second),
        "verify_seconds": seconds,
        "verify_peak_mib": round(peak, 1),
        "verify_grown_mib": round(grown, 1),
        "file_mb": round(size_bytes / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    print(json.dumps(measure(parser.parse_args().entries), indent=1))


if __name__ == "__main__":
    main()
