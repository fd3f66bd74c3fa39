"""What Postgres and libpq report, in one sentence and a hint of ours."""

import re
from collections.abc import Callable

import psycopg

from drillbook.core.errors import DrillbookError, Failed, Refused, Unavailable
from drillbook.core.secret import scrub

QUERY_CHARACTERS = 120
_ROW_VALUES = re.compile(r"(\)=|row contains )\(.*\)", re.DOTALL)
_FATAL = re.compile(r"FATAL:\s+(.*)")

Sentence = Callable[[str, str], DrillbookError]


def _read_only(where: str, said: str) -> DrillbookError:
    return Refused(
        f"{where} is read-only: {said}",
        hint="It is a standby or default_transaction_read_only is on: point url at the primary.",
    )


def _disk_full(where: str, said: str) -> DrillbookError:
    return Failed(
        f"the disk of {where} is full: {said}",
        hint="Free space on the server or enlarge its disk, then try again.",
    )


def _too_many(where: str, said: str) -> DrillbookError:
    return Unavailable(
        f"{where} takes no more connections: {said}",
        hint="End idle sessions or raise max_connections, then try again.",
    )


def _lock_timeout(where: str, said: str) -> DrillbookError:
    return Unavailable(
        f"a lock on {where} was not free in time: {said}",
        hint="See who holds it: drillbook do database.blockers on=…",
    )


def _too_long(where: str, said: str) -> DrillbookError:
    return Unavailable(
        f"{where} did not finish in the time left: {said}",
        hint="Give the task a longer timeout, or look at what the server is busy with.",
    )


def _shutting(where: str, said: str) -> DrillbookError:
    return Unavailable(
        f"the connection to {where} was ended by the server: {said}",
        hint="Wait until the server is up again, then try again.",
    )


def _permission(where: str, said: str) -> DrillbookError:
    return Refused(
        f"{where} does not allow it: {said}",
        hint="Grant the right to the role in url, or use a role that has it.",
    )


def _clash(where: str, said: str) -> DrillbookError:
    return Unavailable(
        f"{where} gave way to another transaction: {said}", hint="Trying again is safe."
    )


def _password(where: str, said: str) -> DrillbookError:
    return Refused(
        f"{where} refused the login: {said}",
        hint="Check user and password behind the url reference in stack.toml.",
    )


def _no_database(where: str, said: str) -> DrillbookError:
    return Refused(
        f"{where} has no such database: {said}", hint="Check the name at the end of the url."
    )


_BY_STATE: dict[str, Sentence] = {
    "25006": _read_only,
    "53100": _disk_full,
    "53300": _too_many,
    "55P03": _lock_timeout,
    "57014": _too_long,
    "57P01": _shutting,
    "57P02": _shutting,
    "57P03": _shutting,
    "57P05": _shutting,
    "25P03": _shutting,
    "42501": _permission,
    "40P01": _clash,
    "40001": _clash,
    "28P01": _password,
    "28000": _password,
    "3D000": _no_database,
}
CERTAIN = frozenset({"22", "23", "42"})  # data, constraint, syntax: the same again on a next try
_BY_CLASS = {
    "22": "A value does not fit: correct the data or the statement, then start again.",
    "23": "The data does not allow it: clean it up or change the statement, then start again.",
    "42": "The statement does not fit this schema: correct it, then start again.",
}
# At connect time libpq keeps no SQLSTATE, only the server's words.
_BY_WORDS: tuple[tuple[str, Sentence], ...] = (
    ("too many clients", _too_many),
    ("connection slots are reserved", _too_many),
    ("too many connections", _too_many),
    ("password authentication failed", _password),
    ("no password supplied", _password),
    ("pg_hba.conf", _password),
    ("role ", _password),
    ("is starting up", _shutting),
    ("is shutting down", _shutting),
    ("in recovery mode", _shutting),
    ("not currently accepting connections", _shutting),
    ("does not exist", _no_database),
    ("permission denied", _permission),
)


def first_line(error: BaseException) -> str:
    """Return the server's own words, one line, without secrets."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return scrub(error.diag.message_primary)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    fatal = [hit[1] for line in lines if (hit := _FATAL.search(line))]
    return scrub((fatal or lines or ["no words"])[0])


def detail_of(error: psycopg.Error) -> str:
    """Return the server's detail without the values of rows: they are people's data."""
    detail = error.diag.message_detail or ""
    return scrub(_ROW_VALUES.sub(r"\1(…)", detail))


def as_ours(error: psycopg.Error, where: str) -> DrillbookError:
    """Return our error for one raised by a statement; unknown states are Failed."""
    said = first_line(error)
    if is_lost(error):
        return Unavailable(
            f"the connection to {where} was lost: {said}",
            hint="Check the network and the server, then try again.",
        )
    state = error.sqlstate or ""
    if state in _BY_STATE:
        return _BY_STATE[state](where, said)
    detail = detail_of(error)
    return Failed(
        f"{where} answered with an error: {said}" + (f" ({detail})" if detail else ""),
        hint=scrub(error.diag.message_hint or "") or _hint(state),
        again=state[:2] not in CERTAIN,
    )


def _hint(state: str) -> str:
    words = _BY_CLASS.get(state[:2], "Look it up by its code.")
    return f"{words} (SQLSTATE {state or 'none'})"


def as_ours_at_connect(error: psycopg.Error, where: str, seconds: float) -> DrillbookError:
    """Return our error for a connection that did not come about."""
    said = first_line(error)
    lowered = said.lower()
    if _FATAL.search(str(error)):
        for words, sentence in _BY_WORDS:
            if words in lowered:
                return sentence(where, said)
    if "timeout" in lowered:
        return Unavailable(
            f"{where} did not answer within {seconds:g} s",
            hint="Check that the server runs and that the network lets you through.",
        )
    return Unavailable(
        f"{where} cannot be reached: {said}",
        hint="Check host and port of the url, and that the server runs.",
    )


def is_lost(error: psycopg.Error) -> bool:
    """Tell whether the connection is gone, so that the server's answer will never come."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith("08") or error.sqlstate in {"57P01", "57P02", "57P05"}


def short(query_text: str) -> str:
    """Return a query on one line, cut to what a sentence bears."""
    line = " ".join(query_text.split())
    return scrub(line if len(line) <= QUERY_CHARACTERS else line[: QUERY_CHARACTERS - 1] + "…")
