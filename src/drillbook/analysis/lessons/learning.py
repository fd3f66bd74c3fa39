"""
What a run taught about its book, each lesson with the edit that puts it there.

A lesson has a reason in the record: a symptom that would have told, a look at what was at fault, a
repair that fitted and was not there, a repair nobody verified, a cause that was asked for late, a
repetition that a person had to ask for. Where the record has no such reason, nothing is learned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drillbook.analysis.lessons.editing import Edit, bullet_at, end_of, heading_before, lines_of
from drillbook.analysis.lessons.words import FIXES, LOOKS, SIGNALS
from drillbook.analysis.postmortem.citing import fact
from drillbook.analysis.postmortem.reading import CULPRIT, WATCH, Done, Trail
from drillbook.core.model import Risk
from drillbook.core.plan import Kind, PlannedStep, PlannedTask
from drillbook.core.record import EntryKind

LATE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned, in one sentence, and how the book says it."""

    says: str
    edit: Edit


def lessons(trail: Trail, text: str) -> list[Lesson]:
    """Return what this run taught about the book with this text."""
    book = _Book(trail, lines_of(text))
    culprit = trail.last(CULPRIT)
    found: list[Lesson] = []
    if culprit is not None and _is(culprit, "hit"):
        found += _noticing(book, culprit)
    if culprit is not None and _is(culprit, "found"):
        found += [*_order(book, culprit), *_looking(book, culprit), *_fixing(book, culprit)]
    return [*found, *_verifying(book, culprit), *_repeating(book)]


@dataclass(frozen=True, slots=True)
class _Book:
    """The plan's tasks and the text they were read from."""

    trail: Trail
    lines: Sequence[str]

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        return tuple(step for step in self.trail.plan.part.steps if step.tasks)

    def tasks(self) -> Iterator[PlannedTask]:
        return self.trail.plan.part.all_tasks()

    def does(self, action: str) -> bool:
        return any(task.does == action for task in self.tasks())

    def step_of(self, task: PlannedTask) -> int | None:
        """Return the place of the step that a task stands in, of the steps carried out in order."""
        places = (i for i, step in enumerate(self.steps) if task in step.tasks)
        return next(places, None)

    def behind(self, task: PlannedTask, text: str, *under: str) -> Edit | None:
        """Return the edit that puts a bullet behind a task's."""
        like = bullet_at(self.lines, task.line)
        return Edit(end_of(self.lines, task.line), like.of(text, *under)) if like else None

    def ahead(self, task: PlannedTask, text: str, *under: str) -> Edit | None:
        """Return the edit that puts a bullet before a task's."""
        like = bullet_at(self.lines, task.line)
        return Edit(task.line - 1, like.of(text, *under)) if like else None

    def free_name(self, wanted: str) -> str:
        """Return a name no task has yet."""
        names = {task.name for task in self.tasks()}
        return next(
            name for name in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if name not in names
        )


def _noticing(book: _Book, culprit: Done) -> Iterator[Lesson]:
    """Add a symptom for what users felt, where none asks for it and none told in time."""
    says = _late(book, culprit)
    if not says:
        return
    feels = str(_text(culprit, "feels"))
    symptoms = book.trail.plan.part.symptoms
    bound = " ".join(book.lines[task.line - 1] for task in symptoms if task.line)
    for word, signal in SIGNALS.items():
        if word in feels and signal.partition("(")[0] not in bound:
            bullet = f"{SYMPTOM_TEXTS[word]} `@when {signal} for 15s, severity=high`"
            edit = _symptom(book, bullet)
            if edit:
                yield Lesson(f"{says}: no symptom of the book asks whether {word}", edit)
            return


SYMPTOM_TEXTS = {
    "requests fail": "Requests fail more often than before",
    "requests are refused": "Users are refused more often than before",
    "answers are slow": "Answers take longer than before",
    "nobody is answered": "Requests from outside are not answered",
    "only the health check fails": "The health check fails",
}


def _late(book: _Book, culprit: Done) -> str:
    planned = book.trail.first(EntryKind.RUN_PLANNED)
    opened = fact(planned, "incident", "opened_at") if planned else None
    since = culprit.result("since")
    if opened is None:
        return "a person started this run, and no symptom did"
    if since is None or since.moment is None or opened.moment is None:
        return ""
    late = (opened.moment - since.moment).total_seconds()
    return f"it was noticed {late:.0f} s after it began" if late > LATE_SECONDS else ""


def _symptom(book: _Book, bullet: str) -> Edit | None:
    part = book.trail.plan.part
    if part.symptoms:
        return book.behind(part.symptoms[-1], bullet)
    tasks = [task for step in book.steps for task in step.tasks]
    above = heading_before(book.lines, tasks[0].line) if tasks else None
    if above is None or len(above[1]) < 3:  # noqa: PLR2004 - a runbook's own title is ## or #
        return None
    return Edit(above[0] - 1, (f"{above[1]} Symptoms", f"- {bullet}", ""))


