"""What came of a run, counted from the databases and the machine, not from the product's word."""

import hashlib
import json
import os
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.campaign.cases import Case
from benchmarks.campaign.site import DATABASE, Site
from benchmarks.campaign.variants import DRIFT, Variant, effects, statements
from drillbook.core.plan import Plan
from drillbook.engine.outcome import RunOutcome, State

COUNTED = (
    "twice", "lost", "false_done", "false_taken_back", "never_ended", "left_over", "side_by_side",
    "wrong_ending", "record_damaged",
)  # fmt: skip
CALM_SECONDS = 5.0
WHOLLY_PROVEN = 4
BACK = (State.TAKEN_BACK, State.PARTLY_TAKEN_BACK, State.REFUSED, State.STUCK)
# Rows as they are, whatever their order; effects are counted one by one instead.
ROWS = """
SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t
"""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'drillbook')
   AND tablename <> 'effects' ORDER BY 1
"""
LEDGER = "SELECT effect_key, name, status FROM drillbook.migrations"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid OR NOT indisready"
SESSIONS = """
SELECT application_name || ': ' || left(query, 80) FROM pg_stat_activity
 WHERE application_name LIKE 'drillbook%%' AND pid <> pg_backend_pid()
"""
LOCKS = "SELECT 'advisory lock of ' || pid FROM pg_locks WHERE locktype = 'advisory'"


@dataclass
class Counts:
    """How often each wrong happened, and in words what it was."""

    counts: Counter[str] = field(default_factory=Counter[str])
    says: list[str] = field(default_factory=list[str])

    def add(self, what: str, says: str, times: int = 1) -> None:
        """Count a wrong."""
        if times > 0:
            self.counts[what] += times
            self.says.append(f"{what}: {says}")


@dataclass
class References:
    """What the schema and the rows of a variant are before and after, made without Drillbook."""

    site: Site
    _known: dict[tuple[str, str], tuple[str, str]] = field(
        default_factory=dict[tuple[str, str], tuple[str, str]]
    )

    def of(self, variant: Variant, server: str) -> tuple[str, str]:
        """Return the digests before and after."""
        key = (variant.name, server)
        if key not in self._known:
            self.site.fresh(server, "app_reference")
            if variant.drift and server == "production":
                self.site.run_sql(server, "app_reference", DRIFT)
            before = digest_of(self.site, server, "app_reference")
            after = ""
            if not (variant.name == "fails-midway" and server == "production"):
                self.site.run_sql(server, "app_reference", *statements(variant.up))
                after = digest_of(self.site, server, "app_reference")
            self._known[key] = before, after
        return self._known[key]


def digest_of(site: Site, server: str, database: str) -> str:
    """Return a digest of schema and rows by pg_dump and plain SQL."""
    running = site.servers[server]
    argv = [str(running.tools.folder / "pg_dump"), "--schema-only", "--exclude-schema=drillbook"]
    env = {**os.environ, "PGPASSWORD": running.password, "PGHOST": "127.0.0.1"}
    env |= {"PGPORT": str(running.port), "PGUSER": "postgres", "PGAPPNAME": "campaign"}
    done = subprocess.run([*argv, database], env=env, capture_output=True, text=True, check=True)
    kept = [
        line for line in done.stdout.splitlines()
        if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
    ]  # fmt: skip
    digest = hashlib.sha256("\n".join(kept).encode())
    for (table,) in site.rows(server, database, TABLES):
        ((rows,),) = site.rows(server, database, ROWS.format(table=table))
        digest.update(f"{table}\n{rows}".encode())
    return digest.hexdigest()


def count_migration(
    site: Site, references: References, case: Case, outcome: RunOutcome, plan: Plan
) -> Counts:
    """Compare what a run says with what the two databases hold."""
    counts = Counts()
    claims = _claims(outcome, plan)
    for server in ("production", "staging"):
        before, after = references.of(case.variant, server)
        now = digest_of(site, server, DATABASE)
        if claims[server] == "after" and now != after:
            counts.add("false_done", f"{server} is not as the migration leaves it")
        if claims[server] == "before" and now != before:
            counts.add("false_taken_back", f"{server} is not as before")
        _count_effects(site, case, server, claims[server], counts)
        _count_ledger(site, server, claims[server], counts)
        if claims[server] and (invalid := site.rows(server, DATABASE, INVALID)):
            counts.add("left_over", f"invalid indexes on {server}: {invalid}", len(invalid))
    for name in site.databases("production"):
        if name.startswith("app_restore_"):
            counts.add("left_over", f"database {name}")
        if name.startswith("app_before_"):
            _see_singles(_words(site, "production", name), case, 1, f"production {name}", counts)
    _count_backups(site, counts)
    return counts


def count_backups(site: Site, references: References, case: Case, outcome: RunOutcome) -> Counts:
    """Compare what a run of backups says with the database, what is kept, and the folder."""
    counts = Counts()
    before, after = references.of(case.variant, "production")
    names = site.databases("production")
    if outcome.state in (State.DONE, *BACK) and not outcome.kept and not outcome.stuck:
        # Whatever it did in between, each of these runs ends where it began.
        done = outcome.state is State.DONE
        if digest_of(site, "production", DATABASE) != before:
            counts.add("false_done" if done else "false_taken_back", "production is not as before")
        if not done:
            _count_ledger(site, "production", "before", counts)
    kept = [name for name in names if name.startswith("app_before_")]
    counts.add("twice", f"databases kept from before: {kept}", len(kept) - 1)
    if outcome.state is State.DONE and case.variant.is_restored:
        counts.add("lost", "the database from before the restore", 1 - len(kept))
        for name in kept:
            if digest_of(site, "production", name) != after:
                counts.add("lost", f"what stood in {name}")
    for name in names:
        if name.startswith("app_restore_") and not case.variant.undone:
            counts.add("left_over", f"database {name}")
    _count_whole(site, case, outcome, counts)
    _count_backups(site, counts)
    return counts


def _count_whole(site: Site, case: Case, outcome: RunOutcome, counts: Counts) -> None:
    """A run that is done has taken each of its backups once, and proven those it says it has."""
    if outcome.state is not State.DONE:
        return
    wanted = case.variant.steps.count("@backup.create")
    folders = [path.parent for path in (site.folder / "backups").glob("[!.]*/manifest.json")]
    counts.add("twice", f"{len(folders)} backups instead of {wanted}", len(folders) - wanted)
    counts.add("lost", f"{len(folders)} backups instead of {wanted}", wanted - len(folders))
    if "@backup.verify" in case.variant.steps:
        for folder in folders:
            levels = [json.loads(path.read_text())["level"] for path in folder.glob("proof-*.json")]
            if max(levels, default=0) < WHOLLY_PROVEN:
                counts.add("false_done", f"{folder.name} is proven to {levels}")


def _claims(outcome: RunOutcome, plan: Plan) -> dict[str, str]:
    """Return for each database what the run's end says of it: after, before, or nothing."""
    if outcome.state is State.DONE:
        return {"production": "after", "staging": "after"}
    if outcome.state not in BACK:
        return {"production": "", "staging": ""}
    open_ends = {*outcome.kept, *outcome.stuck}
    places = {task.id: task.on for task in plan.part.all_tasks()}
    touched = {places.get(task, "") for task in open_ends}
    return {server: "" if server in touched else "before" for server in ("production", "staging")}


