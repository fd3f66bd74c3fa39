"""Writers that commit all the time, so that no moment of a server is a quiet one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

WRITERS = 3


@contextmanager
def writing(address: str) -> Iterator[None]:
    """Write in a few sessions, waited for and not, until the block ends."""
    stop = threading.Event()
    writers = [threading.Thread(target=_write, args=(address, stop, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def _write(address: str, stop: threading.Event, number: int) -> None:
    with psycopg.connect(address, autocommit=True) as session:
        session.execute(f"SET synchronous_commit = {'off' if number else 'on'}")
        while not stop.wait(0.002):
            session.execute("INSERT INTO visits (customer, at) VALUES (1, clock_timestamp())")
            session.execute(
                "UPDATE customers SET notes = jsonb_build_object('n', random()) WHERE id = %s",
                [number * 50 + 1],
            )
