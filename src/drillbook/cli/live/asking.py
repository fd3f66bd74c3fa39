"""Asks the person at the terminal, line by line, while the run may go on without waiting."""

import os
import select
import sys
from dataclasses import dataclass, field
from datetime import datetime

from drillbook.cli.live.clock import local
from drillbook.cli.live.words import task_text
from drillbook.cli.sending import (
    approval,
    consent_of,
    foretold,
    refusal,
    replies_to,
    reply,
    unfit,
)
from drillbook.cli.telling import paint, visible
from drillbook.core.errors import DrillbookError, Refused
from drillbook.core.plan import Plan
from drillbook.core.policy import Consent
from drillbook.core.record import EntryKind
from drillbook.engine.messages import Message, Start
from drillbook.engine.waiting import Waiting

Question = tuple[str, EntryKind, datetime]


@dataclass
class Lines:
    """Lines typed at a terminal, read without blocking longer than asked."""

    descriptor: int = field(default_factory=sys.stdin.fileno)
    _typed: bytes = b""

    def next(self, timeout_seconds: float) -> str | None:
        """Return the next line, or None when none was typed in time; EOFError on Ctrl-D."""
        if b"\n" not in self._typed:
            ready, _, _ = select.select([self.descriptor], [], [], timeout_seconds)
            if not ready:
                return None
            read = os.read(self.descriptor, 4096)
            if not read:
                raise EOFError
            self._typed += read
        line, newline, rest = self._typed.partition(b"\n")
        if not newline:
            return None
        self._typed = rest
        return line.decode("utf-8", "replace").strip()


@dataclass
class Asker:
    """Puts the run's open questions to one person, and makes messages of what they type."""

    plan: Plan
    start: Start
    user: str
    lines: Lines = field(default_factory=Lines)
    _asked: Question | None = None
    _sent: set[Question] = field(default_factory=set[Question])

    def next(self, waits: tuple[Waiting, ...]) -> Waiting | None:
        """Return the first open question this person can answer and has not answered yet."""
        for waiting in waits:
            if _name(waiting) not in self._sent and self._can_answer(waiting):
                return waiting
        self._asked = None
        return None

    def _can_answer(self, waiting: Waiting) -> bool:
        if waiting.kind is not EntryKind.APPROVAL_ASKED:
            return True
        return unfit(waiting, plan=self.plan, start=self.start, by=self.user) is None

    def put(self, waiting: Waiting) -> None:
        """Print the question, once."""
        if self._asked == _name(waiting):
            return
        self._asked = _name(waiting)
        for line in self._question(waiting):
            print(line)
        self._prompt()

    def typed(self, waiting: Waiting) -> Message | None:
        """Return the message made of the next line typed, or None while there is none."""
        line = self.lines.next(0.2)
        if line is None:
            return None
        try:
            message = self._message(waiting, line)
        except DrillbookError as error:
            print(f"  {visible(str(error))}. {visible(error.hint)}")
            self._prompt()
            return None
        self._sent.add(_name(waiting))
        return message

    def again(self, task: str) -> None:
        """Ask anew, because the run could not use what was said."""
        self._sent = {name for name in self._sent if name[0] != task}
        self._asked = None

    def _prompt(self) -> None:
        print(paint("  > ", "cyan", "bold"), end="", flush=True)

    def _question(self, waiting: Waiting) -> list[str]:
        text = visible(task_text(self.plan, waiting.task))
        head = paint(f"? {waiting.task} {text}", "cyan", "bold")
        until = f"  (until {local(waiting.until)})" if waiting.until else ""
        if waiting.kind is EntryKind.APPROVAL_ASKED:
            return [head, *self._consent_lines(waiting)]
        lines = [head + until, *self._attached(waiting.task)]
        if waiting.kind is EntryKind.DECISION_ASKED:
            lines.append(f"  {visible(str(waiting.data.get('error')))}")
            if waiting.until:
                lines.append(f"  With no answer by then: {waiting.data.get('otherwise')}")
        width = max(len(word) for word in replies_to(waiting))
        lines += [
            f"  {paint(word, 'bold')}{' ' * (width - len(word))}  {visible(meaning)}"
            for word, meaning in replies_to(waiting).items()
        ]
        return [*lines, "  One word, or its beginning; then a note if you like."]

    def _attached(self, task_id: str) -> list[str]:
        task = self.plan.task(task_id)
        return [
            paint(f"    | {visible(line)}", "dim")
            for each in (task.attachments if task else ())
            for line in each.text.split("\n")
        ]

    def _consent_lines(self, waiting: Waiting) -> list[str]:
        lines = [f"  plan {str(waiting.data.get('plan'))[:12]}, remembered state "]
        lines[0] += str(waiting.data.get("digest"))[:12]
        lines += [f"  {name}: {visible(says)}" for name, says in foretold(waiting)]
        if consent_of(waiting, self.plan) is Consent.CONFIRM:
            target = waiting.data.get("target")
            return [*lines, f"  Type {target} to let it happen, or no to decline."]
        return [*lines, f"  {waiting.data.get('needs')}. Type yes to approve, no to decline."]

    def _message(self, waiting: Waiting, line: str) -> Message:
        word, _, note = line.partition(" ")
        if waiting.kind is EntryKind.APPROVAL_ASKED:
            return self._consent(waiting, word, note.strip())
        chosen = _completed(word.rstrip(":"), list(replies_to(waiting)))
        return reply(waiting, chosen, by=self.user, note=note.strip())

    def _consent(self, waiting: Waiting, word: str, note: str) -> Message:
        if word in ("no", "n", "decline"):
            return refusal(waiting, by=self.user, note=note)
        confirms = consent_of(waiting, self.plan) is Consent.CONFIRM
        if confirms and word != waiting.data.get("target"):
            raise Refused(
                f"the target's name is {waiting.data.get('target')!r}", hint="Type it, or no."
            )
        if not confirms and word not in ("yes", "y"):
            raise Refused(f"{word!r} is neither yes nor no", hint="Type yes or no.")
        return approval(
            waiting,
            plan=self.plan,
            start=self.start,
            by=self.user,
            note=note,
            confirm=word if confirms else "",
        )


def _name(waiting: Waiting) -> Question:
    return waiting.task, waiting.kind, waiting.since


def _completed(word: str, allowed: list[str]) -> str:
    """Return the one word that begins so; what was typed where none or several do."""
    if word in allowed or not word:
        return word
    begun = [each for each in allowed if each.startswith(word)]
    return begun[0] if len(begun) == 1 else word
