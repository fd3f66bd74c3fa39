"""The real command in a folder of its own, with an empty home; its workers end with the test."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from drillbook.cli.main import run
from drillbook.core.process_identity import ProcessIdentity, send_signal

COMMAND = [sys.executable, "-m", "drillbook"]
PATIENCE_SECONDS = 120.0


@dataclass
class Place:
    """A working folder, the environment of its commands, and what they started."""

    folder: Path
    env: dict[str, str]
    started: list[subprocess.Popen[Any]] = field(default_factory=list)
    inside: bool = False  # in this process: the engine's 0.8 s of imports are then paid once

    @property
    def home(self) -> Path:
        return Path(self.env["DRILLBOOK_HOME"])

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def run(
        self, *arguments: str, user: str = "ana", typed: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, without a terminal."""
        whole = self.env | {"DRILLBOOK_USER": user} | env
        if self.inside:
            return _call(arguments, self.folder, whole, typed)
        ended = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=whole,
            input=typed,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return subprocess.CompletedProcess(
            ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
        )

    def json(self, *arguments: str, user: str = "ana", code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        ended = self.run(*arguments, "--json", user=user)
        assert ended.returncode == code, ended.stderr + ended.stdout
        return json.loads(ended.stdout)

    def events(self, *arguments: str, code: int) -> list[dict[str, Any]]:
        """Run a command that prints one object a line."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == code, ended.stderr + ended.stdout
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def begin(self, runbook: str, *arguments: str) -> str:
        """Start a run in the background and return its id."""
        told = self.events("run", runbook, "--detach", *arguments, code=0)
        return str(told[0]["run"])

    def waits(self, run: str) -> list[str]:
        return [waiting["task"] for waiting in self.json("runs", "show", run)["waits"]]

    def workers(self) -> list[ProcessIdentity]:
        if store := self.env.get("DRILLBOOK_STORE"):
            with psycopg.connect(store) as session:
                rows = session.execute("SELECT pid, started FROM drillbook.workers").fetchall()
            return [ProcessIdentity(*row) for row in rows]
        told = [json.loads(p.read_text()) for p in (self.home / "workers").glob("*.lock")]
        return [ProcessIdentity(each["pid"], each["started"]) for each in told]

    def end(self) -> None:
        """End every worker by its number; the start time keeps others of that number safe."""
        for process in self.started:
            process.kill()
            process.wait()
        for worker in self.workers():
            send_signal(worker, signal.SIGKILL)


def _call(
    arguments: tuple[str, ...], folder: Path, env: dict[str, str], typed: bytes
) -> subprocess.CompletedProcess[str]:
    """Call what the command calls, with a folder, an environment and streams of its own."""
    out, err = _Stream(), _Stream()
    before, folder_before = dict(os.environ), Path.cwd()
    streams = sys.stdin, sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(typed)), out, err
    try:
        code = run(list(arguments))
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.chdir(folder_before)
        os.environ.clear()
        os.environ.update(before)
    return subprocess.CompletedProcess(arguments, code, out.text(), err.text())


class _Stream(io.TextIOWrapper):
    """A stream that keeps what was written to it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        kept = self.buffer
        assert isinstance(kept, io.BytesIO)
        return kept.getvalue().decode()


def environment_of(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    home = folder / "login"
    home.mkdir()
    return kept | {
        "HOME": str(home),
        "DRILLBOOK_HOME": str(folder / "home"),
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "120",
    }


@contextmanager
def opened_place(folder: Path) -> Iterator[Place]:
    work = folder / "work"
    work.mkdir()
    place = Place(work, environment_of(folder))
    try:
        yield place
    finally:
        place.end()


def says(ended: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    """Hold a refusal against what each must be: sentence, hint, code, no traceback."""
    assert ended.returncode == code, (ended.returncode, ended.stderr, ended.stdout)
    lines = ended.stderr.splitlines()
    assert lines[0].startswith("error: "), ended.stderr
    assert len(lines) == 2, ended.stderr
    assert lines[1].startswith("hint: "), ended.stderr
    assert "Traceback" not in ended.stderr
    for part in parts:
        assert part in ended.stderr, ended.stderr
