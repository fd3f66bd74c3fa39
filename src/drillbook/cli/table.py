"""The commands by name: where each is written, its one line of help, and what it belongs to."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One command; its module is imported only when it is called."""

    module: str
    says: str
    section: str


WRITE: Final = "Write runbooks"
RUN: Final = "Run them"
WATCH: Final = "Watch for incidents"
ANSWER: Final = "Take part in a run"
ACT: Final = "Act directly"
PROVE: Final = "Prove what happened"
SET_UP: Final = "Set up and practise"

COMMANDS: Final[dict[str, Row]] = {
    "check": Row("check", "Check runbook files and say where what is wrong.", WRITE),
    "show": Row("show", "Show how one runbook of a file is read.", WRITE),
    "import": Row("importing", "Show how any Markdown file is read, line by line.", WRITE),
    "strip": Row("strip", "Print a file without its directives, byte for byte.", WRITE),
    "plan": Row("plan", "Show all that a run would do, and change nothing.", RUN),
    "run": Row("run", "Run a runbook, and watch it.", RUN),
    "watch": Row("watch", "Come back to a run that goes on in the background.", RUN),
    "runs": Row("runs", "List the runs, or show one.", RUN),
    "lookout": Row("lookout", "Watch symptoms, open incidents, and start their runs.", WATCH),
    "signals": Row("signals", "Show what each signal and symptom comes to now.", WATCH),
    "receive": Row("receive", "Take log lines from senders, and keep them.", WATCH),
    "incidents": Row("incidents", "List the incidents, show one, or close one.", WATCH),
    "answer": Row("answer", "Answer a task that waits for a person.", ANSWER),
    "approve": Row("approve", "Approve a write of a run, for the plan and state shown.", ANSWER),
    "decline": Row("decline", "Decline a write of a run.", ANSWER),
    "cancel": Row("cancel", "Stop a run at the next safe point and take it back.", ANSWER),
    "resume": Row("resume", "Let a run that was stopped dead go on.", ANSWER),
    "undo": Row("undo", "Take a run back.", ANSWER),
    "do": Row("do", "Carry out one action as a run of its own.", ACT),
    "actions": Row("actions", "List the actions, or explain one.", ACT),
    "report": Row("report", "Write a run as Markdown and as one HTML page.", PROVE),
    "journal": Row("journal", "Verify the sealed record, and export from it.", PROVE),
    "init": Row("init", "Write a first stack.toml and book.", SET_UP),
    "doctor": Row("doctor", "Prove each setting by using it.", SET_UP),
    "worker": Row("worker", "Carry runs out in this process.", SET_UP),
    "range": Row("practice", "Start, look at or stop the practice stack.", SET_UP),
    "demo": Row("demo", "See a migration succeed, one stopped, and one taken back.", SET_UP),
    "drill": Row("drill", "Prove a runbook: break things, and see them put right.", SET_UP),
    "help": Row("help", "Explain a command, or what the exit codes mean.", SET_UP),
}
