"""A person at the terminal is asked there, may leave with Ctrl-C, and come back."""

import pytest

from cli.books import COMMANDS, PLAIN, stack
from cli.place import Place
from cli.terminal import Terminal

CTRL_C, CTRL_D = b"\x03", b"\x04"


@pytest.fixture(scope="module")
def home(shared: Place) -> Place:
    shared.write("RUNBOOKS.md", PLAIN + "\n" + COMMANDS)
    shared.write("stack.toml", stack())
    return shared


def run_id(terminal: Terminal) -> str:
    return terminal.sees(": ").split()[1].rstrip(":")


def test_human_tasks_are_asked_and_answered_at_the_terminal(home: Place) -> None:
    with Terminal(home, "run", "small") as terminal:
        terminal.sees("? 1.1 See the light")
        terminal.sees("> ")
        terminal.types("perhaps")
        terminal.sees("'perhaps' is no answer to task 1.1")
        terminal.types("d bright and warm")
        terminal.sees("(done by ana: bright and warm)")
        terminal.sees("? 1.2 Polish it")
        terminal.types("n")
        terminal.sees("? 2.1 Close the door")
        terminal.types("done")

        assert terminal.ends() == 0
        assert "Done." in terminal.text


def test_ctrl_c_leaves_and_watch_comes_back(home: Place) -> None:
    with Terminal(home, "run", "small") as terminal:
        run = run_id(terminal)
        terminal.sees("> ")
        terminal.presses(CTRL_C)

        assert terminal.ends() == 8
        assert f"Come back: drillbook watch {run}" in terminal.text
    assert home.waits(run) == ["1.1"]
    with Terminal(home, "watch", run) as terminal:
        for task in ("1.1", "1.2", "2.1"):
            terminal.sees(f"? {task}")
            terminal.types("done")

        assert terminal.ends() == 0


def test_ctrl_d_leaves_as_ctrl_c_does(home: Place) -> None:
    with Terminal(home, "run", "small") as terminal:
        terminal.sees("> ")
        terminal.presses(CTRL_D)

        assert terminal.ends() == 8


def test_what_somebody_else_answers_is_seen_and_the_next_question_asked(home: Place) -> None:
    with Terminal(home, "run", "small") as terminal:
        run = run_id(terminal)
        terminal.sees("? 1.1")
        assert home.run("answer", run, "1.1", "done", user="li").returncode == 0
        terminal.sees("(done by li)")
        terminal.sees("? 1.2")
        terminal.presses(CTRL_C)

        assert terminal.ends() == 8


def test_a_write_is_confirmed_by_typing_the_targets_name(home: Place) -> None:
    with Terminal(home, "run", "one-write") as terminal:
        terminal.sees("Type production to let it happen")
        terminal.types("staging")
        terminal.sees("the target's name is 'production'")
        terminal.types("production")
        terminal.sees("? 2.1 See that it is there")
        terminal.types("could-not gone again")
        terminal.sees("With no answer by then: way-back")
        terminal.types("way")

        assert terminal.ends() == 4
        assert "undone" in terminal.text
        assert "Failed, and taken back whole" in terminal.text
    assert not (home.folder / "marks").exists()


def test_a_choice_shows_its_options(home: Place) -> None:
    with Terminal(home, "run", "choice") as terminal:
        terminal.sees("1.1.2  To the right")
        terminal.types("1.1.2")

        assert terminal.ends() == 0
        assert "To the right by ana" in terminal.text


def test_without_colours_the_words_say_the_same(home: Place) -> None:
    with Terminal(home, "run", "choice", NO_COLOR="1", TERM="dumb") as terminal:
        terminal.sees("1.1.1  To the left")
        terminal.types("1.1.1")

        assert terminal.ends() == 0
        assert "\x1b" not in terminal.raw
        assert "answered" in terminal.text


def test_the_requester_cannot_approve_and_is_told_who_can(place: Place) -> None:
    place.write("RUNBOOKS.md", COMMANDS)
    place.write("stack.toml", stack("1 approval from dba"))
    with Terminal(place, "run", "one-write") as terminal:
        run = run_id(terminal)
        terminal.sees(f"a colleague types: drillbook approve {run} 1.1")
        with Terminal(place, "approve", run, "1.1") as own:
            assert own.ends() == 3
            assert "ana requested this run and cannot approve it" in own.text
        with Terminal(place, "approve", run, "1.1", user="max") as stranger:
            assert stranger.ends() == 3
            assert "max holds none of the roles dba" in stranger.text
        with Terminal(place, "approve", run, "1.1", user="li") as colleague:
            colleague.sees("plan ")
            colleague.sees("remembered ")
            colleague.sees("Approve this plan and this state?")
            colleague.types("yes")
            assert colleague.ends() == 0
        terminal.sees("approved")
        terminal.sees("by li")
        terminal.sees("? 2.1")
        terminal.types("done")

        assert terminal.ends() == 0


def test_a_colleague_who_does_not_say_yes_sends_nothing(place: Place) -> None:
    place.write("RUNBOOKS.md", COMMANDS)
    place.write("stack.toml", stack("1 approval from dba"))
    with Terminal(place, "run", "one-write") as terminal:
        run = run_id(terminal)
        terminal.sees("a colleague types")
        with Terminal(place, "approve", run, "1.1", user="li") as colleague:
            colleague.sees("Approve this plan and this state?")
            colleague.types("hm")
            assert colleague.ends() == 3
            assert "not approved; nothing was sent" in colleague.text
        assert place.waits(run) == ["1.1"]
        assert place.run("decline", run, "1.1", "--note", "not today", user="li").returncode == 0
        terminal.sees("li declined: not today")
        terminal.sees("? 1.1")
        terminal.types("stop")

        assert terminal.ends() == 7


def test_do_shows_the_result_and_confirms_a_write(home: Place) -> None:
    with Terminal(home, "do", "command.run", "on=production", "name=mark") as terminal:
        terminal.sees("Type production to let it happen")
        terminal.types("production")
        terminal.sees("exit_code: 0")

        assert terminal.ends() == 0
