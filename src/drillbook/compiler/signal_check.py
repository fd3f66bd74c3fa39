"""The signals that a symptom's condition names: that there are such, and what they are given."""

from typing import TYPE_CHECKING

from drillbook.analysis.signals import SignalUnknown, measured
from drillbook.compiler.document import Span

if TYPE_CHECKING:
    from drillbook.compiler.context import Context


def check_signals(ctx: "Context", expression: str, at: Span) -> None:
    """Note a signal that does not exist or takes other values, and a condition without any."""
    try:
        found = measured(expression)
    except SignalUnknown as mistake:
        place = Span(at.line, at.column + mistake.at)
        ctx.notes.error(place, "DB414", mistake.message, mistake.hint)
        return
    if expression and not found.measurements:
        message = "the condition names no signal, and so never changes"
        ctx.notes.error(at, "DB414", message, 'Write one, such as errors.raised("5m").')
