"""Postgres's own programs under `Commands`: address by environment, failures in sentences."""

import re
from collections.abc import Mapping
from pathlib import Path

from psycopg.pq import Conninfo

from drillbook.core.effect import deadline
from drillbook.core.errors import DrillbookError, Failed, Refused, Unavailable
from drillbook.core.postgres_tools import tool_for_server
from drillbook.core.secret import register, scrub
from drillbook.ports.commands import Command, Commands, Ending, Finished, OnOutput
from drillbook.providers.postgres.leftovers import session_name
from drillbook.providers.postgres.server import Server

LONGEST_SECONDS = 24 * 3600.0
_NOISE = re.compile(r"pg_(dump|restore): (?!error|fatal|warning|detail|hint)", re.IGNORECASE)
_WORDS: tuple[tuple[str, type[DrillbookError], str, str], ...] = (
    ("No space left on device", Failed, "the disk is full", "Free space, then try again."),
    ("could not extend file", Failed, "the server's disk is full", "Free space on the server."),
    ("Disk quota exceeded", Failed, "the disk quota is used up", "Free space, then try again."),
    (
        "row-level security",
        Refused,
        "row-level security hides rows from this role",
        "Use a role with BYPASSRLS, or the tables' owner.",
    ),
    ("permission denied", Refused, "this role may not", "Use the tables' owner or a superuser."),
    ("must be owner", Refused, "this role may not", "Use the tables' owner or a superuser."),
    ("server version mismatch", Refused, "the tool is too old", "Install a newer pg_dump."),
    ("could not obtain lock", Unavailable, "a table was locked", "Try again when it is free."),
    ("lock timeout", Unavailable, "a table was locked", "Try again when it is free."),
    ("password authentication", Refused, "the login was refused", "Check the url's password."),
    ("too many clients", Unavailable, "no connection was free", "End idle sessions."),
    ("connection", Unavailable, "the server went away", "Try again when the server answers."),
    ("terminating", Unavailable, "the server went away", "Try again when the server answers."),
)


def run_program(
    commands: Commands,
    server: Server,
    name: str,
    arguments: tuple[str, ...],
    *,
    effect_key: str,
    server_major: int,
    on_output: OnOutput | None = None,
) -> Finished:
    """Run a program to its successful end; raise our error with its own words otherwise."""
    program = tool_for_server(name, server_major)
    command = Command(
        argv=(str(program), *arguments),
        effect_key=effect_key,
        env=environment(server, effect_key),
        timeout_seconds=deadline.get().left(at_most=LONGEST_SECONDS),
    )
    finished = commands.run(command, on_output=on_output)
    if not finished.succeeded:
        raise _failure(name, server.where, finished)
    return finished


def environment(server: Server, effect_key: str) -> Mapping[str, str]:
    """Return the address as libpq's environment variables: nothing of it stands in an argv."""
    parts = server.parameters()
    if password := parts.get("password"):
        register(password, name=f"password of {server.name}")
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    found = {variables[key]: value for key, value in parts.items() if key in variables}
    return found | {"PGAPPNAME": session_name(effect_key), "LC_ALL": "C"}


def tool_path(name: str, server_major: int) -> Path:
    """Return the program that fits a server."""
    return tool_for_server(name, server_major)


def _failure(name: str, where: str, finished: Finished) -> DrillbookError:
    if finished.ending is Ending.TIMED_OUT:
        return Unavailable(
            f"{name} of {where} was not done after {finished.seconds:.0f} s and was ended",
            hint="Give the task a longer timeout.",
        )
    said = _last_words(finished.error_tail)
    for words, kind, reason, hint in _WORDS:
        if words.lower() in said.lower():
            return kind(f"{name} of {where} failed, {reason}: {said}", hint=hint)
    ending = "was killed" if finished.ending is Ending.SIGNALLED else "failed"
    return Failed(
        f"{name} of {where} {ending} ({finished.exit_code}): {said or 'it said nothing'}",
        hint="The words are the program's own.",
    )


def _last_words(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.match(line)]
    return scrub(" / ".join((telling or lines)[-4:])[:600])
