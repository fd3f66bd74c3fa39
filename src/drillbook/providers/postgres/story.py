"""What there is to tell about a migration being applied: to the record, and to its ledger row."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from drillbook.analysis.statements import Statement
from drillbook.core.effect import Effect
from drillbook.core.rehearsal import Observed
from drillbook.ports.migrations import StatementDone, Story
from drillbook.providers.postgres.waiting import Waits

MOST_ONE_BY_ONE = 300  # of a file of thousands of inserts the rest is one note


@dataclass
class Telling:
    """
    The story of one direction of a migration.

    Nothing is noted while a transaction is open: the record may stand still, and whoever waits for
    our locks would wait with it.
    """

    effect: Effect
    up: bool
    before: Story = field(default_factory=Story)
    waits: Waits = field(default_factory=Waits)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.statements = {one.number: one for one in self.before.statements}
        self.waited_for = list(self.before.waited_for)
        self._rest = self.before.rest
        self._open: list[StatementDone] = []

    def ran(self, number: int, at: Statement, seconds: float, rows: int, tries: int) -> None:
        """Hear of a statement that ran; whether it stays is not known yet."""
        done = StatementDone(
            number=number,
            line=at.line,
            says=at.says,
            seconds=round(seconds, 3),
            rows=rows if rows >= 0 else None,
            tries=tries,
        )
        self._open.append(done)

    def stays(self) -> None:
        """Hear that what ran is committed; note it."""
        kept = self.story()
        self._open = []
        fresh = [one for one in kept.statements if one.number not in self.statements]
        self.statements = {one.number: one for one in kept.statements}
        self._rest = kept.rest
        note_statements(self.effect, fresh, up=self.up)

    def is_gone(self) -> None:
        """Hear that what ran was rolled back."""
        self._open = []

    def waited(self, part: int, tried: int, says: str) -> None:
        """Note that a lock was not free, and who held it; no transaction may be open."""
        self.waited_for = list(dict.fromkeys([*self.waited_for, says]))
        key = f"{self._key}/part {part + 1}/wait {time.time_ns()}"
        self.effect.note(key, f"waited for {says}", {"part": part + 1, "try": tried})

    def repaired(self, part: int, says: str) -> None:
        """Note what an earlier failure had left and was put right; no transaction may be open."""
        key = f"{self._key}/part {part + 1}/repaired {time.time_ns()}"
        self.effect.note(key, says, {"part": part + 1})

    def story(self) -> Story:
        """Return the story as the ledger keeps it, what is about to be committed included."""
        seconds = self.before.observed.seconds + time.monotonic() - self.began
        tables = self.waits.tables() or self.before.observed.tables
        room = max(0, MOST_ONE_BY_ONE - len(self.statements))
        return Story(
            statements=(*self.statements.values(), *self._open[:room]),
            rest=_summed(self._rest, self._open[room:]),
            waited_for=tuple(self.waited_for),
            observed=Observed(seconds=round(seconds, 3), tables=tables),
        )

    @property
    def _key(self) -> str:
        return _key_of(self.effect, up=self.up)


def placed(line: int, says: str) -> str:
    """Return a statement with its line; those of line 0 keep what the way back will need."""
    return f"line {line}: {says}" if line else f"for the way back: {says}"


def note_story(effect: Effect, story: Story) -> None:
    """Note everything that is in; what was noted before stays one entry."""
    rest = (story.rest,) if story.rest is not None else ()
    note_statements(effect, (*story.statements, *rest), up=True)


def note_statements(effect: Effect, done: Iterable[StatementDone], *, up: bool) -> None:
    """Note statements that are in."""
    for one in done:
        left_out = {"says"} if one.count > 1 else {"says", "count"}
        data = one.model_dump(mode="json", exclude=left_out, exclude_none=True)
        key = f"{_key_of(effect, up=up)}/{one.number or 'rest'}"
        effect.note(key, placed(one.line, one.says), data)


def _summed(rest: StatementDone | None, more: list[StatementDone]) -> StatementDone | None:
    if not more:
        return rest
    count = len(more) + (rest.count if rest is not None else 0)
    return StatementDone(
        number=0,
        line=more[-1].line,
        says=f"the last of {count:,} more statements",
        seconds=round(sum(one.seconds for one in more) + (rest.seconds if rest else 0.0), 3),
        rows=sum(one.rows or 0 for one in more) + ((rest.rows or 0) if rest else 0),
        tries=max(one.tries for one in more),
        count=count,
    )


def _key_of(effect: Effect, *, up: bool) -> str:
    return f"{effect.key}/{'up' if up else 'down'}"
