"""What the records of commands leave on disk."""

from pathlib import Path

from drillbook.ports.team_commands import NamedCommand
from drillbook.providers.process.commands import ProcessCommands
from drillbook.stack.sections import CommandSection
from drillbook.stack.team_commands import RecordedCommands


def test_what_a_killed_writer_left_of_a_record_goes_with_the_next_record(tmp_path: Path) -> None:
    records = tmp_path / "records"
    commands = RecordedCommands(
        environment="production",
        sections={"say": CommandSection(argv=("true",), idempotent=True)},
        folder=tmp_path,
        records=records,
        commands=ProcessCommands(tmp_path / "commands"),
    )
    command = NamedCommand(name="say", effect_key="r-1/1.1")
    commands.run(command)
    (ended,) = records.glob("*.ended.json")
    left = ended.with_suffix(".12345.draft")
    left.write_text("half")

    ended.unlink()
    commands.run(command)

    assert not left.exists()
    assert ended.exists()
