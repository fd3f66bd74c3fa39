"""The Supabase CLI on the range's projects: backups, who may connect, secrets, keys."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.twins.clients import Finding, run
from drillbook.range.cloud import PROJECT_REF, Cloud

CLIENT = "supabase"
BACKUP_SECONDS = 60.0
PROFILE = """\
name: practice
api_url: {url}
dashboard_url: {url}
docs_url: {url}
project_host: supabase.test
pooler_host: supabase.test
"""


def check(cloud: Cloud, home: Path) -> Iterator[Finding]:
    """Ask the CLI for each thing and look at what it says."""
    home.mkdir(parents=True, exist_ok=True)
    profile = home / "profile.yaml"
    profile.write_text(PROFILE.format(url=cloud.url("supabase")), encoding="utf-8")
    until = time.monotonic() + BACKUP_SECONDS
    listed = ["backups", "list", "-o", "json"]
    while '"COMPLETED"' not in _run(cloud, home, listed)[1] and time.monotonic() < until:
        time.sleep(0.5)
    yield _backups(cloud, home, listed)
    restrictions = "network-restrictions"
    yield _asked(cloud, home, ["projects", "list"], PROJECT_REF, ref=False)
    yield _asked(cloud, home, ["backups", "list"], "COMPLETED")
    yield _asked(cloud, home, [restrictions, "get", "--experimental"], "0.0.0.0/0")
    update = [restrictions, "update", "--experimental", "--db-allow-cidr", "192.0.2.0/24"]
    yield _asked(cloud, home, update, "192.0.2.0/24")
    yield _asked(cloud, home, [restrictions, "get", "--experimental"], "192.0.2.0/24")
    yield _asked(cloud, home, ["network-bans", "get", "--experimental"], "DB banned IPs")
    yield _asked(cloud, home, ["secrets", "set", "SMS_SENDER=Booking"], "Finished")
    yield _asked(cloud, home, ["secrets", "list"], "SMS_SENDER")
    yield _asked(cloud, home, ["projects", "api-keys"], "sb_publishable_")


def _backups(cloud: Cloud, home: Path, words: list[str]) -> Finding:
    code, said = _run(cloud, home, words)
    try:
        backups = json.loads(said[said.index("{") : said.rindex("}") + 1])["backups"]
    except (ValueError, KeyError):
        return Finding(CLIENT, " ".join(words), ok=False, says=said[-300:])
    ok = code == 0 and [backup["status"] for backup in backups] == ["COMPLETED"]
    return Finding(CLIENT, " ".join(words), ok, f"backup {backups[0]['id']} is there")


def _asked(cloud: Cloud, home: Path, words: list[str], wanted: str, *, ref: bool = True) -> Finding:
    code, said = _run(cloud, home, words, ref=ref)
    last = next((line for line in said.splitlines() if wanted in line), said[-300:])
    return Finding(CLIENT, " ".join(words), code == 0 and wanted in said, last.strip())


def _run(cloud: Cloud, home: Path, words: list[str], *, ref: bool = True) -> tuple[int, str]:
    project = ["--project-ref", PROJECT_REF] if ref else []
    options = ["--yes", "--profile", str(home / "profile.yaml"), *project]
    secrets = {"SUPABASE_ACCESS_TOKEN": cloud.token("supabase"), "SUPABASE_TELEMETRY_DISABLED": "1"}
    done = run(CLIENT, [*words, *options], home, secrets)
    return done.returncode, done.stdout + done.stderr
