import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.console import Terminal, environment, fences, workers_in
from drillbook.core.process_identity import send_signal
from drillbook.range.status import RangeStatus
from drillbook.stack.reading import read_stack_file

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "README.md"


@pytest.fixture
def terminal(tmp_path: Path, practice_range: RangeStatus) -> Iterator[Terminal]:
    """A stranger's shell, whose database is the practice range's."""
    folder = tmp_path / "work"
    folder.mkdir()
    terminal = Terminal(folder, environment(tmp_path / "home"))
    ground = practice_range.folder
    stack = read_stack_file(practice_range.stack_file)
    app = stack.environments["production"].app
    assert app is not None
    terminal.here = {
        "https://example.com": app.url.written,
        "/var/log/app/app.log": str(ground / "production" / "app.log"),
    }
    for variable, name in (("DATABASE_URL", "production"), ("STAGING_DATABASE_URL", "staging")):
        url = (ground / name / "database.url").read_text(encoding="utf-8")
        terminal.variables[variable] = url.strip()
    yield terminal
    for process in workers_in(tmp_path):
        send_signal(process, signal.SIGKILL)


@pytest.mark.timeout(400)
def test_what_the_readme_shows_is_what_its_commands_print(terminal: Terminal) -> None:
    terminal.carry_out(PAGE)

    assert terminal.ids.keys() == {"r-7f3k2m"}  # its run waits for a person, and changed nothing
    assert not list((terminal.folder / "backups" / "production").glob("r-*"))


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    targets = [
        line.split()[1]
        for fence in fences(PAGE)
        if fence.language == "sh"
        for line in fence.text.splitlines()
        if line.startswith("make ")
    ]

    assert targets == ["demo", "test"]
    for target in targets:
        asked = ["make", "--dry-run", target]
        made = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
