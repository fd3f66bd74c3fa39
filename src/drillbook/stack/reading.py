"""From the text of stack.toml to its sections, or to a sentence with file and line."""

import re
import tomllib
import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from drillbook.core.errors import SettingsInvalid
from drillbook.core.model import Frozen
from drillbook.core.policy import Needs
from drillbook.stack.sections import StackFile
from drillbook.stack.toml_lines import KeyPath, key_lines, line_of

LARGEST_BYTES = 1_000_000


def read_stack_file(path: Path) -> StackFile:
    """Read and check a stack file; what is wrong is told with its line and what is allowed."""
    text = _text(path)
    raw = _toml(path, text)
    lines = key_lines(text)
    sections = _sections(raw)
    if not isinstance(sections, StackFile):
        raise _first_mistake(path, lines, sections)
    for key, message, hint in _contradictions(sections):
        raise SettingsInvalid(f"{path}:{line_of(lines, key)}: {message}", hint=hint)
    return sections


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsInvalid(
            f"{path} cannot be read: {error.strerror}", hint="Check the file's permissions."
        ) from error
    if len(data) > LARGEST_BYTES:
        raise SettingsInvalid(
            f"{path} has {len(data)} bytes, more than {LARGEST_BYTES}",
            hint="Is this really a stack file?",
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsInvalid(
            f"{path}:{line}: not UTF-8 text", hint="Save the file as UTF-8."
        ) from error


def _toml(path: Path, text: str) -> dict[str, object]:
    said = ""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
    # Raised out here, so that the error carries no context: that one holds the text.
    match = re.search(r"\(at line (\d+), column (\d+)\)", said)
    place = f":{match[1]}:{match[2]}" if match else ""
    reason = re.sub(r" \(at .*\)$", "", said)
    raise SettingsInvalid(
        f"{path}{place}: not TOML: {reason}",
        hint='A table is written [like.this], a value key = "text".',
    )


def _sections(raw: dict[str, object]) -> StackFile | list[ErrorDetails]:
    try:
        return StackFile.model_validate(raw)
    except ValidationError as error:
        return error.errors(include_url=False)


def _first_mistake(
    path: Path, lines: dict[KeyPath, int], found: list[ErrorDetails]
) -> SettingsInvalid:
    placed = sorted(
        ((line_of(lines, _key(error)), *_sentence(error)) for error in found),
        key=lambda one: one[0],
    )
    line, message, hint = placed[0]
    more = len(placed) - 1
    also = f" (and {more} more mistake{'s' if more > 1 else ''} below)" if more else ""
    return SettingsInvalid(f"{path}:{line}: {message}{also}", hint=hint)


def _key(error: ErrorDetails) -> KeyPath:
    return tuple(str(part) for part in error["loc"] if part != "[key]")


def _sentence(error: ErrorDetails) -> tuple[str, str]:
    key = _key(error)
    where = _table(key[:-1])
    match error["type"]:
        case "extra_forbidden":
            allowed = _allowed(key[:-1])
            return f"unknown key {key[-1]} {where}", _choices(key[-1], allowed)
        case "missing":
            return f"{key[-1]} is missing {where}", f"Allowed there: {_joined(_allowed(key[:-1]))}."
        case "literal_error":
            choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
            return f"{key[-1]} is {error['input']!r} {where}", _choices(
                str(error["input"]), choices
            )
        case "value_error":
            reason = str(error.get("ctx", {}).get("error", error["msg"]))
            return f"{'.'.join(key)} {reason}", ""
        case "string_pattern_mismatch":
            return f"{key[-1]!r} is not a name {where}", "Use letters, digits, _ and -."
        case _:
            # The value is not repeated: it may be a secret in the wrong place.
            return f"{'.'.join(key)}: {error['msg'][:1].lower()}{error['msg'][1:]}", ""


def _table(key: KeyPath) -> str:
    return f"in [{'.'.join(key)}]" if key else "at the top level"


def _choices(word: str, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    near = get_close_matches(word, allowed, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return f"{guess}Allowed: {_joined(allowed)}."


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)


def _allowed(key: KeyPath) -> list[str]:
    at: Any = StackFile  # Any: a type annotation, walked
    for part in key:
        at = _inside(at, part)
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, Frozen) else []


def _inside(annotation: Any, part: str) -> Any:  # Any: a type annotation, walked
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        field = annotation.model_fields.get(part)
        return _plain(field.annotation) if field else None
    if get_origin(annotation) is dict:
        return _plain(get_args(annotation)[1])
    return None


def _plain(annotation: Any) -> Any:  # Any: a type annotation, walked
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


def _contradictions(sections: StackFile) -> Iterable[tuple[KeyPath, str, str]]:
    """Yield what is well-formed and still cannot be meant: key, message, hint."""
    for name, policy in sections.policy.items():
        if name not in sections.environments:
            yield (
                ("policy", name),
                f"the policy is for {name}, and there is no environment of that name",
                _choices(name, sections.environments),
            )
        for risk, needs in (("write", policy.write), ("destroy", policy.destroy)):
            if needs is not None:
                yield from _unmet_roles(("policy", name, risk), needs, sections.roles)


def _unmet_roles(
    key: KeyPath, needs: Needs, roles: Mapping[str, tuple[str, ...]]
) -> Iterable[tuple[KeyPath, str, str]]:
    for role in needs.roles:
        if role not in roles:
            yield (
                key,
                f"the policy names the role {role}, and [roles] has none of that name",
                _choices(role, roles),
            )
    members = {member for role in needs.roles for member in roles.get(role, ())}
    if needs.roles and len(members) < needs.approvals:
        asked = f"{needs.approvals} approvals are asked from {_joined(needs.roles)}"
        yield (
            key,
            f"{asked}, and [roles] lists {len(members)} of them",
            "Add members in [roles], or ask for fewer approvals.",
        )
