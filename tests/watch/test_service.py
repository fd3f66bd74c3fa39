"""The real command: killed -9 while it starts a run, and what on-call people see and may do."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cli.place import COMMAND, PATIENCE_SECONDS, Place, opened_place, says

BOOK = """# B

## Runbook: Hot
### Symptoms
- Too many fail `@when errors.raised("5m"), severity=high`
- Users write
### Steps
1. **Look**
   - Say it `@command.run on=production name=note`
"""
STACK = """
[environments.production.logs]
path = "app.log"
[commands.note]
argv = ["/bin/echo", "noted"]
idempotent = true
[lookout]
every = "500ms"
runbooks = ["Hot"]
"""


@dataclass
class Watching:
    """A lookout in a process of its own, and the lines it printed."""

    place: Place

    def start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*COMMAND, "lookout", "--json"],
            cwd=self.place.folder, env=self.place.env, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.place.started.append(process)
        return process

    def until(self, process: "subprocess.Popen[str]", *kinds: str) -> dict[str, Any]:
        """Read lines until one of these events."""
        assert process.stdout is not None
        for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            if told["event"] in kinds:
                return told
        raise AssertionError(f"it ended before {kinds}")


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    with opened_place(tmp_path_factory.mktemp("watch")) as place:
        place.inside = True
        place.write("runbooks/b.md", BOOK)
        place.write("stack.toml", STACK)
        _log(place.folder / "app.log")
        yield Watching(place)


def _log(path: Path) -> None:
    chance, now = Random(3), datetime.now(UTC)  # noqa: S311 - chance, no secret
    with path.open("w", encoding="utf-8") as file:
        for seconds in range(900, -60, -1):
            at = (now - timedelta(seconds=seconds)).isoformat()
            failed = seconds < 40 and chance.random() < 0.7
            line = {"time": at, "path": "/x", "status": 500 if failed else 200}
            file.write(json.dumps(line) + "\n")


def test_killed_at_once_it_opens_one_incident_and_starts_one_run(watching: Watching) -> None:
    place = watching.place
    first = watching.start()
    assert watching.until(first, "watching")["cannot_start"] == {}
    opened = watching.until(first, "opened")
    first.send_signal(signal.SIGKILL)
    first.wait()

    second = watching.start()
    watching.until(second, "symptom")
    other = place.run("lookout", "--runbook", "Hot")
    until(lambda: bool(place.json("runs")))
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=20) == 0

    says(other, 3, "a lookout watches already")
    (incident,) = place.json("incidents")
    (run,) = place.json("runs")
    assert incident["id"] == opened["incident"]["id"]
    assert incident["run"] == run["run"]
    assert run["by"] == "lookout"


def test_its_run_says_what_started_it_and_waits_for_whoever_comes(watching: Watching) -> None:
    place = watching.place
    (incident,) = place.json("incidents", "--open")
    run = incident["run"]

    shown = place.json("runs", "show", run)
    planned = next(entry for entry in shown["record"] if entry["kind"] == "run.planned")
    assert planned["data"]["incident"]["id"] == incident["id"]
    assert planned["data"]["incident"]["noticed"] == incident["noticed"]
    until(lambda: place.waits(run) == ["1.1"])
    approved = place.run("approve", run, "1.1", "--confirm", "production", user="li")

    assert approved.returncode == 0, approved.stderr
    assert place.run("watch", run).returncode == 0


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_signals_show_what_is_measured_without_a_lookout(watching: Watching) -> None:
    told = watching.place.json("signals")

    (symptom,) = told["symptoms"]
    assert symptom["condition"] == 'errors.raised("5m")'
    assert "requests failed" in symptom["says"]
    values = told["environments"]["production"]
    assert values['probes.failing("1m")']["says"] == "production names no app to ask"
    assert values['probes.failing("1m")']["known"] is False
    assert values['errors.rate("5m")']["value"] > 0.01
    assert told["unwatched"] == [
        {"runbook": "Hot", "text": "Users write", "why": "a person has to say so"}
    ]
    table = watching.place.run("signals").stdout
    assert 'errors.rate("5m")' in table
    assert "unknown" in table


def test_a_person_closes_an_incident_once_and_with_a_reason(watching: Watching) -> None:
    place = watching.place
    (incident,) = place.json("incidents", "--open")

    says(place.run("incidents", "close", incident["id"]), 2, "--note")
    assert place.run("incidents", "close", incident["id"], "--note", "a test").returncode == 0
    says(place.run("incidents", "close", incident["id"], "--note", "x"), 3, "is closed already")
    says(place.run("incidents", "show", "i-none"), 2, "there is no incident")
    shown = place.run("incidents", "show", incident["id"]).stdout
    assert "closed" in shown
    assert "ana: a test" in shown


def test_settings_that_cannot_be_meant_stop_the_start(watching: Watching) -> None:
    place = watching.place

    says(place.run("lookout", "--every", "often"), 2, "--every")
    says(place.run("lookout", "--runbook", "Hit"), 2, "no runbook 'Hit'")
    says(place.run("lookout", "--on", "moon"), 2, "no environment 'moon'")
    place.write("stack.toml", STACK.replace("500ms", "1ms"))
    says(place.run("lookout"), 2, "more often than every 500ms")
    place.write("stack.toml", STACK + 'start = "incident"\nunattended = true\n')
    says(place.run("lookout"), 2, "starts no run")
    place.write("stack.toml", STACK)


def test_what_no_run_could_be_started_of_is_told_when_the_lookout_starts(
    watching: Watching,
) -> None:
    watching.place.write("runbooks/b.md", BOOK.replace("@command.run", "@command.rum"))

    process = watching.start()
    told = watching.until(process, "watching")
    process.kill()

    assert "there is no action command.rum" in told["cannot_start"]["Hot"]
