"""How a case says which cause and which fix is meant: the very deployment, value, session."""

from pydantic import JsonValue

from drillbook.core.incident import CauseKind, FixKind
from drillbook.drills.errors.case import Accepted, Check, Facts, Remedy, Said


def anything(_: Said, __: Facts) -> bool:
    """Accept whatever is named: there is only one of this kind."""
    return True


def subject(*words: str) -> Check:
    """Accept a subject in which one of these words stands."""
    return lambda said, _: any(word in str(said.get("subject", "")).lower() for word in words)


def field_is(name: str, *words: str) -> Check:
    """Accept a field in which one of these words stands, however its letters are written."""
    return lambda said, _: any(word.lower() in str(said.get(name, "")).lower() for word in words)


def _is_new_release(said: Said, facts: Facts) -> bool:
    return said.get("subject") == facts.serves and facts.serves != facts.served


def _is_holder(said: Said, facts: Facts) -> bool:
    words = str(said.get("subject", ""))
    return "report worker" in words or any(str(pid) in words.split() for pid in facts.holders)


def _goes_back(said: Said, facts: Facts) -> bool:
    return said.get("to") == facts.served and facts.serves != facts.served


def _ends_holders(said: Said, facts: Facts) -> bool:
    named = [_pid(each) for each in _list(said.get("sessions"))]
    return bool(named) and set(named) <= set(facts.holders)


def _list(found: JsonValue) -> list[JsonValue]:
    return found if isinstance(found, list) else []


def _pid(session: JsonValue) -> int:
    return int(str(session["pid"])) if isinstance(session, dict) else 0


RELEASE = Accepted(CauseKind.RELEASE, _is_new_release)
HOLDER = (Accepted(CauseKind.LOCK, _is_holder), Accepted(CauseKind.LOCK, subject("bookings")))
CONNECTIONS = Accepted(CauseKind.CONNECTIONS, _is_holder)
ROLL_BACK = Remedy(FixKind.ROLL_BACK, _goes_back)
END_HOLDERS = Remedy(FixKind.END_SESSIONS, _ends_holders)
PERSON = Remedy(FixKind.PERSON, anything)


def cause(kind: CauseKind, *words: str) -> Accepted:
    """Return a cause of a kind, its subject told by words where there may be several."""
    return Accepted(kind, subject(*words) if words else anything)


def lacking(name: str) -> Accepted:
    """Return the cause that a value is missing, wrong or too strict."""
    return Accepted(CauseKind.VALUE, field_is("subject", name))


def restoring(name: str) -> Remedy:
    """Return the fix of giving a value back."""
    return Remedy(FixKind.RESTORE_VALUE, field_is("variable", name))


def remedy(kind: FixKind, check: Check = anything) -> Remedy:
    """Return any other fix."""
    return Remedy(kind, check)
