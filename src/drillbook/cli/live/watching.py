"""Chooses the face for a terminal, a log or a program, follows the run, and says how it ended."""

import json
import os
import sys
from typing import NoReturn

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.live.asking import Asker
from drillbook.cli.live.ending import code_of_run, ending_lines
from drillbook.cli.live.faces import Face, JsonFace, PlainFace
from drillbook.cli.live.follow import Follower
from drillbook.cli.session import who
from drillbook.cli.telling import say
from drillbook.core.plan import Plan
from drillbook.engine.runs import Runs, RunView
from drillbook.engine.spawn import ensure_worker


def after_start(runs: Runs, run: str, *, detach: bool, as_json: bool) -> None:
    """See that a worker lives, and watch the run unless it shall go on alone."""
    ensure_worker(runs.store)
    if not detach:
        watch_run(runs, run, as_json=as_json, stay=False)
    if as_json:
        print(json.dumps({"event": "detached", "run": run}), flush=True)
    else:
        say(f"Run {run} goes on in the background. Come back: drillbook watch {run}")


def watch_run(runs: Runs, run: str, *, as_json: bool, stay: bool) -> NoReturn:
    """Follow a run and end the command with its code; Ctrl-C leaves, and the run goes on."""
    view = runs.show(run)
    asks = sys.stdin.isatty() and not as_json and not view.start.unattended
    asker = Asker(view.plan, view.start, who()) if asks else None
    follower = Follower(
        runs, run, face_for(view.plan, run, as_json=as_json), asker, stay=stay or asks
    )
    try:
        view = follower.follow()
    except (KeyboardInterrupt, EOFError):
        left(run, as_json=as_json)
    except BrokenPipeError:
        _silence()
        raise typer.Exit(ExitCode.LEFT) from None
    code = code_of_run(view)
    if code is ExitCode.LEFT:
        _waits(view, as_json=as_json)
    elif as_json:
        _tell_end(view, code)
    else:
        for line in ending_lines(view):
            say(line)
    raise typer.Exit(code)


def face_for(plan: Plan, run: str, *, as_json: bool) -> Face:
    """Return the face that fits where the output goes."""
    if as_json:
        return JsonFace()
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from drillbook.cli.live.screen import ScreenFace

        return ScreenFace(plan, run)
    return PlainFace(plan)


def left(run: str, *, as_json: bool) -> NoReturn:
    """End the command because the person left; the run goes on."""
    if not as_json:
        say(f"\nLeft. Run {run} goes on in the background.")
        say(f"Come back: drillbook watch {run}")
    raise typer.Exit(ExitCode.LEFT) from None


def _waits(view: RunView, *, as_json: bool) -> None:
    from drillbook.cli.waits import waits_lines

    if as_json:
        _tell_end(view, ExitCode.LEFT)
        return
    for line in waits_lines(view):
        say(line)
    say(f"Come back: drillbook watch {view.summary.run}")


def _tell_end(view: RunView, code: ExitCode) -> None:
    told = {
        "event": "end",
        "run": view.summary.run,
        "state": view.summary.state,
        "exit_code": int(code),
        "outcome": view.outcome.model_dump(mode="json") if view.outcome else None,
        "waits": [waiting.model_dump(mode="json") for waiting in view.waits],
    }
    print(json.dumps(told), flush=True)


def _silence() -> None:
    # What is still buffered would raise again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
