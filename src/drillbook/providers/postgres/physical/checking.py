"""Check the files of a physical copy against the manifest that the server wrote."""

from pathlib import Path

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Damaged, Failed, Unavailable
from drillbook.core.postgres_tools import PostgresTools
from drillbook.ports.commands import Command, Commands, Ending, Finished
from drillbook.providers.postgres.programs import LONGEST_SECONDS

NAMED_AT_MOST = 10
# A store of objects keeps files only; a server does not start without these folders.
FOLDERS = (
    "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_logical/mappings", "pg_logical/snapshots",
    "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp",
    "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_wal/archive_status",
    "pg_wal/summaries",
)  # fmt: skip


def verify_copy(commands: Commands, data: Path, tools: PostgresTools, effect: Effect) -> None:
    """Run `pg_verifybackup`; Damaged names the files that are not as the server sent them."""
    finished = run_local(
        commands, tools, "pg_verifybackup", ("--quiet", str(data)), effect, folder=data
    )
    lines = [line.strip() for line in finished.error_tail.splitlines() if line.strip()]
    wrong = [line.partition("error: ")[2] for line in lines if "error: " in line]
    if finished.succeeded and not wrong:
        return
    named = "; ".join(wrong[:NAMED_AT_MOST]) or "; ".join(lines[-3:]) or "it said nothing"
    more = f" and {len(wrong) - NAMED_AT_MOST} more" if len(wrong) > NAMED_AT_MOST else ""
    raise Damaged(
        f"the copy in {data} is not what the server sent: {named}{more}",
        hint="Do not restore it; take another backup, and look at the disk.",
    )


def run_local(
    commands: Commands,
    tools: PostgresTools,
    name: str,
    arguments: tuple[str, ...],
    effect: Effect,
    *,
    folder: Path,
) -> Finished:
    """Run a program on files of this machine to its end, whatever that is."""
    command = Command(
        argv=(str(tools.folder / name), *arguments),
        effect_key=effect.key,
        env={"LC_ALL": "C"},
        timeout_seconds=deadline.get().left(at_most=LONGEST_SECONDS),
    )
    finished = commands.run(command)
    if finished.ending is Ending.TIMED_OUT:
        raise Unavailable(
            f"{name} was not done with {folder} after {finished.seconds:.0f} s and was ended",
            hint="Give the task a longer timeout.",
        )
    if finished.ending is Ending.SIGNALLED:
        raise Failed(
            f"{name} was killed while it read {folder}", hint="Look at the machine's memory."
        )
    return finished


def make_folders(data: Path) -> None:
    """Make the empty folders that a data folder has, as far as they are not there."""
    for name in FOLDERS:
        (data / name).mkdir(mode=0o700, exist_ok=True)
