"""The command's face: help, versions, completion, and what must not be imported for them."""

import ast
import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer.main

from cli.place import Place, says
from drillbook.cli.exit_codes import OF_STATE, SENTENCES, ExitCode, code_of
from drillbook.cli.lazy import Modules
from drillbook.cli.table import COMMANDS
from drillbook.core import errors
from drillbook.engine.outcome import State

HEAVY = (
    "dbos", "sqlalchemy", "psycopg", "pydantic", "rich", "httpx", "cryptography", "celpy",
    "drillbook.engine", "drillbook.actions", "drillbook.providers", "drillbook.core.catalog",
)  # fmt: skip


def loaded_by(*arguments: str) -> list[str]:
    """Return which heavy modules a command line imports."""
    code = (
        "import io, json, sys\n"
        "from drillbook.cli.main import run\n"
        "told, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO())\n"
        f"assert run({list(arguments)!r}) == 0\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=told)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(ended.stdout)
    return found


def test_help_imports_nothing_heavy() -> None:
    assert loaded_by("--help") == []


def test_check_of_a_file_without_directives_imports_nothing_heavy(tmp_path: Path) -> None:
    book = tmp_path / "RUNBOOKS.md"
    book.write_text("## Runbook: A\n\n### Steps\n1. **One**\n   - Look\n")

    for command in (("check", str(book)), ("strip", str(book)), ("show", str(book), "a")):
        # Typer itself reads the arguments of any command with pydantic.
        assert set(loaded_by(*command)) <= {"pydantic"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    command = Modules()[name]

    assert (command.help or "").partition("\n")[0].partition(";")[0].rstrip(".") == COMMANDS[
        name
    ].says.rstrip(".")


def every_command() -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, command in Modules().items():
        found.append((name, command))
        for inner, sub in getattr(command, "commands", {}).items():
            found.append((f"{name} {inner}", sub))
    return found


def test_every_command_shows_examples_and_help_for_every_option() -> None:
    for name, command in every_command():
        if not getattr(command, "commands", None):
            epilog = getattr(command, "epilog", "") or ""
            assert f"drillbook {name.split()[0]}" in epilog, name
        for parameter in command.params:  # type: ignore[attr-defined]  # a Click command
            assert parameter.help, (name, parameter.name)


def test_every_reading_command_can_print_json() -> None:
    reading = {
        "check", "show", "import", "plan", "runs", "runs show", "actions", "doctor", "report",
        "journal verify", "journal verify-bundle", "range status", "watch", "run",
    }  # fmt: skip
    with_json = {
        name
        for name, command in every_command()
        if any("--json" in parameter.opts for parameter in command.params)  # type: ignore[attr-defined]  # as above
    }

    assert reading <= with_json


def test_help_without_a_command_and_version(place: Place) -> None:
    assert "Write runbooks:" in place.run().stdout
    assert place.run("--version").stdout == "drillbook 0.1.0\n"
    assert "drillbook strip" in place.run("help", "strip").stdout


def test_an_unknown_command_or_option_is_one_sentence_with_the_nearest(place: Place) -> None:
    says(place.run("chek"), 2, "chek", "Did you mean 'check'")
    says(place.run("check", "--jsom", "x.md"), 2, "--jsom")
    says(place.run("check"), 2, "drillbook check --help")
    says(place.run("help", "chek"), 2, "Did you mean check?")
    assert json.loads(place.run("chek", "--json").stderr)["error"]["exit_code"] == 2


def test_completion_knows_commands_actions_and_answers(place: Place) -> None:
    def completed(words: str, at: int) -> str:
        asked = {"_DRILLBOOK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        return place.run(**asked).stdout

    assert completed("drillbook ru", 1).split() == ["run", "runs"]
    assert "database.access" in completed("drillbook actions database.a", 2)
    assert "not-needed" in completed("drillbook answer r-1 1.1 not", 4)
    assert "database-migration" in completed("drillbook plan database-m", 2)
    assert completed("drillbook watch r-", 2).strip() == ""


def test_every_ending_of_a_run_has_a_code_and_every_code_a_sentence() -> None:
    assert OF_STATE.keys() == {str(state) for state in State}
    assert SENTENCES.keys() == set(ExitCode)


def test_every_kind_of_error_has_its_code() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.DrillbookError)
    ]

    codes = {kind.__name__: code_of(kind("x")) for kind in kinds}

    assert codes == {
        "BookInvalid": 2, "Damaged": 10, "DrillbookError": 1, "Failed": 1, "NotFound": 2,
        "OutcomeUnknown": 6, "Refused": 3, "SettingsInvalid": 2, "Unavailable": 9,
        "UndoImpossible": 3,
    }  # fmt: skip


def test_the_exit_codes_are_explained(place: Place) -> None:
    shown = place.run("help", "exit-codes").stdout

    for code, sentence in SENTENCES.items():
        assert f"{int(code):>3}  {sentence}" in shown


def test_no_module_of_the_face_imports_a_heavy_one_before_it_is_called() -> None:
    """What `cli.main` loads at once must stay light, whoever edits it."""
    light = {"main", "lazy", "table", "exit_codes"}
    folder = Path(import_module("drillbook.cli").__path__[0])
    for name in light:
        tree = ast.parse((folder / f"{name}.py").read_text())
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("drillbook.engine"), name


def test_a_crash_is_one_sentence_and_a_scrubbed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drillbook.cli.crash import written
    from drillbook.core.secret import register

    register("canary-secret-4711", name="env:CANARY")
    monkeypatch.setenv("DRILLBOOK_HOME", str(tmp_path / "home"))

    def unforeseen() -> None:
        raise ZeroDivisionError("by canary-secret-4711")

    try:
        unforeseen()
    except ZeroDivisionError as error:
        told = written(error)

    file = Path(str(told).rpartition("written to ")[2])
    assert str(told).startswith("unexpected error: ZeroDivisionError: by [secret env:CANARY]")
    assert file.parent == tmp_path / "home" / "logs"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in file.read_text()
    assert "canary-secret-4711" not in file.read_text()


def test_a_closed_pipe_is_quiet(place: Place) -> None:
    place.write("long.md", "## Runbook: A\n\n### Steps\n" + "1. **One**\n   - Look\n" * 20000)
    with subprocess.Popen(
        [sys.executable, "-m", "drillbook", "strip", "long.md"],
        cwd=place.folder,
        env=place.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_typer_builds_the_whole_group() -> None:
    from drillbook.cli.main import app

    assert list(typer.main.get_group(app).commands) == list(COMMANDS)


def test_every_kind_of_entry_has_a_mark_and_a_word() -> None:
    from drillbook.cli.live.words import MARKS
    from drillbook.core.record import EntryKind

    assert MARKS.keys() == set(EntryKind)
