import os
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.actions import command
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, OutcomeUnknown, Unavailable
from drillbook.ports.team_commands import TeamCommands
from drillbook.stack.stack import load_stack

EFFECT = Effect(key="r-1:3.1", run="r-1", task="3.1")


def commands(folder: Path, code: str, *, idempotent: bool = False, more: str = "") -> TeamCommands:
    (folder / "program.py").write_text(code)
    (folder / "stack.toml").write_text(
        f"""
[environments.test]
[commands.restart]
argv = ["{sys.executable}", "program.py"]
idempotent = {str(idempotent).lower()}
{more}
[commands.missing]
argv = ["drillbook-no-such-program"]
"""
    )
    return load_stack(folder / "stack.toml").port("test", TeamCommands)


COUNTING = """
import os, pathlib
with open("count", "a") as file:
    file.write("x")
print("for", os.environ["DRILLBOOK_ARGUMENT"], "in", os.environ["DRILLBOOK_ENVIRONMENT"])
"""


def count(folder: Path) -> int:
    return len((folder / "count").read_text())


def test_a_command_runs_once_and_a_look_finds_how_it_ended(tmp_path: Path) -> None:
    port = commands(tmp_path, COUNTING)

    before = command.run.look(port, EFFECT, name="restart", argument="$(rm -rf /)")
    ran = command.run.do(port, EFFECT, name="restart", argument="$(rm -rf /)")
    after = command.run.look(port, EFFECT, name="restart", argument="$(rm -rf /)")

    assert before is None
    assert (ran.exit_code, ran.output_tail) == (0, "for $(rm -rf /) in test\n")
    assert after == ran
    assert count(tmp_path) == 1


def test_another_worker_that_missed_the_end_does_not_start_it_again(tmp_path: Path) -> None:
    port = commands(tmp_path, COUNTING)
    command.run.do(port, EFFECT, name="restart")

    with pytest.raises(Unavailable, match="another worker has just carried out"):
        command.run.do(port, EFFECT, name="restart")

    assert count(tmp_path) == 1


def test_a_command_that_fails_says_how_and_may_be_tried_again(tmp_path: Path) -> None:
    code = COUNTING + "import sys\nprint('disk full', file=sys.stderr)\nsys.exit(3)\n"
    port = commands(tmp_path, code)

    with pytest.raises(Failed, match=r"restart ended with exit code 3 .* disk full"):
        command.run.do(port, EFFECT, name="restart")
    assert command.run.look(port, EFFECT, name="restart") is None
    with pytest.raises(Failed):
        command.run.do(port, EFFECT, name="restart")

    assert count(tmp_path) == 2


WORKER = """
import os
import subprocess
import sys
from pathlib import Path
from drillbook.actions import command
from drillbook.core.effect import Effect
from drillbook.ports.team_commands import TeamCommands
from drillbook.stack.stack import load_stack

port = load_stack(Path(sys.argv[1])).port("test", TeamCommands)
effect = Effect(key="r-1:3.1", run="r-1", task="3.1")
command.run.do(port, effect, name="restart")
"""
# Tells through a pipe that it runs, and then for the first time never ends.
HANGING = """
import os, time
with open("count", "a") as file:
    file.write("x")
first = os.path.getsize("count") == 1
if first:
    with open("begun", "w") as pipe:
        pipe.write("begun")
    time.sleep(600)
"""


def killed_in_the_middle(folder: Path) -> None:
    """Let a worker start the command, and kill it with -9 while the command runs."""
    os.mkfifo(folder / "begun")
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(folder / "stack.toml")])
    try:
        assert (folder / "begun").read_text() == "begun"
    finally:
        worker.kill()
        worker.wait()


def test_a_command_whose_end_nobody_saw_is_unknown_and_not_started_again(tmp_path: Path) -> None:
    port = commands(tmp_path, HANGING)
    killed_in_the_middle(tmp_path)

    with pytest.raises(OutcomeUnknown, match="nobody knows how it ended"):
        command.run.look(port, EFFECT, name="restart")
    with pytest.raises(OutcomeUnknown):
        command.run.do(port, EFFECT, name="restart")

    assert count(tmp_path) == 1


def test_a_command_that_may_run_twice_is_started_again_after_a_kill(tmp_path: Path) -> None:
    port = commands(tmp_path, HANGING, idempotent=True)
    killed_in_the_middle(tmp_path)

    assert command.run.look(port, EFFECT, name="restart") is None
    assert command.run.do(port, EFFECT, name="restart").exit_code == 0
    assert count(tmp_path) == 2


def test_a_command_over_its_time_is_ended_and_fails(tmp_path: Path) -> None:
    port = commands(tmp_path, "import time\ntime.sleep(60)", more='timeout = "300ms"')

    with pytest.raises(Failed, match="its time was up"):
        command.run.do(port, EFFECT, name="restart")


def test_an_unknown_command_is_told_with_those_that_exist(tmp_path: Path) -> None:
    port = commands(tmp_path, "")

    with pytest.raises(NotFound, match="no command 'restrat'") as caught:
        command.run.do(port, EFFECT, name="restrat")

    assert "Did you mean restart? There are: restart, missing." in caught.value.hint


def test_a_program_that_is_not_there_has_not_been_started(tmp_path: Path) -> None:
    port = commands(tmp_path, "")

    with pytest.raises(NotFound, match="is not on this machine"):
        command.run.do(port, EFFECT, name="missing")

    assert command.run.look(port, EFFECT, name="missing") is None


def test_secrets_of_a_command_reach_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTART_SECRET", "canary-restart-91")
    code = "import os\nprint('token', os.environ['TOKEN'], len(os.environ['TOKEN']))"
    port = commands(tmp_path, code, more='environment = { TOKEN = "env:RESTART_SECRET" }')

    ran = command.run.do(port, EFFECT, name="restart")

    assert ran.output_tail == "token [secret env:RESTART_SECRET] 17\n"
    kept = "".join(path.read_text() for path in (tmp_path / ".drillbook").rglob("*.json"))
    assert "canary" not in kept
