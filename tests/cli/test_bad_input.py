"""What can be wrong: one clear sentence, a hint, the right code, no traceback, nothing lost."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.books import COMMANDS, PLAIN, stack
from cli.place import Place, says
from drillbook.local.server import PostgresServer

MIGRATE = """\
## Runbook: Migrate

### Inputs
| Input | Type | Default | What it is |
|---|---|---|---|
| `migration` | file | | the SQL |
| `times` | integer | 1 | how often |

### Steps
1. **Apply**
   - See what is there `@migration.review on=staging file=${migration} as met`
     - expect: `!met.already_applied`
   - Apply it `@migration.apply on=staging file=${migration} as applied`
"""


def database(url: str) -> str:
    return f'[environments.staging.database]\nprovider = "postgres"\nurl = "{url}"\n'


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"# A\n\0\0", "is not text: a NUL byte"),
        (b"# A\n\xff\xfe\xff", "is not UTF-8"),
        (b"x" * (16 * 2**20 + 1), "more than 16 MiB"),
    ],
    ids=["empty", "blank", "binary", "not UTF-8", "huge"],
)
def test_a_file_that_cannot_be_a_book(place: Place, data: bytes, part: str) -> None:
    place.write("bad.md", data)

    for command in (["check", "bad.md"], ["plan", "a", "--book", "bad.md"]):
        says(place.run(*command), 2, "bad.md", part)


def test_a_file_that_cannot_be_read(place: Place) -> None:
    (place.folder / "loop.md").symlink_to("loop.md")
    (place.folder / "folder.md").mkdir()

    says(place.run("check", "none.md"), 2, "there is no file none.md")
    says(place.run("check", "loop.md"), 3, "loop.md cannot be read")
    says(place.run("show", "folder.md"), 3, "folder.md is a folder")
    says(place.run("check", "folder.md"), 2, "holds no .md file")
    says(place.run("strip", "none.md", "--output", "x"), 2, "there is no file none.md")
    assert not (place.folder / "x").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_permission(place: Place) -> None:
    place.write("secret.md", PLAIN).chmod(0)

    says(place.run("check", "secret.md"), 2, "secret.md", "is not readable")


def test_wrong_inputs_stop_the_start(place: Place) -> None:
    place.inside = True
    place.write("RUNBOOKS.md", MIGRATE)
    place.write("stack.toml", database("postgresql://nobody@127.0.0.1:1/none"))
    place.write("a.sql", "SELECT 1;")
    place.write("a.bin", b"\0\1")

    def refused(code: int, *inputs: str) -> str:
        ended = place.run("run", "migrate", *(f"-i{each}" for each in inputs))
        says(ended, code)
        return ended.stderr

    assert "migration" in refused(2)
    assert "'migration' is not name=value" in refused(2, "migration")
    assert "given twice" in refused(2, "migration=a.sql", "migration=a.sql")
    assert "migratoin" in refused(2, "migratoin=a.sql")
    assert "no file b.sql" in refused(2, "migration=b.sql")
    assert "times" in refused(2, "migration=a.sql", "times=many")
    assert "a.bin is a binary file" in refused(3, "migration=a.bin")
    assert not (place.home / "store.db").exists()


def test_an_unknown_runbook_or_procedure_names_the_nearest(place: Place) -> None:
    place.write("RUNBOOKS.md", PLAIN)

    says(place.run("plan", "smal-book"), 2, "there is no runbook 'smal-book'")
    says(place.run("plan", "small", "-p", "leaf"), 2, "no procedure 'leaf'")
    says(place.run("show", "RUNBOOKS.md", "smal"), 2, "Did you mean Small?")


def test_a_book_with_errors_is_not_run_and_every_error_is_named(place: Place) -> None:
    place.write("bad.md", "## Runbook: Bad\n\n### Steps\n1. **A**\n   - x `@no.such`\n")

    ended = place.run("run", "bad", "--book", "bad.md")

    says(ended, 2, "bad.md:5:9: DB201 there is no action no.such")


def test_a_wrong_stack_file_names_line_and_what_is_allowed(place: Place) -> None:
    place.write("RUNBOOKS.md", PLAIN)
    place.write("stack.toml", '[environments.production.databse]\nurl = "env:X"\n')

    for command in (["plan", "small"], ["run", "small"], ["doctor"], ["worker"]):
        says(place.run(*command), 2, "stack.toml:1", "databse", "database")


def test_a_password_in_the_stack_file_is_refused_and_not_repeated(place: Place) -> None:
    place.write("stack.toml", database("postgresql://me:canary-4711@db/app"))

    ended = place.run("doctor")

    says(ended, 2, "stack.toml:3", "password in plain text")
    assert "canary-4711" not in ended.stderr + ended.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_not_there_fails_the_read_and_changes_nothing(place: Place) -> None:
    place.write("stack.toml", database(f"postgresql://u@127.0.0.1:{free_port()}/x"))

    words = ("do", "database.access", "on=staging")
    with ThreadPoolExecutor() as pool:  # each waits between its attempts
        shown, structured = pool.submit(place.run, *words), pool.submit(place.json, *words, code=3)
        ended, told = shown.result(), structured.result()

    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "Not done; nothing was changed." in ended.stdout
    assert "connection" in ended.stdout.casefold()
    assert told["state"] == "refused"
    assert told["reason"]
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_store_that_cannot_be_used(place: Place) -> None:
    port = free_port()
    place.write("file", "not a folder")
    place.write("RUNBOOKS.md", PLAIN)
    home = place.folder / "damaged"
    home.mkdir()
    (home / "store.db").write_bytes(b"this is no database, and long enough to be looked at" * 20)
    url = f"postgresql://me:canary-4711@127.0.0.1:{port}/runs"

    with ThreadPoolExecutor() as pool:  # each waits between its attempts
        listing = pool.submit(place.run, "runs", DRILLBOOK_STORE=url)
        running = pool.submit(place.run, "run", "small", DRILLBOOK_STORE=url)
        absent, unused = listing.result(), running.result()
    says(absent, 9, "cannot be used")
    says(unused, 9, "cannot be used")
    assert "canary-4711" not in absent.stderr + absent.stdout
    says(place.run("runs", DRILLBOOK_STORE="mysql://x"), 2, "DRILLBOOK_STORE")
    says(place.run("runs", DRILLBOOK_STORE="postgresql://host"), 2, "names no database")
    says(place.run("runs", DRILLBOOK_HOME=str(place.folder / "file")), 2, "is a file")
    says(place.run("runs", DRILLBOOK_HOME="/proc/none"), 2, "/proc/none")
    says(place.run("runs", DRILLBOOK_HOME=str(home)), 9, "file is not a database")


def test_a_wrong_password_and_a_missing_database_of_the_store(
    place: Place, postgres_server: PostgresServer
) -> None:
    absent = place.run("runs", DRILLBOOK_STORE=postgres_server.url("there_is_none"))
    url = postgres_server.url().replace(postgres_server.password, "wrong-canary-4711")
    wrong = place.run("runs", DRILLBOOK_STORE=url)

    says(absent, 9, "there_is_none", "DRILLBOOK_STORE")
    says(wrong, 9, "password authentication failed", "DRILLBOOK_STORE")
    assert "wrong-canary-4711" not in wrong.stderr + wrong.stdout


def test_a_wrong_password_of_a_database_is_told_and_never_shown(
    place: Place, postgres_server: PostgresServer
) -> None:
    place.write("stack.toml", database("env:STAGING_URL"))
    url = postgres_server.url().replace(postgres_server.password, "wrong-canary-4711")
    place.env["STAGING_URL"] = url

    ended = place.run("do", "database.access", "on=staging")

    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "password" in ended.stdout
    kept = b"".join(file.read_bytes() for file in place.home.rglob("*") if file.is_file())
    assert "wrong-canary-4711" not in ended.stdout + ended.stderr
    assert b"wrong-canary-4711" not in kept


def test_a_migration_on_a_database_that_is_read_only_changes_nothing(
    place: Place, database_url: str
) -> None:
    place.write("RUNBOOKS.md", MIGRATE)
    place.write("stack.toml", database("env:STAGING_URL"))
    place.write("one.sql", "CREATE TABLE one (id integer);\n")
    place.env["STAGING_URL"] = f"{database_url}?options=-cdefault_transaction_read_only%3Don"

    ended = place.run("run", "migrate", "-i", "migration=one.sql", "--unattended")

    assert ended.returncode in (3, 4), ended.stdout + ended.stderr
    assert "read-only" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_wrong_values_of_do_are_told_in_words(place: Place) -> None:
    place.inside = True
    place.write("stack.toml", stack())

    says(place.run("do", "databse.access"), 2, "no action 'databse.access'", "database.access")
    says(place.run("do", "command.run", "on=production"), 2, "command.run needs name=")
    says(place.run("do", "command.run", "on=prod", "name=mark"), 2, "no environment prod")
    says(place.run("do", "command.run", "name=mark"), 2, "needs on=")
    says(place.run("do", "command.run", "on=staging", "nam=mark"), 2, "no key nam", "name")
    says(place.run("do", "command.run", "mark"), 2, "'mark' is not name=value")
    says(
        place.run("do", "command.run", "on=staging", "name=mark", "--confirm", "staging"),
        2,
        "asks for no confirmation",
    )
    says(place.run("do", "command.run", "on=production", "name=mark"), 3, "--confirm production")
    assert not (place.home / "store.db").exists()


def test_the_same_migration_twice_is_refused_the_second_time(
    place: Place, database_url: str
) -> None:
    place.write("RUNBOOKS.md", MIGRATE)
    place.write("stack.toml", database("env:STAGING_URL"))
    place.write("one.sql", "CREATE TABLE one (id integer);\n")
    place.env["STAGING_URL"] = database_url
    command = ["run", "migrate", "-i", "migration=one.sql", "--unattended"]

    first = place.run(*command)
    second = place.run(*command)

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 3, second.stdout + second.stderr
    assert "expected !met.already_applied" in second.stdout
    assert "nothing was changed" in second.stdout
    assert "Traceback" not in second.stdout + second.stderr


def test_a_worker_that_cannot_start_is_told_with_its_last_words(place: Place) -> None:
    place.write("RUNBOOKS.md", COMMANDS)
    place.write("stack.toml", stack())
    (place.home / "workers").parent.mkdir(parents=True)
    (place.home / "workers").write_text("in the way")

    ended = place.run("run", "choice")

    says(ended, 9, "worker")
    assert Path(place.home / "logs" / "worker.log").exists()
