"""The report as one page that loads nothing: styles, drawing and a little comfort are inside."""

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from drillbook.core.quantities import show_size
from drillbook.engine.outcome import State
from drillbook.web.report.chart import chart_of
from drillbook.web.report.report import Back, RunReport, TaskReport, TaskState
from drillbook.web.report.summary import abouts, checks, undo_seconds
from drillbook.web.report.wording import clock, moment, plural, short, span_of_time

TONES = {
    State.DONE: ("good", "✓"), State.TAKEN_BACK: ("warn", "↩"), State.REFUSED: ("warn", "⊘"),
    State.PARTLY_TAKEN_BACK: ("bad", "↩"), State.STUCK: ("bad", "!"), State.STOPPED: ("warn", "■"),
    State.DEAD: ("bad", "✕"), State.RUNNING: ("", "▸"), State.WAITING: ("", "…"),
}  # fmt: skip
BACK_TONES = {Back.TAKEN_BACK: "good", Back.NOTHING: "", Back.KEPT: "warn", Back.STUCK: "bad"}
OPENS = {TaskState.FAILED, TaskState.UNKNOWN, TaskState.WAITING}


def to_html(report: RunReport) -> str:
    """Return the page; whatever a value holds, it stays text."""
    by_id = {task.id: task for task in report.tasks}
    names = {file.sha256: file.name for file in report.evidence}
    tone, sign = TONES[report.state]
    back = report.way_back.writes if report.way_back else ()
    script = _source("page.js")
    return _environment().get_template("page.html.j2").render(
        report=report, head=report.header, chart=chart_of(report), tone=tone, sign=sign,
        undone=[by_id[task] for task in back if task in by_id], checks=checks(report),
        evidence_name=lambda digest: names.get(digest, short(digest)),
        css=Markup(_source("page.css")), script=Markup(script), policy=_policy(script),  # noqa: S704 - our own files, no value in them
    )  # fmt: skip


def _policy(script: str) -> str:
    """Allow this page its own style and script, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("drillbook.web.report", ""), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(
        anchor=_anchor, opens=_opens, abouts=abouts, undo_seconds=undo_seconds, plural=plural,
        back_tone=BACK_TONES.__getitem__, clock=clock, moment=moment, short=short,
        show_size=show_size, span_of_time=span_of_time,
    )  # fmt: skip
    return environment


def _source(name: str) -> str:
    return (files("drillbook.web.report") / name).read_text(encoding="utf-8")


def _anchor(kind: str, name: str) -> str:
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9.]", "-", name)


def _opens(task: TaskReport) -> bool:
    return task.state in OPENS or task.back in (Back.STUCK, Back.KEPT)
