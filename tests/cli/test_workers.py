"""The background worker: started when none lives, once, and again when it dies."""

import json
import os
import signal
import time
from pathlib import Path

from cli.books import COMMANDS, PLAIN, stack
from cli.place import Place
from cli.terminal import Terminal
from drillbook.core.process_identity import send_signal
from drillbook.engine.spawn import ensure_worker, log_path, worker_alive
from drillbook.engine.store import Store


def test_one_worker_is_started_for_many_commands_and_leaves_no_secret_in_argv(
    place: Place,
) -> None:
    place.write("RUNBOOKS.md", PLAIN)
    place.env["CANARY"] = "canary-4711"

    first = place.begin("small")
    place.begin("small")

    (worker,) = place.workers()
    argv = Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
    assert argv.endswith(b"drillbook\0worker\0--until-idle\0")
    assert b"CANARY=canary-4711" in environment
    assert os.getsid(worker.pid) == worker.pid
    assert log_path(place.home).stat().st_mode & 0o777 == 0o600
    assert place.json("runs", "show", first)["summary"]["worker"].split("-")[-2] == str(worker.pid)


def test_the_viewer_starts_another_worker_when_the_first_is_killed(place: Place) -> None:
    place.write("RUNBOOKS.md", COMMANDS)
    place.write("stack.toml", stack())
    with Terminal(place, "run", "slow") as terminal:
        terminal.sees("works")
        (first,) = place.workers()
        send_signal(first, signal.SIGKILL)
        ends = time.monotonic() + 60
        while all(worker == first for worker in place.workers()):
            assert time.monotonic() < ends, "no other worker was started"
            terminal._read(0.2)
        place.write("go", "")

        assert terminal.ends() == 0
        assert "Done." in terminal.text


def test_ensure_worker_starts_none_where_one_lives(place: Place) -> None:
    place.write("RUNBOOKS.md", PLAIN)
    place.begin("small")
    store = Store(f"sqlite:///{place.home / 'store.db'}", place.home)

    assert worker_alive(store)
    assert ensure_worker(store) is False


def test_a_worker_ends_at_sigterm_and_starts_no_other(place: Place) -> None:
    place.write("RUNBOOKS.md", PLAIN)
    place.begin("small")
    (worker,) = place.workers()
    store = Store(f"sqlite:///{place.home / 'store.db'}", place.home)

    send_signal(worker, signal.SIGTERM)

    ends = time.monotonic() + 60
    while worker_alive(store):
        assert time.monotonic() < ends, "the worker did not end"
        os.sched_yield()
    assert place.workers() in ([], [worker])


def test_runs_of_a_postgres_store_need_nothing_but_its_url(place: Place, database_url: str) -> None:
    place.write("RUNBOOKS.md", PLAIN)
    place.env["DRILLBOOK_STORE"] = database_url
    place.write(
        "a.toml", '["1.1"]\nanswer="done"\n["1.2"]\nanswer="done"\n["2.1"]\nanswer="done"\n'
    )

    try:
        ended = place.run("run", "small", "--unattended", "--answers", "a.toml")

        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert place.json("runs")[0]["state"] == "done"
        assert place.json("journal", "verify")["size"] > 0
        assert not (place.home / "store.db").exists()
    finally:
        place.end()
        del place.env["DRILLBOOK_STORE"]  # the database goes before the place does


def test_json_errors_carry_kind_hint_and_code(place: Place) -> None:
    ended = place.run("runs", "show", "r-nobody", "--json")

    told = json.loads(ended.stderr)["error"]
    assert ended.returncode == told["exit_code"] == 2
    assert told["kind"] == "NotFound"
    assert told["hint"]
    assert ended.stdout == ""
