"""Behaviour before and after a change: what worked and fails now, and what a role sees now."""

from collections.abc import Callable, Collection, Iterator, Mapping

from drillbook.core.behaviour import Behaviour, Behaviours, Broken, Compared, Subject

PERMISSION = "42501"
# A call that reaches these fails whatever its arguments: the body does not fit the schema.
ALWAYS_CLASSES = ("42",)
ALWAYS_STATES = frozenset({"0A000", "2F005", "23502"})
FEW_ROWS = 10
NOBODY: Mapping[str, str] = {}
TOOK_ALONG = "it is gone, and the change does not name it: something else took it along"

Key = tuple[str, str, str]


def compared(
    before: Behaviours,
    after: Behaviours,
    *,
    dropped: Collection[str] | None = None,
    used: Mapping[str, str] = NOBODY,
    live: bool = False,
) -> Compared:
    """
    Compare two observations of one database.

    `dropped` are the objects that the change drops by name: what else is gone was taken along, and
    that is broken; None says that nobody knows. `used` are tables that others used lately, with how
    often: dropping one of those breaks them. `live`: others wrote meanwhile.
    """
    broken: list[Broken] = []
    widened: list[str] = []
    unsure: list[str] = []
    known = _Known(after)
    count = 0
    for old in before.behaviours:
        if not old.sure:
            continue
        new = known.like(old)
        if new is None:
            broken += _gone(old, known, dropped, used)
            continue
        count += 1
        if old.ok and (not new.sure or (live and _may_be_the_data(new))):
            unsure.append(f"{_says(old)}: {new.error}")
        elif old.ok:
            error = _worse(old, new, live=live)
            broken += [_broken(new, old.role, error)] if error else []
        if new.ok:
            widened += _wider(old, new)
    broken += [_broken(new, new.role, new.error) for new in known.unmatched() if fails_always(new)]
    return Compared(
        broken=tuple(broken), widened=tuple(widened), unsure=tuple(unsure), compared=count
    )


def broken(
    before: Behaviours,
    after: Behaviours,
    *,
    dropped: Collection[str] | None = None,
    used: Mapping[str, str] = NOBODY,
    live: bool = False,
) -> tuple[Broken, ...]:
    """Return what worked before and does not work after; parameters as of `compared`."""
    return compared(before, after, dropped=dropped, used=used, live=live).broken


def fails_always(found: Behaviour) -> bool:
    """Tell whether a new object fails because of what it is, not because of what it was given."""
    if found.ok or not found.sure or found.refused or found.sqlstate == PERMISSION:
        return False
    return found.sqlstate.startswith(ALWAYS_CLASSES) or (
        found.kind is Subject.FUNCTION and found.sqlstate in ALWAYS_STATES
    )


def _may_be_the_data(new: Behaviour) -> bool:
    """Tell whether a call was refused by the app's own words, as others' writes can bring about."""
    return new.kind is Subject.FUNCTION and not new.ok and new.refused


class _Known:
    """Finds the same operation again: by name, else by the object's identity."""

    def __init__(self, after: Behaviours) -> None:
        self._by_name = {_by_name(found): found for found in after.behaviours}
        self._by_identity = {
            _by_identity(found): found for found in after.behaviours if found.identity
        }
        self._subjects = {(found.kind, found.subject) for found in after.behaviours}
        self._identities = {_object(found) for found in after.behaviours if found.identity}
        self._there = frozenset(after.there)
        self._matched: set[Key] = set()

    def like(self, old: Behaviour) -> Behaviour | None:
        new = self._by_name.get(_by_name(old))
        if new is None and old.identity:
            new = self._by_identity.get(_by_identity(old))
        if new is not None:
            self._matched.add(_by_name(new))
        return new

    def has(self, old: Behaviour) -> bool:
        """Tell whether the object itself is still there, by its name or under another one."""
        if self._there & {old.subject, _object(old)}:
            return True
        return (old.kind, old.subject) in self._subjects or _object(old) in self._identities

    def unmatched(self) -> Iterator[Behaviour]:
        for key, found in self._by_name.items():
            if key not in self._matched:
                yield found


def _by_name(found: Behaviour) -> Key:
    return (found.subject, found.operation, found.role)


def _by_identity(found: Behaviour) -> Key:
    return (found.identity, found.operation.partition(" of ")[0], found.role)


def _object(found: Behaviour) -> str:
    return " ".join(found.identity.split(" ")[:2])


def _gone(
    old: Behaviour, known: _Known, dropped: Collection[str] | None, used: Mapping[str, str]
) -> list[Broken]:
    if not old.ok or known.has(old):
        return []
    if old.kind is Subject.TABLE and old.subject in used:
        return [_broken(old, old.role, f"it is gone, and others used it {used[old.subject]}")]
    if dropped is None or old.operation not in {"read", "call"}:
        return []
    if any(_same_name(old.subject, name) for name in dropped):
        return []
    return [_broken(old, old.role, TOOK_ALONG)]


def _same_name(subject: str, name: str) -> bool:
    """Compare a full name with one as written, which may lack the schema or mean all of one."""
    plain = subject.partition("(")[0].replace('"', "")
    schema, _, short = plain.partition(".")
    return name in {plain, short, f"{schema}.*"}


def _broken(new: Behaviour, role: str, error: str) -> Broken:
    return Broken(
        subject=new.subject,
        operation=new.operation,
        role=role,
        error=error,
        sqlstate=new.sqlstate,
    )


def _worse(old: Behaviour, new: Behaviour, *, live: bool) -> str:
    """Return what is worse now, in words; empty when nothing is."""
    if not new.ok:
        return new.error
    if old.worked == old.tries and new.worked < new.tries:
        return f"fails for {new.tries - new.worked} of {new.tries} rows: {new.error}"
    if old.operation == "read":
        return _sees_otherwise(old, new, live=live)
    if old.kind is not Subject.FUNCTION and old.rows and not new.rows:
        return f"changes no row where it changed {old.rows}: hidden by row-level security"
    return ""


def _sees_otherwise(old: Behaviour, new: Behaviour, *, live: bool) -> str:
    """Compare what a role sees of a table with what there is of it."""
    if not old.rows or not new.of:
        return ""
    says = f"sees {new.rows} of {new.of} rows, it saw {old.rows} of {old.of}"
    if _share(old) != _share(new):
        return says
    moved, others = abs(new.rows - old.rows), abs(new.of - old.of)
    if live:
        low, high = sorted((old.rows, new.rows))
        return says if moved > others and moved > FEW_ROWS and high > 2 * low else ""
    return says if moved > others else ""


def _share(found: Behaviour) -> str:
    if not found.rows:
        return "none"
    return "all" if found.rows >= found.of else "some"


def _wider(old: Behaviour, new: Behaviour) -> list[str]:
    if not old.ok and old.sqlstate == PERMISSION:
        return [f"{_says(new)} is allowed now"]
    opened: Callable[[Behaviour], bool] = lambda found: bool(found.rows)  # noqa: E731 - local word
    if old.ok and new.of and not opened(old) and opened(new) and new.operation == "read":
        return [f"{_says(new)} sees {new.rows} of {new.of} rows now, it saw none"]
    return []


def _says(found: Behaviour) -> str:
    return f"{found.operation} on {found.subject} as {found.role}"