def _words(site: Site, server: str, database: str) -> Counter[str]:
    return Counter(str(row[0]) for row in site.rows(server, database, "SELECT what FROM effects"))


def _count_effects(site: Site, case: Case, server: str, claim: str, counts: Counts) -> None:
    """Every statement leaves a row; a trial goes up, down and up again, so staging has two."""
    words = _words(site, server, DATABASE)
    ups, downs = effects(case.variant.up), effects(case.variant.down)
    trial = server == "staging" and bool(downs)
    rounds = 2 if trial else 1
    _see_singles(words, case, rounds, server, counts)
    if claim == "after":
        for word in ups:
            counts.add("lost", f"{word} on {server}", rounds - words[word])
        for word in downs:
            counts.add("twice", f"{word} on {server}", words[word] - (rounds - 1))
            counts.add("lost", f"{word} on {server}", (rounds - 1) - words[word])
    if claim == "before" and downs:
        # What went up came down as often; half of a file may have gone up before it failed.
        went_up, came_down = words[ups[0]], words[downs[0]]
        counts.add("lost", f"a way back on {server}", went_up - came_down)
        counts.add("twice", f"a way back on {server}", came_down - went_up)
        for word in downs[1:]:
            counts.add("lost", f"{word} on {server}", came_down - words[word])
    if claim == "before" and not downs:
        counts.add("twice", f"rows of a restored database on {server}", words.total())


