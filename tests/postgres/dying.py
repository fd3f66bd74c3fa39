"""Run an action in a process of its own that is really killed or frozen, at a chosen moment."""

import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from drillbook.core.effect import Effect

LONGEST_SECONDS = 60
KILLED = -signal.SIGKILL


@dataclass
class Moments:
    """Counts the moments at which a worker tells or asks something; dies at the chosen one."""

    die_at: int | str
    number: signal.Signals = signal.SIGKILL
    seen: int = 0
    over: bool = False

    def told(self, says: str, _fraction: float | None) -> None:
        self._pass(isinstance(self.die_at, str) and says.startswith(self.die_at))

    def asked(self) -> None:
        self._pass(False)

    def _pass(self, is_it: bool) -> None:
        self.seen += 1
        if not self.over and (is_it or self.seen == self.die_at):
            self.over = True  # one that is only frozen wakes and goes on
            os.kill(os.getpid(), self.number)


def in_a_child(work: Callable[[], object]) -> int:
    """Start the work in a forked process; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        # A child that hangs shows where and ends.
        faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True, file=sys.__stderr__)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never come back into pytest
        traceback.print_exc()
    finally:
        os._exit(code)


def ending(child: int) -> int:
    """Wait for the child's end; below 0: the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def watched(effect: Effect, moments: Moments) -> Effect:
    """Return the effect with its moments watched."""
    return replace(effect, progress=moments.told, still_mine=moments.asked)


def dies_at(moment: int | str, effect: Effect, work: Callable[[Effect], object]) -> bool:
    """Run the work; True when it was killed at that moment, False when it was done before."""
    mine = watched(effect, Moments(moment))
    code = ending(in_a_child(lambda: work(mine)))
    assert code in {0, KILLED}, f"the worker ended with {code}"
    return code == KILLED
