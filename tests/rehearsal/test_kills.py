"""A worker killed while it rehearses leaves no server, no folder and nothing on production."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from drillbook.core.process_identity import identify, running_with, wait_until_gone
from drillbook.providers.postgres.copies import Copies
from rehearsal.conftest import EFFECT

WORKER = Path(__file__).with_name("worker.py")


@pytest.mark.parametrize("until", ["copied", "rehearsing statement 1"])
def test_a_killed_rehearsal_is_gone_and_the_next_one_starts_clean(
    copies: Copies, booking_url: str, tmp_path: Path, until: str
) -> None:
    words = [sys.executable, str(WORKER), str(tmp_path), "SELECT pg_sleep(60)"]
    with subprocess.Popen(
        words, env=os.environ | {"PGURL": booking_url}, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            if line.startswith(until):
                break
        else:
            raise AssertionError("the worker ended before it could be killed")
        scratch = tmp_path / "scratch"
        servers = [
            found
            for place in scratch.glob("scratch-*")
            for found in running_with("-D", str((place / "data").resolve()))
        ]
        killed = identify(worker.pid)
        worker.send_signal(signal.SIGKILL)
        assert killed is not None
        assert wait_until_gone(killed, 10)

    assert all(wait_until_gone(server, 20) for server in servers)
    with copies.taken(EFFECT, physical=True) as copy:
        assert copy.kind == "physical"
        assert len(list(scratch.glob("scratch-*"))) <= 2
    assert [place.name for place in scratch.iterdir()] == ["lock"]
    with psycopg.connect(booking_url) as session:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        assert session.execute(asked, ["drillbook r-1/2.1"]).fetchone() == (0,)
