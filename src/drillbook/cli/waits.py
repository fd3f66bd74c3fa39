"""What a run waits for, and the command that answers it."""

from collections.abc import Iterator

from drillbook.cli.live.clock import local
from drillbook.cli.live.words import task_text
from drillbook.cli.sending import consent_of, replies_to
from drillbook.cli.telling import paint, visible
from drillbook.core.policy import Consent
from drillbook.core.record import EntryKind
from drillbook.engine.runs import RunView
from drillbook.engine.waiting import Waiting


def waits_lines(view: RunView) -> Iterator[str]:
    """Yield each open question with the commands that answer it."""
    for waiting in view.waits:
        text = visible(task_text(view.plan, waiting.task))
        until = f", until {local(waiting.until)}" if waiting.until else ""
        since = f"since {local(waiting.since)}{until}"
        yield f"{paint('waits', 'cyan')}  {waiting.task} {text}  ({since})"
        for line in _answers(view, waiting):
            yield f"         {line}"


def _answers(view: RunView, waiting: Waiting) -> Iterator[str]:
    run, task = view.summary.run, waiting.task
    if waiting.kind is EntryKind.APPROVAL_ASKED:
        yield f"needs {waiting.data.get('needs')}"
        if waiting.given_by:
            yield f"given by {', '.join(waiting.given_by)}"
        yes = f"drillbook approve {run} {task}"
        if consent_of(waiting, view.plan) is Consent.CONFIRM:
            yield f"{yes} --confirm {waiting.data.get('target')}    (by {view.start.by})"
        else:
            yield f"{yes}    (by a colleague, not {view.start.by})"
        yield f"drillbook decline {run} {task}"
        return
    if waiting.kind is EntryKind.DECISION_ASKED:
        yield visible(str(waiting.data.get("error")))
        if waiting.until:
            yield f"with no answer: {waiting.data.get('otherwise')}"
    words = replies_to(waiting)
    yield f"drillbook answer {run} {task} {'|'.join(words)}"
    if waiting.data.get("options"):
        for word, text in words.items():
            yield f"  {word}  {visible(text)}"