def _see_singles(words: Counter[str], case: Case, rounds: int, where: str, counts: Counts) -> None:
    for word in (*effects(case.variant.up), *effects(case.variant.down)):
        counts.add("twice", f"{word} {words[word]} times on {where}", words[word] - rounds)


def _count_ledger(site: Site, server: str, claim: str, counts: Counts) -> None:
    there = site.rows(server, DATABASE, "SELECT to_regclass('drillbook.migrations') IS NOT NULL")
    rows = site.rows(server, DATABASE, LEDGER) if there[0][0] else []
    in_force = [row for row in rows if row[2] != "taken back"]
    if claim == "after" and [row[2] for row in in_force] != ["applied"]:
        counts.add("lost", f"the ledger of {server} holds {in_force}")
    if claim == "before" and in_force:
        counts.add("false_taken_back", f"the ledger of {server} holds {in_force}")
    counts.add("twice", f"rows of the ledger of {server}", len(in_force) - 1)


def _count_backups(site: Site, counts: Counts) -> None:
    """Every folder that looks whole is whole; nothing else is left."""
    for folder in sorted((site.folder / "backups").glob("*")):
        manifest = folder / "manifest.json"
        if not manifest.exists():
            counts.add("left_over", f"half a backup: {folder.name}")
            continue
        told = json.loads(manifest.read_text())["files"]
        found = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file() and path != manifest and not path.match("proof-*.json")
        }  # fmt: skip
        if found != {name: file["sha256"] for name, file in told.items()}:
            counts.add("left_over", f"backup {folder.name} is not what its manifest says")


def count_command(site: Site, case: Case, run: str, outcome: RunOutcome) -> Counts:
    """Read what the command itself wrote down."""
    counts = Counts()
    log = site.counts / f"{run}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    times = lines.count("effect")
    counts.add("twice", f"the command's effect, {times} times", times - 1)
    if case.variant.command == "count_once":
        counts.add("twice", "a command that may not run twice", lines.count("begun") - 1)
    if outcome.state is State.DONE:
        counts.add("lost", "the command's effect", 1 - times)
        if "ended" not in lines:
            counts.add("false_done", "the command never came to its end")
    for line in lines:
        if line.startswith("overlap"):
            counts.add("side_by_side", line)
    return counts


def count_left_over(site: Site, run: str) -> Counts:
    """Look for processes, sessions and locks that outlived a run, after a moment of calm."""
    ends = time.monotonic() + CALM_SECONDS
    while True:
        there = [*_sessions(site), *_processes(site, run), *files_left(site)]
        # What an earlier run left was counted with that one.
        found = [what for what in there if what not in site.known_left]
        if not found or time.monotonic() > ends:
            break
        time.sleep(0.05)  # nobody tells when a session or a process is gone
    counts = Counts()
    for what in found:
        counts.add("left_over", what)
    site.known_left.update(found)
    return counts


def files_left(site: Site) -> list[str]:
    """Return files that only stand while something is under way."""
    patterns = (
        "effects/*", "commands/*.taken-*", "command-records/*.draft", "scratch/*/**/PG_VERSION",
    )  # fmt: skip
    found = [path for pattern in patterns for path in site.home.glob(pattern)]
    return [f"file {path.relative_to(site.home)}" for path in found]


def _sessions(site: Site) -> list[str]:
    found: list[str] = []
    for server in ("production", "staging"):
        rows = site.rows(server, "postgres", SESSIONS) + site.rows(server, "postgres", LOCKS)
        found += [f"{server}: {row[0]}" for row in rows]
    return found


def _processes(site: Site, run: str) -> list[str]:
    """Return what dead workers left: it names the lane's folder or the run, or holds a file."""
    ours = {worker.pid for worker in site.workers if worker.lives} | {os.getpid()}
    folder, mark = str(site.folder), f"DRILLBOOK_RUN={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) in ours:
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if not words or words.startswith("postgres:"):
                continue  # who serves a session goes with its server
            if any(f" {server.data}" in words for server in site.servers.values()):
                continue
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            holds = any(str(fd.readlink()).startswith(folder) for fd in (entry / "fd").iterdir())
        except OSError:
            continue
        if marked or holds or folder in words:
            found.append(f"process {entry.name}: {words[:120]}")
    return found
