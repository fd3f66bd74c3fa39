"""The runs the report is tested on: their plans, the people who answer, the faults planted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from drillbook.core.model import Risk
from drillbook.core.plan import (
    Argument,
    InputType,
    Kind,
    Part,
    Plan,
    PlannedInput,
    PlannedStep,
    PlannedTask,
    PlanPart,
    Retry,
    TakenBack,
)
from drillbook.core.policy import Consent, EnvironmentFacts, Needs
from drillbook.engine.messages import MessageKind
from web.shelf import CATALOG

HOSTILE = (
    "</td></table><script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>"
    "|`` ` ```\n# heading\n| a | b |\n[link](http://evil.example) **bold** \x1b[31m \u202etxt.exe"
    " \x00\x07 &amp; &lt; <!-- \\| \\"
)
APPROVAL = Needs(consent=Consent.APPROVALS, approvals=2, roles=("dba",))


@dataclass(frozen=True)
class Reply:
    """What a person says when a task asks for the n-th time."""

    kind: MessageKind
    says: str = ""
    by: str = "ana"
    note: str = ""


@dataclass(frozen=True)
class Story:
    """One run: its plan, what people say to it, what is broken on the shelf."""

    plan: Plan
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    unattended: bool = False
    stays_open: bool = False
    before_decision: Callable[[Path], None] | None = None


def bound(number: str, does: str, on: str, values: dict[str, object], **more: Any) -> PlannedTask:
    # Any: the fields of PlannedTask
    action = CATALOG[does]
    way_back = action.way_back({})
    given = {name: argument(value) for name, value in values.items()}
    fields: dict[str, Any] = {  # Any: as above
        "text": f"{does} {number}", "line": 7, "kind": Kind.ACTION, "does": does, "on": on,
        "arguments": given, "risk": action.risk,
        "way_back": None if action.risk is Risk.READ
        else TakenBack(possible=way_back.possible, says=way_back.says),
    }  # fmt: skip
    return PlannedTask(id=number, **(fields | more))


def argument(value: object) -> Argument:
    if isinstance(value, str) and value.startswith("${"):
        return Argument(parts=(Part(path=value[2:-1]),))
    return Argument.model_validate({"literal": value})


def put(number: str, on: str, value: object, **more: Any) -> PlannedTask:  # Any: as above
    return bound(number, "shelf.put", on, {"text": value}, **more)


def look(number: str, on: str, **more: Any) -> PlannedTask:  # Any: as above
    return bound(number, "shelf.look", on, {}, **more)


def human(number: str, text: str, **more: Any) -> PlannedTask:  # Any: as above
    return PlannedTask(id=number, text=text, line=3, kind=Kind.HUMAN, **more)


def plan(*steps: PlannedStep, **more: Any) -> Plan:  # Any: the fields of Plan and PlanPart
    part = {"runbook": "Tidy the Shelf", "steps": steps} | more.pop("part", {})
    facts = EnvironmentFacts(name="production", digest="d" * 64, systems={"shelf": "folder"})
    return Plan(
        book="shelf.md", book_sha256="b" * 64, environments={"production": facts},
        roles={"dba": ("li", "kim")}, part=PlanPart(**part), **more,
    )  # fmt: skip


def everything(on: str) -> Story:
    """A run that uses all there is, and ends well."""
    option = put("2.2/2", on, "chosen", text="Put another text")
    nested = PlanPart(
        runbook="Dust", steps=(PlannedStep(id="1", title="Dust", tasks=(look("3.1/1.1", on),)),)
    )
    steps = (
        PlannedStep(
            id="1", title="Prepare", description="Get ready.",
            tasks=(
                human("1.1", "Tell the team"),
                human("1.2", "Get coffee (if needed)", optional=True),
                look("1.3", on, name="seen", expect="seen.length > 3", evidence=("text",)),
                look("1.4", on, when='run.by == "nobody"'),
            ),
        ),
        PlannedStep(
            id="2", title="Put",
            tasks=(
                put("2.1", on, "${wanted}", name="first", needs=APPROVAL,
                    expect='first.text == "tea|coffee"', text="Put the wanted text"),
                PlannedTask(
                    id="2.2", text="What next?", line=9, kind=Kind.CHOOSE,
                    options=(human("2.2/1", "Leave it"), option),
                ),
            ),
        ),
        PlannedStep(
            id="3", title="Look",
            tasks=(
                PlannedTask(id="3.1", text="Dust it", line=11, kind=Kind.RUNBOOK, part=nested),
                look("3.2", on, expect="result.length == 6"),
            ),
        ),
    )  # fmt: skip
    rollback = PlannedStep(
        id="4", title="Rollback", optional=True, tasks=(human("4.1", "Put it all back"),)
    )
    after = PlannedStep(id="5", title="Post-Mortem", tasks=(human("5.1", "Write it down"),))
    wanted = PlannedInput(name="wanted", type=InputType.TEXT)
    part = {
        "gate": (look("0.1", on),), "rollback": (rollback,), "post_mortem": (after,),
        "inputs": (wanted,),
    }  # fmt: skip
    approve = MessageKind.APPROVE
    return Story(
        plan=plan(*steps, part=part, inputs={"wanted": "tea|coffee"}),
        replies={
            "1.1": [Reply(MessageKind.ANSWER, "done", "ana", "in the channel")],
            "1.2": [Reply(MessageKind.ANSWER, "not-needed", "ana")],
            "2.1": [Reply(approve, by="ana"), Reply(approve, by="li", note="go"),
                    Reply(approve, by="kim")],
            "2.2": [Reply(MessageKind.OPTION, "2.2/2", "li", "the second")],
            "5.1": [Reply(MessageKind.ANSWER, "done", "ana", "written")],
        },
    )  # fmt: skip


def taken_back(on: str) -> Story:
    """A run whose last write fails twice and is taken back."""
    again = Retry(times=1, wait_seconds=0.05)
    step = PlannedStep(
        id="1", title="Put",
        tasks=(put("1.1", on, "one"), put("1.2", on, "two"), put("1.3", on, "bad", retry=again)),
    )  # fmt: skip
    rollback = PlannedStep(
        id="2", title="Rollback", optional=True, tasks=(human("2.1", "Restore"), look("2.2", on))
    )
    return Story(
        plan=plan(step, part={"rollback": (rollback,)}), faults=("fail-bad",), unattended=True
    )


def decided(on: str) -> Story:
    """A failure is tried again by a person; a miss of an expectation is skipped."""
    tasks = (
        put("1.1", on, "weak"),
        put("1.2", on, "wrong", name="it", expect='it.text == "right"'),
        human("1.3", "Lift it"),
    )
    return Story(
        plan=plan(PlannedStep(id="1", title="Put", tasks=tasks)),
        faults=("fail-once-weak",),
        replies={
            "1.1": [Reply(MessageKind.CHOICE, "retry", "li", "once more")],
            "1.2": [Reply(MessageKind.CHOICE, "skip", "kim", "good enough")],
            "1.3": [Reply(MessageKind.ANSWER, "could-not", "ana", "too heavy"),
                    Reply(MessageKind.CHOICE, "stop", "ana")],
        },
    )  # fmt: skip


def stuck(on: str) -> Story:
    """One write does not come off, one has no way back, one was never there."""
    tasks = (put("1.1", on, "stuck"), put("1.2", on, "gone"), put("1.3", on, "bad"))
    step = PlannedStep(id="1", title="Put", tasks=tasks)
    faults = ("stuck-stuck", "noundo-gone", "fail-bad")
    return Story(plan=plan(step, undo_wait_seconds=0.01), faults=faults, unattended=True)


def declined(on: str) -> Story:
    """Somebody declines: nothing is changed."""
    step = PlannedStep(id="1", title="Put", tasks=(put("1.1", on, "one", needs=APPROVAL),))
    return Story(
        plan=plan(step, decision_seconds=0.05),
        replies={"1.1": [Reply(MessageKind.DECLINE, by="li", note="not tonight")]},
    )


def hostile(on: str) -> Story:
    """Every text that a person or a system can give is hostile."""
    step = PlannedStep(
        id="1", title=HOSTILE, description=HOSTILE,
        tasks=(
            human("1.1", HOSTILE),
            put("1.2", on, HOSTILE, text=HOSTILE),
            look("1.3", on, evidence=("text", "parts"), text=HOSTILE, expect="result.length > 1"),
            put("1.4", on, "M" * 1_000_000 + "<script>"),
            look("1.5", on, evidence=("text",)),
            put("1.6", on, "fails" + HOSTILE),
        ),
    )  # fmt: skip
    declared = (
        PlannedInput(name="wanted", type=InputType.FILE),
        PlannedInput(name=HOSTILE, type=InputType.TEXT),
    )
    file = {"name": HOSTILE, "sha256": sha256(HOSTILE.encode()).hexdigest(), "text": HOSTILE}
    inputs: dict[str, Any] = {"wanted": file, HOSTILE: HOSTILE}  # Any: JSON
    return Story(
        plan=plan(
            step, inputs=inputs, decision_seconds=0.05,
            part={"runbook": HOSTILE, "procedure": HOSTILE, "inputs": declared},
        ),
        faults=("fail-" + "".join(filter(str.isalnum, "fails" + HOSTILE))[:20],),
        replies={"1.1": [Reply(MessageKind.ANSWER, "done", HOSTILE, HOSTILE)]},
    )  # fmt: skip


def open_question(on: str) -> Story:
    """A run that waits for a person."""
    tasks = (look("1.1", on), human("1.2", "Look out of the window"), put("1.3", on, "one"))
    return Story(plan=plan(PlannedStep(id="1", title="Wait", tasks=tasks)), stays_open=True)


STORIES = {
    "everything": everything, "taken-back": taken_back, "decided": decided, "stuck": stuck,
    "declined": declined, "hostile": hostile, "open": open_question,
}  # fmt: skip
