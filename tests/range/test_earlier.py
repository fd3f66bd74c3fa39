"""A range that was made before it had a cloud."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.range.earlier import APP, end_app, renew

STACK = """\
# Written by `drillbook range up`, once: change what you like, only the apps' ports are kept right.

[environments.production.database]
provider = "postgres"
url = "file:production/database.url"

[environments.production.app]
provider = "http"
url = "http://127.0.0.1:34583"
health = "/api/health"

[environments.production.logs]
provider = "file"
path = "production/app.log"

[environments.production.backups]
folder = "backups/production"
rpo = "24h"
replication = "file:production/replication.url"
wal_archive = "production/wal"
scratch = "scratch"

[environments.staging.database]
provider = "postgres"
url = "file:staging/database.url"

[environments.staging.app]
provider = "http"
url = "http://127.0.0.1:33053"
health = "/api/health"

[environments.staging.logs]
provider = "file"
path = "staging/app.log"

[environments.staging.backups]
folder = "backups/staging"
scratch = "scratch"

# On a practice stack nobody has to agree; yours should ask: "1 approval from dba".
[policy]
production = { write = "auto", destroy = "auto" }
staging = { write = "auto", destroy = "auto" }

[roles]
dba = ["ana@example.com", "li@example.com"]
owner = ["kim@example.com"]
"""


def test_stack_file_that_nobody_changed_makes_room_for_the_one_of_now(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(STACK)

    said = list(renew(tmp_path))

    assert said == ["stack.toml is of an earlier range: written anew"]
    assert not (tmp_path / "stack.toml").exists()


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (STACK.replace('rpo = "24h"', 'rpo = "1h"'), True),
        (STACK.replace('provider = "http"', 'provider = "vercel"'), False),
    ],
)
def test_file_that_somebody_changed_stays_and_what_it_lacks_is_said(
    tmp_path: Path, text: str, is_told: bool
) -> None:
    (tmp_path / "stack.toml").write_text(text)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "booking.toml").write_text("# my own\n")

    said = " ".join(renew(tmp_path))

    assert ("names no hosting and no repository" in said) is is_told
    assert (tmp_path / "stack.toml").read_text() == text
    assert (tmp_path / "checks" / "booking.toml").read_text() == "# my own\n"


def test_app_of_then_is_ended_and_that_of_another_range_is_not(tmp_path: Path) -> None:
    waits = (sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", APP, "serve")
    apps = [
        subprocess.Popen([*waits, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=-1)
        for name in ("production", "other")
    ]
    try:
        for app in apps:
            assert app.stdout is not None
            app.stdout.readline()

        ended, again = end_app(tmp_path / "production"), end_app(tmp_path / "staging")

        assert (ended, again) == (True, False)
        assert apps[0].wait(5) == -signal.SIGTERM
        assert apps[1].poll() is None
    finally:
        for app in apps:
            app.kill()
            app.communicate()