def _order(book: _Book, culprit: Done) -> Iterator[Lesson]:
    """Ask for the cause in the first step, where it was asked for behind other steps."""
    place = book.step_of(culprit.task)
    names = {task.name for step in book.steps for task in step.tasks if task.name}
    paths = {
        path.partition(".")[0] for value in culprit.task.arguments.values() for path in value.paths
    }
    if not place or paths & names or culprit.task.when:
        return
    last = book.steps[0].tasks[-1]
    first, end = culprit.task.line, end_of(book.lines, culprit.task.line)
    like, own = bullet_at(book.lines, last.line), bullet_at(book.lines, first)
    if like is None or own is None or last.kind is not Kind.ACTION or like != own:
        return
    moved = tuple(line.rstrip("\r\n") for line in book.lines[first - 1 : end])
    yield Lesson(
        f"the cause was asked for in step {book.steps[place].id}, behind "
        f"“{book.steps[place - 1].title}”, though nothing before it was needed for it",
        Edit(end_of(book.lines, last.line), moved, (first, end)),
    )


def _looking(book: _Book, culprit: Done) -> Iterator[Lesson]:
    """Let the book look at what was at fault, beside naming it."""
    kind = str(_text(culprit, "kind"))
    look = LOOKS.get(kind)
    if look is None or book.does(look.does):
        return
    edit = book.ahead(culprit.task, f"{look.says} `@{look.does} on={culprit.task.on}`")
    if edit:
        yield Lesson(f"the cause was of the kind {kind}, and the book does not look there", edit)


def _fixing(book: _Book, culprit: Done) -> Iterator[Lesson]:
    """Give the book the repair that fitted, where it has none for it."""
    fix, name = str(_text(culprit, "fix")), culprit.task.name
    repair = FIXES.get(fix)
    if repair is None or not name or book.does(repair[0].does):
        return
    where = _for_repairs(book, culprit)
    if where is None:
        return
    task, is_ahead = where
    lines: tuple[str, ...] = ()
    for each in repair:
        text = f"{each.says} `@{each.does} on={culprit.task.on}{each.values.format(c=name)}`"
        if book.does(each.does):
            continue
        under = f'when: `{name}.fix == "{fix}"`'
        made = book.ahead(task, text, under) if is_ahead else book.behind(task, text, under)
        lines += made.lines if made else ()
    if lines:
        after = task.line - 1 if is_ahead else end_of(book.lines, task.line)
        yield Lesson(f"“{fix}” fitted, and the book had no task for it", Edit(after, lines))


def _for_repairs(book: _Book, culprit: Done) -> tuple[PlannedTask, bool] | None:
    """Return the task at which a repair belongs, and whether before it: ahead of what verifies."""
    place = book.step_of(culprit.task)
    if place is None:
        return None
    for step in book.steps[place:]:
        for task in step.tasks:
            if task.does == WATCH and task.line > culprit.task.line:
                return task, True
    step = book.steps[min(place + 1, len(book.steps) - 1)]
    return step.tasks[-1], False


def _verifying(book: _Book, culprit: Done | None) -> Iterator[Lesson]:
    """See users' requests become as before, where something was changed and nobody looked."""
    if culprit is None or not book.trail.writes() or book.does(WATCH):
        return
    changing = [task for step in book.steps for task in step.tasks if task.risk is not Risk.READ]
    if not changing:
        return
    before = f" before=${{{culprit.task.name}.earliest}}" if culprit.task.name else ""
    name = book.free_name("after")
    edit = book.behind(
        changing[-1],
        f"Follow users' requests until they are as before "
        f"`@{WATCH} on={culprit.task.on} lasting=1m{before} as {name}`",
        f'expect: `{name}.verdict == "NORMAL"`',
    )
    if edit:
        yield Lesson("something was changed, and nothing looked whether users were helped", edit)


def _repeating(book: _Book) -> Iterator[Lesson]:
    """Repeat a task by itself that a person had to repeat, with success."""
    asked = {
        entry.task
        for entry in book.trail.of(EntryKind.DECISION_MADE)
        if entry.data.get("choice") == "retry"
    }
    done = {each.task.id: each.task for each in book.trail.ends(EntryKind.TASK_DONE)}
    for number in sorted(asked & done.keys()):
        task = done[number]
        like = bullet_at(book.lines, task.line)
        if task.retry is None and task.kind is Kind.ACTION and like is not None:
            edit = Edit(end_of(book.lines, task.line), (f"{like.under}- retry: 2 times, from 5s",))
            yield Lesson(f"task {number} succeeded when a person let it try again", edit)


def _text(each: Done, *path: str | int) -> object:
    found = each.result(*path)
    return found.value if found else ""


def _is(each: Done, *path: str | int) -> bool:
    return _text(each, *path) is True
