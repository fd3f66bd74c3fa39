"""The names in scope while a runbook is compiled, and what can be read from each."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from drillbook.analysis.expression_tokens import Key, show_path
from drillbook.analysis.scope import parse_path
from drillbook.compiler.diagnostics import nearest_or_all
from drillbook.core.model import Frozen

RESERVED = frozenset(
    {
        "run", "result", "true", "false", "null", "in", "as", "break", "const", "continue", "else",
        "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var",
        "void", "while", "has", "all", "exists", "exists_one", "map", "filter", "none",
    }
)  # fmt: skip
SCALARS = (str, bytes, int, float, datetime, timedelta)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


class RunFacts(Frozen):
    """What a task can read of its run."""

    id: str
    by: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a path."""

    code: str
    message: str
    hint: str = ""


@dataclass(slots=True)
class Names:
    """Names defined so far, with the type of each; `later` are the lines of all `as` names."""

    types: dict[str, object] = field(default_factory=lambda: {"run": RunFacts})
    lines: dict[str, int] = field(default_factory=dict[str, int])
    later: dict[str, int] = field(default_factory=dict[str, int])
    way_back: frozenset[str] = frozenset()

    def copy(self) -> "Names":
        """Return names that can grow on their own."""
        return Names(dict(self.types), dict(self.lines), self.later, self.way_back)

    def define(self, name: str, annotation: object, line: int) -> Trouble | None:
        """Add a name, or return why it cannot be had."""
        if name in RESERVED:
            return Trouble("DB305", f"`{name}` is a word of the language", "Choose another name.")
        if name in self.types:
            where = self.lines.get(name)
            place = f" on line {where}" if where else " as an input"
            return Trouble("DB303", f"`{name}` is already defined{place}", "Choose another name.")
        self.types[name] = annotation
        self.lines[name] = line
        return None

    def check(
        self, path: str | tuple[Key, ...], *, result: object = None, own: str = ""
    ) -> Trouble | None:
        """Return what is wrong with a path; `result` is the type of the task's own result."""
        keys = parse_path(path) if isinstance(path, str) else path
        if not keys:
            return Trouble("DB307", f"`{path}` is not the path of a value", "Write name.field.")
        root = str(keys[0])
        if result is not None and root in ("result", own):
            return _inside(result, keys)
        if root not in self.types:
            return self._unknown(root, result is not None)
        return _inside(self.types[root], keys)

    def _unknown(self, root: str, has_result: bool) -> Trouble:
        if root in self.way_back:
            return Trouble(
                "DB306",
                f"`{root}` comes from the way back (line {self.later.get(root, 0)})",
                "The way forward cannot use it: it is there only after a failure.",
            )
        if root in self.later:
            return Trouble(
                "DB302",
                f"`{root}` is used before it is there (line {self.later[root]})",
                "Move the task that defines it up.",
            )
        known = [*self.types, *(["result"] if has_result else [])]
        return Trouble("DB301", f"no value is named `{root}`", nearest_or_all(root, known))


def _inside(annotation: object, keys: tuple[Key, ...]) -> Trouble | None:
    """Walk into a type along the keys after the first."""
    for at, key in enumerate(keys[1:], start=1):
        options = [each for each in _alternatives(annotation) if each is not NoneType]
        found = [_member(each, key) for each in options]
        if not options or any(each is Any for each in found):
            return None
        known = [each for each in found if each is not None]
        if not known:
            return _no_member(options, keys[:at], key)
        annotation = known[0] if len(known) == 1 else Union[tuple(known)]  # noqa: UP007 - made at run time
    return None


def _alternatives(annotation: object) -> list[object]:
    """Return the types a value may have, without Annotated around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for each in get_args(annotation) for inner in _alternatives(each)]
    return [annotation]


def _member(annotation: object, key: Key) -> object | None:
    """Return the type of a member, Any when nothing is known, None when there is none."""
    if annotation is Any or annotation is object:
        return Any
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        if key in origin.model_fields:
            return origin.model_fields[str(key)].annotation
        computed = origin.model_computed_fields.get(str(key))
        return computed.return_type if computed else None
    if isinstance(origin, type) and issubclass(origin, dict):
        return arguments[1] if len(arguments) > 1 else Any
    if isinstance(origin, type) and issubclass(origin, list | tuple):
        return (arguments[0] if arguments else Any) if isinstance(key, int) else None
    scalar = isinstance(origin, type) and issubclass(origin, SCALARS)
    return None if scalar else Any


def _no_member(options: list[object], before: tuple[Key, ...], key: Key) -> Trouble:
    fields = [
        name
        for each in options
        if isinstance(each, type) and issubclass(each, BaseModel)
        for name in (*each.model_fields, *each.model_computed_fields)
    ]
    place = show_path(before)
    if not fields:
        return Trouble("DB304", f"`{place}` is a single value and has no `{key}`")
    hint = nearest_or_all(str(key), fields, are="It has")
    return Trouble("DB304", f"`{place}` has no `{key}`", hint)


def is_name(text: str) -> bool:
    """Whether a text can name an input."""
    return bool(_NAME.fullmatch(text)) and text not in RESERVED
