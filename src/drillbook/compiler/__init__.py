"""Markdown in, plan or diagnostics out: `check_book` and `compile_plan`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drillbook.compiler.check import Checked, Counts, check_book
    from drillbook.compiler.diagnostics import BookRejected, Diagnostic, Severity
    from drillbook.compiler.plans import compile_plan

__all__ = [
    "BookRejected",
    "Checked",
    "Counts",
    "Diagnostic",
    "Severity",
    "check_book",
    "compile_plan",
]
_PLACES = {
    "BookRejected": "diagnostics",
    "Checked": "check",
    "Counts": "check",
    "Diagnostic": "diagnostics",
    "Severity": "diagnostics",
    "check_book": "check",
    "compile_plan": "plans",
}


def __getattr__(name: str) -> object:
    """Load a name when it is used: checking plain Markdown must not load pydantic and CEL."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module  # noqa: PLC0415 - as above

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
