"""What operators see of a fault that users do not feel: each looked at from outside, by name."""

import http.client
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drillbook.range import practice
from drillbook.range.cloud import TEAM, VERCEL_PROJECT, Cloud
from drillbook.range.faults.snapshot import remember, restore, serving
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import force

Seen = str  # what was seen of the fault; empty: nothing
LATE_SECONDS = 2.0
WAIT_SECONDS = 20.0
CI_SECONDS = 15.0  # what is queued before it takes its time


def ask(
    url: str, path: str, method: str = "GET", token: str = "", body: object = None, host: str = ""
) -> tuple[int, Any, dict[str, str]]:
    """Ask one server; status 0 when no answer came."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Host": host} if host else {}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        said = {name.lower(): value for name, value in answer.getheaders()}
    except (OSError, http.client.HTTPException) as error:
        return 0, type(error).__name__, {}
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text), said
    except ValueError:
        return answer.status, text, said


class Sights:
    """Looks at one range."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cloud: Cloud = practice.cloud_of(folder)

    def vercel(self, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
        token = self.cloud.token("vercel")
        path += f"{'&' if '?' in path else '?'}teamId={TEAM}"
        status, said, _ = ask(self.cloud.url("vercel"), path, method, token, body)
        return status, said

    def github(self, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
        path = f"/repos/drillbook-range/booking{path}"
        token = self.cloud.token("github")
        status, said, _ = ask(self.cloud.url("github"), path, method, token, body)
        return status, said

    def supabase(self) -> tuple[int, Any]:
        token = self.cloud.token("supabase")
        status, said, _ = ask(self.cloud.url("supabase"), "/v1/projects", token=token)
        return status, said

    def app(self, path: str) -> tuple[int, Any, dict[str, str]]:
        return ask(self.cloud.app_url("production"), path)

    def project(self) -> Any:
        return self.vercel(f"/v9/projects/{VERCEL_PROJECT}")[1]


def answers(
    ask_it: Callable[[Sights], tuple[int, Any]], times: int = 8
) -> Callable[[Sights], Seen]:
    """See a platform that does not answer as it should."""

    def look(sights: Sights) -> Seen:
        begun = time.monotonic()
        got = [ask_it(sights)[0] for _ in range(times)]
        took = (time.monotonic() - begun) / times
        bad = [status for status in got if status != 200]
        if bad:
            return f"{len(bad)} of {times} answers are {sorted(set(bad))}"
        return f"{took:.1f} s for an answer" if took > LATE_SECONDS else ""

    return look


def loses(
    read: Callable[[Sights], int], write: Callable[[Sights], int]
) -> Callable[[Sights], Seen]:
    """See a write whose answer does not come, though it was carried out."""

    def look(sights: Sights) -> Seen:
        before = read(sights)
        status = write(sights)
        return f"no answer, {read(sights) - before} carried out" if status == 0 else ""

    return look


def count_values(sights: Sights) -> int:
    return len(sights.vercel(f"/v10/projects/{VERCEL_PROJECT}/env")[1]["envs"])


def add_value(sights: Sights) -> int:
    return add_value_of(sights, f"LOOK_{time.time_ns()}")[0]


def count_issues(sights: Sights) -> int:
    return len(sights.github("/issues?state=all&per_page=100")[1])


def add_issue(sights: Sights) -> int:
    return sights.github("/issues", "POST", {"title": f"a look {time.time_ns()}"})[0]


def repeats(sights: Sights) -> Seen:
    before = count_values(sights)
    status, _ = add_value_of(sights, f"LOOK_{time.time_ns()}")
    made = count_values(sights) - before
    return f"the second of two answered {status}, {made} made" if status >= 400 else ""


def add_value_of(sights: Sights, key: str) -> tuple[int, Any]:
    body = {"key": key, "value": "x", "type": "plain", "target": ["preview"]}
    return sights.vercel(f"/v10/projects/{VERCEL_PROJECT}/env", "POST", body)


def ready_without_users(sights: Sights) -> Seen:
    """Push a good change: READY, and the app that answers is the one from before."""
    saved = remember(sights.cloud)
    try:
        commit = force(sights.cloud, "copy-text")
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            _, said = sights.vercel(f"/v7/deployments?projectId={VERCEL_PROJECT}&sha={commit}")
            found = [one for one in said["deployments"] if one["target"] == "production"]
            if found and found[0]["readyState"] == "READY":
                break
            time.sleep(0.1)
        time.sleep(1.5)  # what would be switched is switched within a quarter of a second
        answered = sights.app("/api/version")[1]["commit"]
        return f"{commit[:7]} is READY, {answered[:7]} answers" if answered != commit else ""
    finally:
        restore(sights.cloud, saved)


def ci_stands_still(sights: Sights) -> Seen:
    saved = remember(sights.cloud)
    try:
        commit = force(sights.cloud, "changelog-line")
        until = time.monotonic() + CI_SECONDS
        while time.monotonic() < until:
            runs = sights.github(f"/commits/{commit}/check-runs")[1].get("check_runs", [])
            if runs and all(run["status"] == "completed" for run in runs):
                return ""
            time.sleep(0.1)
        return f"no check of {commit[:7]} ends in {CI_SECONDS:g} s"
    finally:
        restore(sights.cloud, saved)


def ci_is_red(sights: Sights) -> Seen:
    commit = sights.github("/commits/main")[1]["sha"]
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        runs = sights.github(f"/commits/{commit}/check-runs")[1].get("check_runs", [])
        if all(run["status"] == "completed" for run in runs):
            red = [run["name"] for run in runs if run["conclusion"] == "failure"]
            return f"{', '.join(red)} failed on {commit[:7]}" if red else ""
        time.sleep(0.1)
    return ""


def never_ready(sights: Sights) -> Seen:
    _, said = sights.vercel(f"/v7/deployments?projectId={VERCEL_PROJECT}&limit=5&target=production")
    newest = said["deployments"][0]
    return f"{newest['uid']} is {newest['readyState']}" if newest["readyState"] != "READY" else ""


def health_fails(sights: Sights) -> Seen:
    status = sights.app("/api/health")[0]
    return f"health answers {status}, users are served" if status != 200 else ""


def health_is_constant(sights: Sights) -> Seen:
    """Take the database away: health that goes on smiling is a constant."""
    environment = practice.environment_of(sights.folder, "production")
    sights.app("/api/health")
    environment.server.kill()
    try:
        status = sights.app("/api/health")[0]
    finally:
        environment.server.start(tied=True)
    return f"health answers {status} while the database is down" if status == 200 else ""


def memory_grows(sights: Sights) -> Seen:
    app = AppProcess(sights.cloud.deployments / serving(sights.cloud, "production")).identity()
    assert app is not None
    before = resident_bytes(app.pid)
    for _ in range(600):
        sights.app("/api/slots")
    grown = resident_bytes(app.pid) - before
    return f"{grown / 1024:,.0f} KiB more after 600 requests" if grown > 2 * 1024**2 else ""


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def crons_differ(sights: Sights) -> Seen:
    crons = sights.project().get("crons") or {}
    said = json.dumps(crons.get("definitions", crons))
    return f"crons are {said}" if '"0 8 * * *"' not in said else ""


def holds_while_paying(sights: Sights) -> Seen:
    """Let payments be slow: whoever pays keeps a transaction open."""
    practice.break_(sights.folder, "payments-slow", tied=True)
    try:
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            if open_seconds(sights) > 1:
                return "transactions stay open while the payment service thinks"
            time.sleep(0.2)
        return ""
    finally:
        practice.mend(sights.folder, "payments-slow", tied=True)


def open_seconds(sights: Sights) -> float:
    import psycopg

    query = """SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float
                 FROM pg_stat_activity
                WHERE usename = 'booking_app' AND state = 'idle in transaction'"""
    url = practice.environment_of(sights.folder, "production").server.url("booking")
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return float(row[0]) if row else 0.0


def counts_nobody(sights: Sights) -> Seen:
    headers = sights.app("/api/slots")[2]
    return "" if "ratelimit" in headers else "answers say nothing of a limit"


def older_release_is_dead(sights: Sights) -> Seen:
    """Ask the release before by its own host: its value opens nothing any more."""
    _, said = sights.vercel(
        f"/v7/deployments?projectId={VERCEL_PROJECT}&limit=20&target=production"
    )
    now = serving(sights.cloud, "production")
    older = [one for one in said["deployments"] if one["uid"] != now][-1]
    status, _, _ = ask(sights.cloud.app_url("production"), "/api/slots", host=older["url"])
    return f"{older['url']} answers {status}" if status != 200 else ""


def assigns_nothing(sights: Sights) -> Seen:
    return "" if sights.project()["autoAssignCustomDomains"] else "automatic assignment is off"


def many_come(sights: Sights) -> Seen:
    from datetime import UTC, datetime, timedelta

    time.sleep(5)  # it grows for three seconds
    until = datetime.now(UTC)
    since = until - timedelta(seconds=2)
    found = practice.traffic_record(sights.folder, since=since, until=until)
    return f"{found.requests / 2:.0f} requests a second" if found.requests > 2 * 120 else ""


def projects_of(sights: Sights) -> tuple[int, Any]:
    return sights.vercel(f"/v9/projects/{VERCEL_PROJECT}")


SIGHTS: dict[str, Callable[[Sights], Seen]] = {
    "release-unhealthy": health_fails,
    "release-constant-health": health_is_constant,
    "release-does-not-build": never_ready,
    "release-red": ci_is_red,
    "release-leaks": memory_grows,
    "release-cron": crons_differ,
    "release-pays-in-transaction": holds_while_paying,
    "value-rotated": older_release_is_dead,
    "cache-down": counts_nobody,
    "hosting-api-down": answers(projects_of),
    "hosting-api-failing": answers(projects_of),
    "hosting-api-slow": answers(projects_of, 2),
    "hosting-api-limited": answers(projects_of),
    "hosting-api-loses-answers": loses(count_values, add_value),
    "hosting-api-repeats": repeats,
    "repository-api-down": answers(lambda sights: sights.github("/branches/main")),
    "repository-api-failing": answers(lambda sights: sights.github("/branches/main")),
    "repository-api-loses-answers": loses(count_issues, add_issue),
    "database-api-down": answers(Sights.supabase),
    "hosting-does-not-assign": ready_without_users,
    "hosting-does-not-switch": ready_without_users,
    "ci-stuck": ci_stands_still,
    "automatic-off": assigns_nothing,
    "crons-lost": crons_differ,
    "traffic-spike": many_come,
}
