"""The Vercel CLI on the range's hosting: lists, values, a rollback and a promotion."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.twins.clients import Finding, run
from drillbook.range.cloud import TEAM, VERCEL_PROJECT_ID, Cloud
from drillbook.range.twins.vercel.records import Hosting

CLIENT = "vercel"


def check(cloud: Cloud, home: Path) -> Iterator[Finding]:
    """Ask the CLI for each thing and look at what it says, and at what users are answered."""
    linked = home / ".vercel" / "project.json"
    linked.parent.mkdir(parents=True, exist_ok=True)
    linked.write_text(json.dumps({"projectId": VERCEL_PROJECT_ID, "orgId": TEAM}))
    made = [each for each in Hosting(cloud).deployments() if each["environment"] == "production"]
    serving, before = made[0], made[1]
    yield _asked(cloud, home, ["whoami"], "range-owner")
    yield _asked(cloud, home, ["ls"], serving["url"])
    yield _asked(cloud, home, ["env", "ls"], "DATABASE_URL")
    yield _asked(cloud, home, ["rollback", before["id"], "--yes"], "was rolled back to")
    yield _served(cloud, "after the rollback", before["commit"])
    yield _asked(cloud, home, ["rollback", "status"], "was rolled back to")
    yield _asked(cloud, home, ["promote", serving["id"], "--yes"], "was promoted to")
    yield _served(cloud, "after the promotion", serving["commit"])


def _asked(cloud: Cloud, home: Path, words: list[str], wanted: str) -> Finding:
    options = ["--api", cloud.url("vercel"), "--global-config", str(home / "config")]
    secrets = {"VERCEL_TOKEN": cloud.token("vercel")}
    done = run(CLIENT, [*words, *options, "--cwd", str(home)], home, secrets)
    said = (done.stdout + done.stderr).strip()
    ok = done.returncode == 0 and wanted in said
    last = next((line for line in said.splitlines() if wanted in line), said[-300:])
    return Finding(CLIENT, " ".join(words), ok, last.strip())


def _served(cloud: Cloud, when: str, commit: str) -> Finding:
    connection = http.client.HTTPConnection(
        urlsplit(cloud.app_url("production")).netloc, timeout=20
    )
    connection.request("GET", "/api/version")
    said = json.loads(connection.getresponse().read())
    connection.close()
    ok = said["commit"] == commit
    return Finding("users", when, ok, f"the app says commit {said['commit'][:12]}")
