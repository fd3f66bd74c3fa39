"""A call that ends in time, whatever it waits for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

# How much longer than its own time-outs a call may take: name servers have none.
GRACE_SECONDS = 0.5
Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Wait for a result no longer than that (TimeoutError); work that hangs is left to itself."""
    ended: Future[Result] = Future()

    def carry_out() -> None:
        try:
            ended.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            ended.set_exception(error)

    Thread(target=carry_out, name="call", daemon=True).start()
    return ended.result(timeout=seconds)
