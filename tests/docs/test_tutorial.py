import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.console import Terminal, environment, fences, typed_in, workers_in
from drillbook.core.process_identity import send_signal

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    folder = tmp_path / "work"
    folder.mkdir()
    terminal = Terminal(folder, environment(tmp_path / "home"))
    yield terminal
    # Whatever went wrong above: nothing that was started here stays.
    for process in workers_in(tmp_path):
        send_signal(process, signal.SIGKILL)
    terminal.folder = folder
    terminal._run("drillbook range down --folder practice --remove > /dev/null 2>&1; true")


@pytest.mark.timeout(400)
def test_the_tutorial_does_what_it_says(terminal: Terminal) -> None:
    try:
        terminal.carry_out(PAGE)
    finally:
        for seconds, command in terminal.took:
            print(f"{seconds:6.1f} s  {command}")

    shown = [typed.command for fence in fences(PAGE) for typed in typed_in(fence)]
    assert len(shown) > 25
    assert {"drillbook range", "drillbook plan", "drillbook run"} <= {
        " ".join(command.split()[:2]) for command in shown
    }
    assert len(terminal.ids) == 7
