"""Proofs of what fixes need: the limiter's store, and what the app's values are to hold."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

from drillbook.core.errors import Failed
from drillbook.ports.app_values import AppValues
from drillbook.ports.limits import Limits
from drillbook.stack.stack import Stack


def limits(stack: Stack, name: str) -> str:
    """Enter the store and count the counts."""
    seen = stack.port(name, Limits).look("")
    if not seen.reachable:
        raise Failed(seen.problem, hint=f"Check url in [environments.{name}.limits].")
    if not seen.counts:
        return f"answers in {seen.milliseconds:g} ms; nothing begins with {seen.prefix} now"
    return (
        f"answers in {seen.milliseconds:g} ms; {seen.counts} counts begin with {seen.prefix}, "
        f"{seen.endless} of them without an end"
    )


def values(stack: Stack, name: str) -> str:
    """Reveal each value, and compare it with what the hosting would give a new build."""
    port, names = stack.port(name, AppValues), sorted(stack.place(name).app().values)
    states = [port.look(each) for each in names]
    if other := [one.name for one in states if one.as_wanted is False]:
        raise Failed(
            f"the hosting has other values than the stack refers to: {', '.join(other)}",
            hint="One of the two is of before: correct the reference, or app.set_value.",
        )
    hidden = sum(one.as_wanted is None for one in states)
    more = f"; {hidden} the hosting does not reveal" if hidden else ""
    return f"{len(states) - hidden} values are as the hosting has them{more}"
