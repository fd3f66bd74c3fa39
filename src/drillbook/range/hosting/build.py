"""Build a commit: its source laid out, its build command run, its environment frozen."""

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.core.errors import Failed
from drillbook.core.process_identity import identify, send_signal
from drillbook.local.archives import unpack
from drillbook.local.private_file import write_private
from drillbook.range.hosting.app_process import (
    ENVIRONMENT,
    SOURCE,
    SYSTEM_ENVIRONMENT,
)

DEFAULT_COMMAND = "python -m compileall -q ."
BUILD_SECONDS = 120.0
Say = Callable[[str], None]
Started = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, and the values that are frozen into it."""

    repository: Path
    commit: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Built:
    """What the build says about itself."""

    crons: tuple[tuple[str, str], ...]


def _nobody(pid: int) -> None:
    """Let the number of the build's process go: nobody cancels it."""


def build(order: Order, folder: Path, say: Say, started: Started = _nobody) -> Built:
    """
    Make a deployment's folder, over what an unfinished build left of it.

    `say` gets the lines of the build log; `started` the number of the process group that builds.
    Errors: Failed when the commit is not there or its build command does not succeed.
    """
    _end_unfinished((folder / SOURCE).resolve())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    source = folder / SOURCE
    say(f"Cloning the repository at commit {order.commit[:7]}")
    _lay_out(order, source)
    settings = _settings(source)
    command = str(settings.get("buildCommand") or DEFAULT_COMMAND)
    say(f'Running "{command}"')
    _run(command, source, order.environment, say, started)
    write_private(folder / ENVIRONMENT, json.dumps(dict(order.environment)))
    say("Build completed")
    crons = settings.get("crons") or []
    return Built(tuple((str(cron["path"]), str(cron["schedule"])) for cron in crons))


def _end_unfinished(source: Path) -> None:
    """End what a builder that was killed has left at work: it is known by where it works."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            place = (entry / "cwd").readlink()
        except OSError:
            continue  # it has ended, or is another user's
        process = identify(int(entry.name))
        if place.is_relative_to(source) and process is not None:
            send_signal(process, signal.SIGKILL)


def _lay_out(order: Order, source: Path) -> None:
    archived = subprocess.run(
        ["git", "--git-dir", str(order.repository), "archive", order.commit],
        capture_output=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if archived.returncode:
        words = archived.stderr.decode(errors="replace").strip()
        raise Failed(f"commit {order.commit} cannot be read: {words}")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        unpack(archive, source)


def _settings(source: Path) -> dict[str, Any]:  # Any: JSON written by whoever wrote the commit
    try:
        said = json.loads((source / "vercel.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Failed(f"vercel.json is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise Failed("vercel.json is not a JSON object")
    return said


def _run(
    command: str, source: Path, environment: Mapping[str, str], say: Say, started: Started
) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=source,
        env={**SYSTEM_ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    started(process.pid)
    try:
        said, _ = process.communicate(timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Failed(f'Command "{command}" took more than {BUILD_SECONDS:g} s') from error
    finally:
        stop_building(process.pid)
        process.wait()
    for line in said.decode(errors="replace").splitlines():
        say(line)
    if process.returncode:
        raise Failed(f'Command "{command}" exited with {process.returncode}')


def stop_building(pid: int) -> None:
    """End a build's process and those it started."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
