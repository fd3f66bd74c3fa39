"""Run an action in a process of its own that is really killed or frozen, at a chosen moment."""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from drillbook.core.effect import Effect

KILLED = -signal.SIGKILL


@dataclass
class Moments:
    """Counts the moments at which a worker tells or asks something; dies at the chosen one."""

    die_at: int
    seen: int = 0

    def pass_by(self, *_: object) -> None:
        self.seen += 1
        if self.seen == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Callable[[], object]) -> int:
    """Start the work in a forked process; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never come back into pytest
        traceback.print_exc()
    finally:
        os._exit(code)


def ending(child: int) -> int:
    """Wait for the child's end; below 0: the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies_at(moment: int, effect: Effect, work: Callable[[Effect], object]) -> bool:
    """Run the work; True when it was killed at that moment, False when it was done before."""
    moments = Moments(moment)
    mine = Effect(
        key=effect.key, run=effect.run, task=effect.task, by=effect.by,
        progress=moments.pass_by, still_mine=moments.pass_by,
    )  # fmt: skip
    code = ending(in_a_child(lambda: work(mine)))
    assert code in {0, KILLED}, f"the worker ended with {code}"
    return code == KILLED
