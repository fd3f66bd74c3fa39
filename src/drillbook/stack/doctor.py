"""Prove each setting by using it: enter, ask, write, read, start."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Frozen
from drillbook.core.secret import scrub
from drillbook.stack import fixing_proofs, outside_proofs, platform_proofs, proofs
from drillbook.stack.sections import EnvironmentSection
from drillbook.stack.settings import Settings
from drillbook.stack.stack import Stack

AT_MOST_SECONDS = 15.0
Prove = Callable[[Stack, str], str]


class Finding(Frozen):
    """What using one setting showed."""

    name: str
    ok: bool
    says: str
    hint: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """One setting and what uses it: returns a sentence, or raises."""

    name: str
    prove: Callable[[], str]


def examine(
    stack: Stack,
    settings: Settings,
    *,
    at_most_seconds: float = AT_MOST_SECONDS,
    on_finding: Callable[[Finding], None] = lambda _: None,
) -> tuple[Finding, ...]:
    """Use every setting, side by side, each for a limited time; return the findings in order."""
    wanted = list(_all(stack, settings))
    ended: SimpleQueue[tuple[int, Finding]] = SimpleQueue()
    for number, proof in enumerate(wanted):
        # Daemons: a proof that hangs for ever must not keep the doctor from leaving.
        Thread(target=_carry_out, args=(number, proof, at_most_seconds, ended), daemon=True).start()
    findings: dict[int, Finding] = {}
    until = time.monotonic() + at_most_seconds + 1.0
    while len(findings) < len(wanted):
        try:
            number, finding = ended.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        findings[number] = finding
        on_finding(finding)
    for number, proof in enumerate(wanted):
        if number not in findings:
            findings[number] = _hanging(proof, at_most_seconds)
            on_finding(findings[number])
    return tuple(findings[number] for number in range(len(wanted)))


def _all(stack: Stack, settings: Settings) -> Iterator[Proof]:
    yield Proof("Python", proofs.python)
    yield Proof("Postgres programs", proofs.postgres_programs)
    yield Proof("home", lambda: proofs.home(settings))
    yield Proof("store", lambda: proofs.store(settings))
    yield Proof("runs", lambda: proofs.runs(settings))
    yield Proof("journal key", lambda: proofs.journal_key(settings))
    yield Proof("stack", lambda: proofs.stack_file(stack))
    yield Proof("books", lambda: proofs.books(stack))
    for name, section in stack.file.environments.items():
        for system, prove in _of_environment(section):
            yield Proof(f"{name} {system}", _of(prove, stack, name))
    for name in stack.file.commands:
        yield Proof(f"command {name}", _of(proofs.command, stack, name))


def _of_environment(section: EnvironmentSection) -> Iterator[tuple[str, Prove]]:
    database, app = section.database, section.app
    proven: tuple[tuple[str, bool, Prove], ...] = (
        ("database", database is not None, proofs.database),
        ("project", database is not None and database.has_api, platform_proofs.project),
        ("app", app is not None, proofs.app),
        ("hosting", app is not None and app.provider == "vercel", platform_proofs.hosting),
        ("values", app is not None and bool(app.values), fixing_proofs.values),
        ("repository", section.repository is not None, platform_proofs.repository),
        ("auth", section.auth is not None, outside_proofs.auth),
        ("dependencies", bool(section.dependencies), outside_proofs.dependencies),
        ("status pages", bool(section.status_pages), outside_proofs.status_pages),
        ("metrics", section.metrics is not None, outside_proofs.metrics),
        ("limits", section.limits is not None, fixing_proofs.limits),
        ("backups", section.backups is not None, proofs.backups),
    )
    for system, is_set, prove in proven:
        if is_set:
            yield system, prove
    sources = section.logs.sources if section.logs is not None else {}
    for source in sources:
        yield "logs" if len(sources) == 1 else f"logs {source}", _of_log(source)


def _of_log(source: str) -> Prove:
    return lambda stack, name: proofs.logs(stack, name, source)


def _of(prove: Prove, stack: Stack, name: str) -> Callable[[], str]:
    return lambda: prove(stack, name)


def _carry_out(
    number: int, proof: Proof, seconds: float, ended: SimpleQueue[tuple[int, Finding]]
) -> None:
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=seconds)))
    begun = time.monotonic()
    ok, hint = True, ""
    try:
        says = proof.prove()
    except DrillbookError as error:
        ok, says, hint = False, str(error), error.hint
    except Exception as error:  # noqa: BLE001 - told as a finding, for nobody waits for a thread
        ok, says = False, f"{type(error).__name__}: {error}"
        hint = "This is a mistake in Drillbook; please report it."
    taken = round(time.monotonic() - begun, 3)
    finding = Finding(name=proof.name, ok=ok, says=scrub(says), hint=scrub(hint), seconds=taken)
    ended.put((number, finding))


def _hanging(proof: Proof, seconds: float) -> Finding:
    return Finding(
        name=proof.name,
        ok=False,
        says=f"no end after {seconds:g} s",
        hint="What it names hangs: look there.",
        seconds=seconds,
    )
