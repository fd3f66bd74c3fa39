"""Runs from the command line, without a terminal: started, answered, ended, taken back."""

import json
import time
from pathlib import Path

import pytest

from cli.books import COMMANDS, PLAIN, stack
from cli.place import Place, says


@pytest.fixture(scope="module")
def home(shared: Place) -> Place:
    """A place whose worker carries out all runs of this module; commands are called inside."""
    shared.write("RUNBOOKS.md", PLAIN + "\n" + COMMANDS)
    shared.write("stack.toml", stack())
    shared.inside = True
    return shared


def answers(home: Place, run: str, *tasks: str) -> None:
    for task in tasks:
        wait_for(home, run, task)
        assert home.run("answer", run, task, "done").returncode == 0


def wait_for(home: Place, run: str, task: str = "1.1") -> None:
    """Return when the run waits for this task."""
    ends = time.monotonic() + 60
    while task not in home.waits(run):
        assert time.monotonic() < ends, f"{run} never waited for {task}"


def test_a_run_that_waits_for_a_person_is_left_with_8_and_says_how_to_answer(home: Place) -> None:
    ended = home.run("run", "small")

    assert ended.returncode == 8, ended.stderr
    run = ended.stdout.split()[1].rstrip(":")
    assert f"drillbook answer {run} 1.1 done|not-needed|could-not" in ended.stdout
    assert f"drillbook watch {run}" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_a_run_is_answered_from_another_terminal_and_ends_with_0(home: Place) -> None:
    run = home.begin("small")
    photo = home.write("photo.txt", "bright")
    wait_for(home, run)

    first = home.json("answer", run, "1.1", "done", "--note", "bright", "--evidence", str(photo))
    wait_for(home, run, "1.2")
    home.run("answer", run, "1.2", "not-needed")
    wait_for(home, run, "2.1")
    home.run("answer", run, "2.1", "done", user="li")
    watched = home.run("watch", run)

    assert first["entry"]["data"]["evidence"][0]["name"] == "photo.txt"
    assert watched.returncode == 0
    assert "answered   1.1 See the light (done by ana: bright)" in watched.stdout
    assert "answered   2.1 Close the door (done by li)" in watched.stdout
    assert watched.stdout.rstrip().endswith(f"report: drillbook report {run}")
    assert "Done." in watched.stdout
    assert home.json("runs", "--limit", "1")[0]["state"] == "done"
    assert run in home.run("runs").stdout


def test_could_not_asks_for_a_decision_and_stop_ends_with_7(home: Place) -> None:
    run = home.begin("small")
    wait_for(home, run)
    home.run("answer", run, "1.1", "could-not", "--note", "dark")
    wait_for(home, run)

    shown = home.run("runs", "show", run).stdout
    home.run("answer", run, "1.1", "stop")
    watched = home.run("watch", run)

    assert "retry|skip|stop" in shown
    assert "ana could not do it: dark" in shown
    assert watched.returncode == 7
    assert "Stopped by a person; nothing had been written." in watched.stdout


def test_json_of_a_run_is_its_record_line_by_line(home: Place) -> None:
    run = home.begin("small")
    answers(home, run, "1.1", "1.2", "2.1")

    events = home.events("watch", run, code=0)

    kinds = [event["event"] for event in events]
    assert kinds[0] == "run.planned"
    assert kinds[-2:] == ["run.ended", "end"]
    assert all(event["at"].endswith("Z") for event in events[:-1])
    assert events[-1]["exit_code"] == 0
    assert home.json("runs", "show", run)["record"][0]["kind"] == "run.planned"


def test_unattended_without_answers_is_refused_before_anything_starts(home: Place) -> None:
    before = len(home.json("runs", "--limit", "100"))

    ended = home.run("run", "small", "--unattended")

    says(ended, 3, "1.1", "--answers FILE")
    assert len(home.json("runs", "--limit", "100")) == before


def test_answers_by_id_and_by_text_carry_an_unattended_run_to_its_end(home: Place) -> None:
    home.write(
        "answers.toml",
        '["1.1"]\nanswer = "done"\nnote = "by machine"\n'
        '["Polish it (if needed)"]\nanswer = "not-needed"\n'
        '["2.1"]\nanswer = "done"\n',
    )

    ended = home.run("run", "small", "--unattended", "--answers", "answers.toml")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "(done by ana: by machine)" in ended.stdout


@pytest.mark.parametrize(
    ("runbook", "text", "parts"),
    [
        ("small", '["9.9"]\nanswer = "done"\n', ("no task '9.9'",)),
        ("small", '["See the lightt"]\nanswer = "done"\n', ("no task 'See the lightt'", "Did you")),
        ("small", '["1.1"]\nanswer = "finished"\n', ("'finished' is no answer", "could-not")),
        ("small", '["1.1"]\nanser = "done"\n', ("anser", "answer, confirm, note")),
        ("small", '["1.1"\n', ("is not TOML",)),
        ("small", 'confirm = "production"\n', ("asks for a confirmation",)),
        ("one-write", '["1.1"]\nconfirm = "prod"\n', ("'prod'", "'production'")),
        ("choice", '["1.1"]\nanswer = "1.1.9"\n', ("1.1.1, 1.1.2",)),
    ],
)
def test_a_wrong_answers_file_names_what_is_wrong(
    home: Place, runbook: str, text: str, parts: tuple[str, ...]
) -> None:
    home.write("wrong.toml", text)

    says(home.run("run", runbook, "--answers", "wrong.toml"), 2, *parts)


