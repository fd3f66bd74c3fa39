"""What there is to tell about a migration being applied: to the record, and to its ledger row."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from drillbook.analysis.statements import Statement
from drillbook.core.effect import Effect
from drillbook.core.rehearsal import Observed
from drillbook.ports.migrations import StatementDone, Story
from drillbook.providers.postgres.waiting import Waits

MOST_NOTED = 300  # of a file of thousands of inserts the rest is one note


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
        self.statements = list(self.before.statements)
        self.waited_for = list(self.before.waited_for)
        self._open: list[StatementDone] = []

    def ran(self, number: int, at: Statement, seconds: float, rows: int, tries: int) -> None:
        """Hear of a statement that ran; whether it stays is not known yet."""
        self._open.append(
            StatementDone(
                number=number,
                line=at.line,
                says=at.says,
                seconds=round(seconds, 3),
                rows=rows if rows >= 0 else None,
                tries=tries,
            )
        )

    def stays(self) -> None:
        """Hear that what ran is committed; note it."""
        done, self._open = self._open, []
        self.statements += [one for one in done if one not in self.statements]
        note_statements(self.effect, done, up=self.up)

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
        return Story(
            statements=(*self.statements, *self._open),
            waited_for=tuple(self.waited_for),
            observed=Observed(seconds=round(seconds, 3), tables=tables),
        )

    @property
    def _key(self) -> str:
        return _key_of(self.effect, up=self.up)


def note_statements(effect: Effect, done: Iterable[StatementDone], *, up: bool) -> None:
    """Note statements that are in; again and again they are the same entries."""
    statements = tuple(done)
    for one in statements[:MOST_NOTED]:
        data = one.model_dump(mode="json", exclude={"says"}, exclude_none=True)
        key = f"{_key_of(effect, up=up)}/{one.number}"
        effect.note(key, f"line {one.line}: {one.says}", data)
    if rest := statements[MOST_NOTED:]:
        seconds = round(sum(one.seconds for one in rest), 3)
        key = f"{_key_of(effect, up=up)}/from {rest[0].number}"
        says = f"{len(rest):,} more statements, to line {rest[-1].line}"
        effect.note(key, says, {"seconds": seconds, "rows": sum(one.rows or 0 for one in rest)})


def _key_of(effect: Effect, *, up: bool) -> str:
    return f"{effect.key}/{'up' if up else 'down'}"
