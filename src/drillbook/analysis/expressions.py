"""
Expressions of `expect`, `when` and `@when`: CEL, checked before a run and evaluated within it.

Whole numbers are exact. CEL itself refuses to compute with a whole number and a fraction at once
(`0.8 * connections.limit`); here such an expression is evaluated with every whole number taken as
a double, and refused when one of them is over 2**53, where a double would no longer be exact.
An expression that divides and names a fraction (`used / limit < 0.8`) is taken that way at once,
because CEL's whole division would drop what is behind the point and answer wrongly.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from drillbook.analysis.expression_tokens import (
    FUNCTIONS,
    WIDEST,
    Call,
    Reference,
    durations,
    has_division,
    has_fraction,
    is_duration,
    paths_and_calls,
    tokens,
    widened,
    with_plain_durations,
)
from drillbook.analysis.scope import Scope, as_json, lookup, native, shown
from drillbook.core.errors import BookInvalid, DrillbookError, Failed

if TYPE_CHECKING:
    from cel import Program

LONGEST = 2000
_PLACE = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_FOUND = re.compile(r"(?:extraneous|mismatched) input '(.*?)' expecting|error at: '(.*?)'$")
_WORDS = {"and": "&&", "or": "||", "not": "!", "=": "==", "AND": "&&", "OR": "||", "NOT": "!"}


class ExpressionInvalid(BookInvalid):
    """An expression that cannot be compiled; `line` and `column` count from 1 inside it."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and what it reads; `metrics` are measurements: `errors.rate`."""

    text: str
    program: "Program"
    references: tuple[Reference, ...]
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition came to, and the values it saw."""

    value: bool
    seen: dict[str, JsonValue]


_loading = Lock()


def _library() -> Any:  # Any: an extension module loaded by hand has no type
    # Reads run side by side, and loading it twice ends in a panic of the library.
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:  # Any: as above
    # The package loads its own terminal program on import, which costs 0.35 s; its core does not.
    package = find_spec("cel")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("cel.cel", places)
    if spec is None or spec.loader is None:
        raise Failed("the library for expressions is not installed", hint="Run make setup.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=512)
def _program(text: str) -> "Program":
    program: Program = _library().compile(text)
    return program


@lru_cache(maxsize=512)
def compile_expression(text: str, *, metrics: bool = False) -> Expression:
    """Compile an expression or raise ExpressionInvalid; `metrics` allows measurements, `x.y()`."""
    if len(text) > LONGEST:
        raise ExpressionInvalid(
            f"the expression has {len(text)} characters, more than {LONGEST}",
            hint="Let an action compute it, and test its result.",
        )
    for word, inside in durations(text):
        if not is_duration(inside):
            raise ExpressionInvalid(
                f"{word.text} is not a duration",
                column=word.at + 1,
                hint='Write it like "30m", "1h30m" or "500ms".',
            )
    references, calls = paths_and_calls(text)
    try:
        program = _program(with_plain_durations(text))
    except ValueError as error:
        raise _syntax_error(text, str(error)) from error
    unknown = [call for call in calls if call.name not in FUNCTIONS]
    if unknown and not metrics:
        raise _unknown_function(unknown[0])
    owners = [call.owner for call in unknown if call.owner is not None]
    return Expression(
        text=text,
        program=program,
        references=tuple(each for each in references if each not in owners),
        metrics=tuple(f"{call.owner.path}.{call.name}" for call in unknown if call.owner),
    )


def _unknown_function(call: Call) -> ExpressionInvalid:
    name = f"{call.owner.path}.{call.name}" if call.owner else call.name
    return ExpressionInvalid(
        f"there is no function {name}()",
        column=call.at + 1,
        hint=f"There are {', '.join(sorted(FUNCTIONS))}.",
    )


def _syntax_error(text: str, message: str) -> ExpressionInvalid:
    place = _PLACE.search(message)
    if place is None:
        return ExpressionInvalid("this is not an expression", hint="Write CEL: a.b == 0 && c < 5.")
    line, column, says = int(place[1]), int(place[2]), place[3]
    if not text.strip():
        return ExpressionInvalid("the expression is empty", hint="Write one: applied.failed == 0.")
    found = _FOUND.search(says)
    word = (found[1] or found[2] or "").strip() if found else ""
    if word == "<EOF>":
        said, hint = "the expression ends too early", "Something is missing at its end."
    elif "invalid int" in says:
        said, hint = "the number is too large", "Whole numbers go up to 9223372036854775807."
    else:
        said = f"`{word}` cannot stand here" if word else "this is not an expression"
        hint = _better(text, line, column) or "Write CEL: a.b == 0 && c < 5."
    return ExpressionInvalid(said, line=line, column=column, hint=hint)


def _better(text: str, line: int, column: int) -> str:
    """Return what to write instead of the words of other languages."""
    if line != 1:
        return ""
    near = [word for word in tokens(text) if word.text in _WORDS and word.at < column + 3]
    return f"Write {_WORDS[near[-1].text]} instead of {near[-1].text}." if near else ""


def references(text: str) -> tuple[str, ...]:
    """Return the paths an expression reads, each once."""
    return tuple(dict.fromkeys(each.path for each in paths_and_calls(text)[0]))


def evaluate(text: str, scope: Scope) -> object:
    """Return the value of an expression; every trouble is a DrillbookError in one sentence."""
    expression = compile_expression(text)
    values = {
        root: native(scope[root])
        for root in {str(each.keys[0]) for each in expression.references}
        if root in scope
    }
    if has_division(text) and has_fraction(text):
        return _evaluate_widened(expression, values, scope)
    try:
        return expression.program.execute(values)
    except TypeError:
        return _evaluate_widened(expression, values, scope)
    except (LookupError, ArithmeticError, ValueError, RuntimeError) as error:
        raise _explained(expression, scope, error) from error


def _evaluate_widened(expression: Expression, values: dict[str, Any], scope: Scope) -> object:
    try:
        program = _program(widened(with_plain_durations(expression.text)))
        wide = {name: _wide(value) for name, value in values.items()}
    except OverflowError as error:
        raise Failed(
            f"`{expression.text}` computes with {error} and a fraction: it is too large for that",
            hint=f"Whole numbers up to {WIDEST} can be taken as fractions.",
        ) from error
    try:
        return program.execute(wide)
    except (LookupError, ArithmeticError, ValueError, RuntimeError, TypeError) as error:
        raise _explained(expression, scope, error) from error


def _wide(value: Any) -> Any:  # Any: a value in the library's types
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > WIDEST:
            raise OverflowError(value)
        return float(value)
    if isinstance(value, dict):
        return {key: _wide(inner) for key, inner in value.items()}
    return [_wide(inner) for inner in value] if isinstance(value, list) else value


def _explained(expression: Expression, scope: Scope, error: Exception) -> DrillbookError:
    """Return what went wrong as one sentence with the values seen."""
    for reference in expression.references:
        try:
            lookup(reference.keys, scope)
        except Failed as missing:
            return Failed(f"`{expression.text}`: {missing}", hint=missing.hint)
    seen = [f"{path} is {shown(value)}" for path, value in _seen(expression, scope).items()]
    tail = f"; {', '.join(seen)}" if seen else ""
    if isinstance(error, ZeroDivisionError):
        said, hint = "divides by zero", ""
    elif isinstance(error, ArithmeticError):
        said, hint = "computes a number that is too large", ""
    elif isinstance(error, TypeError):
        said = "joins values of kinds that do not fit"
        hint = "Compare numbers with numbers, texts with texts, durations with duration(…)."
    else:
        said, hint = f"cannot be evaluated: {_first_sentence(error)}", ""
    return Failed(f"`{expression.text}` {said}{tail}", hint=hint)


def _first_sentence(error: Exception) -> str:
    text = str(error).partition("\n")[0].partition(". Check ")[0]
    return text.removeprefix("Function ").strip() or "the values do not fit"


def _seen(expression: Expression, scope: Scope) -> Mapping[str, object]:
    seen: dict[str, object] = {}
    for reference in expression.references:
        try:
            seen[reference.path] = lookup(reference.keys, scope)
        except Failed:
            continue  # the other side of an || or a has() made it unneeded
    return seen


def evaluate_condition(text: str, scope: Scope) -> Outcome:
    """Return whether a condition holds and the values it saw; Failed when it is no yes or no."""
    expression = compile_expression(text)
    value = evaluate(text, scope)
    seen = {path: as_json(found) for path, found in _seen(expression, scope).items()}
    if not isinstance(value, bool):
        raise Failed(
            f"`{text}` comes to {shown(value)}, and not to true or false",
            hint="Compare it with something: == 0, > 5, != null.",
        )
    return Outcome(value, seen)
