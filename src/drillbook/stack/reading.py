"""From the text of stack.toml to its sections, or to a sentence with file and line."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from drillbook.analysis.toml_lines import KeyPath, line_of
from drillbook.analysis.toml_model import choices, read_toml
from drillbook.core.errors import SettingsInvalid
from drillbook.core.policy import Needs
from drillbook.stack.sections import StackFile

LARGEST_BYTES = 1_000_000


def read_stack_file(path: Path) -> StackFile:
    """Read and check a stack file; what is wrong is told with its line and what is allowed."""
    read = read_toml(_text(path), StackFile, name=str(path), error=SettingsInvalid)
    for key, message, hint in _contradictions(read.value):
        raise SettingsInvalid(f"{path}:{line_of(read.lines, key)}: {message}", hint=hint)
    return read.value


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
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsInvalid(
            f"{path}:{line}: not UTF-8 text", hint="Save the file as UTF-8."
        ) from error


def _contradictions(sections: StackFile) -> Iterable[tuple[KeyPath, str, str]]:
    """Yield what is well-formed and still cannot be meant: key, message, hint."""
    for name, policy in sections.policy.items():
        if name not in sections.environments:
            yield (
                ("policy", name),
                f"the policy is for {name}, and there is no environment of that name",
                choices(name, sections.environments),
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
                choices(role, roles),
            )
    members = {member for role in needs.roles for member in roles.get(role, ())}
    if needs.roles and len(members) < needs.approvals:
        asked = f"{needs.approvals} approvals are asked from {', '.join(needs.roles)}"
        yield (
            key,
            f"{asked}, and [roles] lists {len(members)} of them",
            "Add members in [roles], or ask for fewer approvals.",
        )
