"""Look at several things at once: each has the same time, and what hangs is not waited for."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from time import monotonic
from typing import TypeVar

from drillbook.core.effect import deadline
from drillbook.core.errors import Unavailable

T = TypeVar("T")


def side_by_side(
    looks: Mapping[str, Callable[[], T]], *, at_most_seconds: float
) -> dict[str, T | Exception]:
    """
    Return what each look returned or raised, in their order; Unavailable for one that hangs.

    Each sees the deadline of the task at hand. A look that hangs is left to itself, so it must
    change nothing.
    """
    ends = monotonic() + deadline.get().left(at_most=at_most_seconds)
    working = {name: _begun(look) for name, look in looks.items()}
    wait(working.values(), timeout=max(0.0, ends - monotonic()))
    ended: dict[str, T | Exception] = {}
    for name, future in working.items():
        answer = _ended(name, future, at_most_seconds)
        ended[name] = answer
    return ended


def _begun(look: Callable[[], T]) -> Future[T]:
    ended: Future[T] = Future()
    context = copy_context()  # the deadline is the context's

    def carry_out() -> None:
        try:
            ended.set_result(context.run(look))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            ended.set_exception(error)

    # A daemon: what hangs for ever must not keep the process from ending.
    Thread(target=carry_out, name="look", daemon=True).start()
    return ended


def _ended(name: str, future: Future[T], seconds: float) -> T | Exception:
    if not future.done():
        return Unavailable(f"{name} did not answer within {seconds:g} s")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error
