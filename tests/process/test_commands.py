"""Commands that run to their end: output, time-outs, secrets, refusals."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import NotFound, Refused
from drillbook.core.process_identity import identify, wait_until_gone
from drillbook.core.secret import register
from drillbook.ports.commands import Command, Ending, Stream
from drillbook.providers.process.commands import TAIL_BYTES, ProcessCommands
from drillbook.providers.process.output import LINE_LIMIT, LONGEST_LINE, Lines, tail_text
from drillbook.providers.process.shim import started_at


def shell(script: str, **values: object) -> Command:
    return Command(("sh", "-c", script), effect_key=f"effect of {script}", **values)  # type: ignore[arg-type]  # passed through


def test_command_reports_its_output_its_errors_and_its_exit_code(
    commands: ProcessCommands,
) -> None:
    heard: list[tuple[Stream, str]] = []

    finished = commands.run(
        shell("echo out; echo wrong >&2; printf 'no newline'; exit 3"),
        on_output=lambda stream, line: heard.append((stream, line)),
    )

    assert finished.ending is Ending.EXITED
    assert finished.exit_code == 3
    assert not finished.succeeded
    assert finished.output_tail == "out\nno newline"
    assert finished.error_tail == "wrong\n"
    assert [line for stream, line in heard if stream is Stream.OUTPUT] == ["out", "no newline"]
    assert [line for stream, line in heard if stream is Stream.ERRORS] == ["wrong"]


def test_signal_that_ended_the_command_is_named(commands: ProcessCommands) -> None:
    finished = commands.run(shell("kill -SEGV $$"))

    assert finished.ending is Ending.SIGNALLED
    assert finished.exit_code == -11


def test_command_past_its_time_is_asked_to_end(tmp_path: Path) -> None:
    patient = ProcessCommands(tmp_path / "commands", grace_seconds=60)

    asked = patient.run(shell("trap 'echo asked; exit 4' TERM; sleep 600", timeout_seconds=0.5))

    assert (asked.ending, asked.exit_code) == (Ending.TIMED_OUT, 4)
    assert asked.output_tail == "asked\n"


def test_command_that_does_not_listen_is_killed(commands: ProcessCommands) -> None:
    killed = commands.run(shell("trap '' TERM; sleep 600 & wait; wait", timeout_seconds=0.3))

    assert (killed.ending, killed.exit_code) == (Ending.TIMED_OUT, -9)


def test_deadline_of_the_task_is_shorter_than_the_commands_own_time(
    commands: ProcessCommands,
) -> None:
    token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.3)))
    try:
        finished = commands.run(shell("exec sleep 600"))
    finally:
        deadline.reset(token)

    assert finished.ending is Ending.TIMED_OUT


def test_nothing_a_finished_command_started_runs_on(commands: ProcessCommands) -> None:
    finished = commands.run(shell("setsid sleep 600 & sleep 600 & echo $!"))

    assert finished.succeeded
    assert identify(int(finished.output_tail)) is None


def test_huge_output_with_a_slow_reader_blocks_nothing_and_keeps_the_end(
    commands: ProcessCommands,
) -> None:
    script = "import os; print(os.getpid(), flush=True)\n"
    script += "for n in range(400_000): print(f'line {n} of a lot of output')"
    heard: list[str] = []

    def slow(stream: Stream, line: str) -> None:
        heard.append(line)
        if len(heard) == 1:
            command = identify(int(line))
            assert command is not None
            # It can end only if nobody waits for this reader.
            assert wait_until_gone(command, 60)

    finished = commands.run(
        Command((sys.executable, "-c", script), effect_key="huge"), on_output=slow
    )

    assert finished.succeeded
    assert finished.output_tail.endswith("line 399999 of a lot of output\n")
    assert finished.output_tail.startswith("… line ")
    assert len(finished.output_tail) <= TAIL_BYTES + 2
    assert len(heard) < 400_000
    assert [line for line in heard if line.endswith("bytes were not shown")]


def test_large_input_reaches_the_command_and_one_that_does_not_read_is_no_harm(
    commands: ProcessCommands,
) -> None:
    data = b"0123456789abcdef" * 100_000

    counted = commands.run(shell("wc -c", stdin=data))
    ignored = commands.run(shell("exec true", stdin=data))

    assert counted.output_tail.strip() == str(len(data))
    assert ignored.succeeded


def test_environment_is_small_and_what_the_command_asked_for(
    commands: ProcessCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")

    finished = commands.run(Command(("env",), effect_key="env", env={"PGPASSWORD": "given"}))

    names = {line.partition("=")[0] for line in finished.output_tail.splitlines()}
    assert "PGPASSWORD" in names
    assert "PATH" in names
    assert "DATABASE_URL" not in names


def test_secret_is_scrubbed_from_lines_and_tails_and_is_in_no_argument_list(
    commands: ProcessCommands,
) -> None:
    secret = "canary-5f1d0c"
    register(secret, name="env:CANARY")
    heard: list[str] = []

    finished = commands.run(
        shell(
            'echo "out $SECRET"; echo "err $SECRET" >&2; cat; cat /proc/[0-9]*/cmdline',
            env={"SECRET": secret},
            stdin=f"in {secret}\n".encode(),
        ),
        on_output=lambda _, line: heard.append(line),
    )

    assert "out [secret env:CANARY]" in heard
    assert "in [secret env:CANARY]" in heard
    shown = "\n".join([*heard, finished.output_tail, finished.error_tail])
    assert secret not in shown
    assert shown.count("[secret env:CANARY]") == 6
    assert secret not in repr(Command(("x",), effect_key="k", env={"A": secret}))


def test_secret_cut_by_the_bounds_of_the_tail_does_not_show_in_part() -> None:
    secret = "canary-" + "s" * 50
    register(secret, name="env:CUT")

    cut = tail_text(f"{secret[20:]}\nnext {secret}\n".encode(), whole=False)
    lines: list[str] = []
    long = Lines(lines.append)
    long.add(("x" * (LONGEST_LINE - 10) + secret + "\nnext\n").encode())

    assert cut == "… next [secret env:CUT]\n"
    assert "sss" not in lines[0]
    assert lines[1] == "next"


def test_line_without_an_end_is_shown_cut_and_the_next_line_whole() -> None:
    lines: list[str] = []
    shown = Lines(lines.append)

    for _ in range(5):
        shown.add(b"y" * (LINE_LIMIT // 2))
    shown.add("\nnext ä".encode()[:-1])
    shown.add("ä".encode()[1:], final=True)

    assert [len(line) for line in lines] == [LONGEST_LINE + len("… (cut)"), len("next ä")]
    assert lines[1] == "next ä"


def test_missing_program_is_not_found_with_a_hint(
    commands: ProcessCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    barred = tmp_path / "barred"  # for root no folder is, for others it may not hide what is so
    barred.mkdir(mode=0o000)
    monkeypatch.setenv("PATH", f"{barred}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(NotFound, match="the program no-such-program is not on") as caught:
        commands.run(Command(("no-such-program",), effect_key="k"))

    assert "PATH" in caught.value.hint


def test_program_that_may_not_be_run_and_a_missing_folder_are_refused(
    commands: ProcessCommands, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("not a program")

    with pytest.raises(Refused, match="may not be run"):
        commands.run(Command((str(text),), effect_key="k"))
    with pytest.raises(Refused, match="cannot be entered"):
        commands.run(Command(("true",), effect_key="k", folder=tmp_path / "missing"))

    assert commands.run(Command(("pwd",), effect_key="k", folder=tmp_path)).output_tail == (
        f"{tmp_path}\n"
    )


def test_error_in_the_reader_ends_the_command(commands: ProcessCommands) -> None:
    heard: list[int] = []

    def fails(stream: Stream, line: str) -> None:
        heard.append(int(line))
        raise RuntimeError("the reader is broken")

    with pytest.raises(RuntimeError, match="the reader is broken"):
        commands.run(shell("echo $$; trap '' TERM; while :; do sleep 600; done"), on_output=fails)

    assert identify(heard[0]) is None


def test_commands_run_side_by_side_in_many_threads(commands: ProcessCommands) -> None:
    def run(number: int) -> str:
        return commands.run(shell(f"echo {number}; echo {number} >&2")).output_tail

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(run, range(32)))

    assert answers == [f"{number}\n" for number in range(32)]


def test_no_file_of_the_worker_is_open_in_the_command(commands: ProcessCommands) -> None:
    finished = commands.run(Command(("ls", "/proc/self/fd"), effect_key="k"))

    # 3 is the folder ls reads.
    assert finished.output_tail.split() == ["0", "1", "2", "3"]


def test_shim_and_worker_read_the_same_start_time() -> None:
    me = identify(os.getpid())

    assert me is not None
    assert me.started == started_at(os.getpid())