def test_a_choice_is_answered_by_id_or_by_its_text(home: Place) -> None:
    run = home.begin("choice")
    wait_for(home, run)

    says(home.run("answer", run, "1.1", "done"), 3, "Say one of 1.1.1, 1.1.2")
    told = home.json("answer", run, "1.1", "To the right")

    assert told["entry"]["data"]["option"] == "1.1.2"
    assert home.run("watch", run).returncode == 0


def test_a_write_on_production_is_confirmed_by_the_targets_name(home: Place) -> None:
    run = home.begin("one-write")
    wait_for(home, run)

    wrong = home.run("approve", run, "1.1", "--confirm", "prod")
    other = home.run("approve", run, "1.1", "--confirm", "production", user="li")
    right = home.run("approve", run, "1.1", "--confirm", "production")
    answers(home, run, "2.1")

    says(wrong, 3, "the target's name is 'production', and 'prod' was typed")
    says(other, 3, "ana requested this run and must confirm")
    assert right.returncode == 0, right.stderr
    assert home.run("watch", run).returncode == 0
    assert (home.folder / "marks").read_text() == "one\n"
    undone = home.run("undo", run)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert not (home.folder / "marks").exists()
    assert f"Run {run} was taken back whole" in undone.stdout


def test_a_failed_run_is_taken_back_whole_and_ends_with_4(home: Place) -> None:
    (home.folder / "marks").unlink(missing_ok=True)
    home.write("yes.toml", 'confirm = "production"\n')

    ended = home.run("run", "failing", "--unattended", "--answers", "yes.toml")

    assert ended.returncode == 4, ended.stdout + ended.stderr
    assert not (home.folder / "marks").exists()
    assert "exit code 3" in ended.stdout


def test_cancel_before_any_write_ends_with_3(home: Place) -> None:
    run = home.begin("small")
    wait_for(home, run)

    asked = home.run("cancel", run, "--note", "wrong one")
    watched = home.run("watch", run)

    assert asked.returncode == 0
    assert watched.returncode == 3
    assert "ana cancelled the run: wrong one" in watched.stdout


def test_a_run_stopped_dead_ends_watching_with_11_and_resumes(home: Place) -> None:
    run = home.begin("small")
    wait_for(home, run)

    assert home.run("cancel", run, "--dead").returncode == 0
    assert home.run("watch", run).returncode == 11
    assert home.run("resume", run, "--detach").returncode == 0
    answers(home, run, "1.1", "1.2", "2.1")

    assert home.run("watch", run).returncode == 0


def test_what_cannot_be_answered_is_refused_in_one_sentence(home: Place) -> None:
    run = home.begin("small")
    wait_for(home, run)

    says(home.run("answer", run, "2.1", "done"), 3, "does not wait", "Tasks that wait: 1.1")
    says(home.run("answer", run, "1.1", "maybe"), 3, "'maybe'", "done, not-needed, could-not")
    says(home.run("answer", run, "1.1", "not-needed"), 3, "not marked as optional", "--note")
    says(home.run("approve", run, "1.1"), 3, "does not wait for a yes")
    says(home.run("decline", run, "1.1"), 3, "drillbook answer")
    says(home.run("answer", run, "1.1", "done", "--evidence", "nope.png"), 2, "nope.png")
    for command in ("watch", "resume", "cancel", "undo", "report"):
        says(home.run(command, "r-nobody"), 2, "there is no run r-nobody", "newest runs")
    says(home.run("runs", "show", "r-nobody"), 2, "r-nobody")
    says(home.run("answer", "r-nobody", "1.1", "done"), 2, "r-nobody")
    says(home.run("cancel", run, "--leave", "--dead"), 2, "--leave and --dead")
    answers(home, run, "1.1", "1.2", "2.1")
    assert home.run("watch", run).returncode == 0
    says(home.run("answer", run, "1.1", "done"), 3, f"run {run} has ended")
    says(home.run("cancel", run), 3, "has ended")
    says(home.run("resume", run), 3, "has ended")
    says(home.run("undo", run), 3, "left nothing to take back")


def test_a_report_is_written_where_it_is_wanted(home: Place) -> None:
    run = home.begin("small")

    files = home.json("report", run, "-o", str(home.folder / "out"))["files"]

    assert [Path(file).suffix for file in files] == [".md", ".html"]
    assert all(Path(file).exists() for file in files)


def test_the_journal_is_verified_exported_and_tampering_is_found(home: Place) -> None:
    run = home.json("runs", "--limit", "1")[0]["run"]
    head = home.write("head.json", home.run("journal", "head").stdout)
    key = home.write("key.pub", home.run("journal", "keys").stdout)

    found = home.json("journal", "verify", "--against", str(head))
    exported = home.json("journal", "export", run, "-o", "run.zip")
    bundle = home.json("journal", "verify-bundle", "run.zip", "--key", str(key))
    data = bytearray((home.folder / "run.zip").read_bytes())
    data[len(data) // 2] ^= 1
    home.write("bent.zip", bytes(data))

    # Other tests' runs in this home may go on writing: the log may have grown since the head.
    assert found["consistent_since"] == json.loads(head.read_text())["size"] <= found["size"]
    assert exported["file"] == "run.zip"
    assert bundle["run"] == run
    says(home.run("journal", "verify-bundle", "bent.zip", "--key", str(key)), 10)
    says(home.run("journal", "verify", "--against", "{}"), 2, "no signed head")
    says(home.run("journal", "verify-bundle", "no.zip", "--key", str(key)), 2, "no.zip")
    says(home.run("journal", "verify-bundle", "run.zip", "--key", str(head)), 2, "public key")
    assert "Whole: nothing was changed" in home.run("journal", "verify").stdout
    # an export adds an entry to the run's record, and the run can still be looked at
    assert home.run("runs", "show", run).returncode == 0
