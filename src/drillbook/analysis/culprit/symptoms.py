"""What an error's own words say it is: by what Postgres, libpq, HTTP, tokens and runtimes say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

LONGEST_TEXT = 20_000


class Symptom(StrEnum):
    """Kinds of errors that point somewhere; their words are everybody's, not one app's."""

    DATABASE_AWAY = "the database is not reached"
    DATABASE_FULL = "the database gives no connection"
    DATABASE_LOGIN = "the database refuses the login"
    DATABASE_LOCK = "a lock was not free in time"
    DATABASE_LONG = "a statement took too long"
    DATABASE_DISK = "the database cannot write to its disk"
    DATABASE_READ_ONLY = "the database may only be read"
    DATABASE_OBJECT = "something is not in the database"
    DATABASE_RULE = "the database refuses a row"
    DATABASE_RIGHT = "the database allows it not"
    POOL = "no pooled connection was free"
    VALUE_MISSING = "an environment value is not set"
    TOKEN_EARLY = "a token is from the future"  # noqa: S105 - a kind of error
    TOKEN_BAD = "a token is not good"  # noqa: S105 - a kind of error
    LIMITED = "too many requests"
    CACHE = "the cache does not answer"
    OUTSIDE_AWAY = "another service is not reached"
    OUTSIDE_FAILS = "another service answers with an error"
    MEMORY = "no memory is left"
    NO_ANSWER = "the app gave no answer"
    CODE = "the code failed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack: the file as written there, its line, and the function."""

    file: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What one error is, and about what: a value's name, an object, an address, a service.

    `routine` is the function of the database in which it happened, "" for none.
    """

    symptom: Symptom
    about: str = ""
    frames: tuple[Frame, ...] = ()
    routine: str = ""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_NAME = r"['\"`]?(?P<about>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)['\"`]?"
_OBJECT = r"[\"'`]?(?P<about>[\w.\"]+)[\"'`]?"
# The first that fits counts: the special before the general.
RULES: tuple[tuple[Symptom, re.Pattern[str]], ...] = (
    (
        Symptom.DATABASE_FULL,
        _any(
            r"remaining connection slots",
            r"too many connections for (?:role|database)",
            r"sorry, too many clients",
            r"too many clients already",
            r"\b53300\b",
            r"max client connections reached",
            r"MaxClientsInSessionMode",
        ),
    ),
    (
        Symptom.DATABASE_LOGIN,
        _any(
            r"password authentication failed",
            r"\b28P01\b",
            r"no pg_hba\.conf entry",
            r"role [\"'].+?[\"'] is not permitted to log in",
            r"SCRAM authentication.*fail",
            r"SASL authentication failed",
        ),
    ),
    (
        Symptom.DATABASE_DISK,
        _any(
            r"could not extend file",
            r"no space left on device",
            r"\bENOSPC\b",
            r"\b53100\b",
            r"disk full",
            r"could not write (?:to|block)",
            r"disk quota exceeded",
        ),
    ),
    (
        Symptom.DATABASE_READ_ONLY,
        _any(r"in a read-only transaction", r"\b25006\b", r"default_transaction_read_only"),
    ),
    (
        Symptom.DATABASE_LOCK,
        _any(
            r"canceling statement due to lock timeout",
            r"\b55P03\b",
            r"could not obtain lock",
            r"deadlock detected",
            r"\b40P01\b",
            r"LockNotAvailable",
            r"lock wait timeout",
        ),
    ),
    (
        Symptom.DATABASE_LONG,
        _any(
            r"canceling statement due to statement timeout",
            r"\b57014\b",
            r"idle-in-transaction timeout",
            r"transaction timeout",
            r"QueryCanceled",
        ),
    ),
    (
        Symptom.POOL,
        _any(
            r"\bno (?:\w+ )?connections? (?:was|is|were|are|in the pool (?:was|is)) (?:free|available)",
            r"QueuePool limit",
            r"timed out fetching a new connection from the connection pool",
            r"Connection is not available, request timed out",
            r"timeout exceeded when trying to connect",
            r"couldn't get a connection after",
            r"could not obtain a (?:database )?connection",
            r"\bPoolTimeout\b",
            r"pool (?:is |was )?(?:exhausted|timeout)",
            r"connection pool.*full",
            r"Timeout(?:Error)?.*acquiring (?:a )?connection",
        ),
    ),
    (
        Symptom.DATABASE_AWAY,
        _any(
            r"connection to server (?:at|on socket) .*failed",
            r"could not connect to server",
            r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)",
            r"server closed the connection unexpectedly",
            r"terminating connection due to administrator",
            r"consuming input failed",
            r"connection failed: .*(?:port|server)",
            r"SSL SYSCALL error",
            r"\b57P0[123]\b",
            r"\b08006\b|\b08001\b",
            r"ECONNREFUSED [^\s]*:(?:5432|6543)\b",
            r"Can't reach database server",
            r"the connection is (?:lost|closed)$",
        ),
    ),
    (
        Symptom.DATABASE_OBJECT,
        _any(
            rf"column {_OBJECT} (?:of relation .*? )?does not exist",
            r"\b42703\b",
            r"\b42P01\b",
            r"\b42883\b",
        ),
    ),
    (
        Symptom.DATABASE_OBJECT,
        _any(
            rf"(?:relation|table|view|function|type|operator|schema) {_OBJECT}[^\n]{{0,120}}? does not exist"
        ),
    ),
    (
        Symptom.DATABASE_RULE,
        _any(rf"null value in column {_OBJECT}[^\n]*violates not-null"),
    ),
    (
        Symptom.DATABASE_RULE,
        _any(
            rf"violates (?:check|foreign key|not-null|unique|exclusion) constraint {_OBJECT}",
            r"violates row-level security policy",
            r"\b23502\b",
            r"\b23514\b",
            r"\b23503\b",
            r"errors\.NotNullViolation",
            r"\bNotNullViolation\b",
            r"\bCheckViolation\b",
        ),
    ),
    (
        Symptom.DATABASE_RIGHT,
        _any(
            rf"permission denied for (?:table|schema|function|sequence|view|column) {_OBJECT}",
            r"\b42501\b",
            r"\bInsufficientPrivilege\b",
        ),
    ),
    (
        Symptom.VALUE_MISSING,
        re.compile(
            rf"{_NAME}(?: environment variable)? (?:is|was|must be) "
            r"(?:not (?:set|defined|configured|found|given)|unset|undefined|missing|required|empty|set)"
            rf"|KeyError: {_NAME.replace('about', 'about1')}"
            r"|(?:missing|undefined|unset|required|set (?:the )?)[\w ]{0,40}?"
            rf"(?:env(?:ironment)?|variable|var|setting|config\w*|secret)s?[\w ]{{0,20}}:? {_NAME.replace('about', 'about2')}"
        ),
    ),
    (
        Symptom.TOKEN_EARLY,
        _any(
            r"not (?:yet valid|valid yet|active yet|yet active)",
            r"issued in the future",
            r"\biat\b.*(?:future|invalid|too)",
            r"(?:invalid|future).*\biat\b",
            r"\bnbf\b.*(?:claim|future)",
            r"token (?:used|is used) before",
            r"ImmatureSignature",
            r"in the future",
        ),
    ),
    (
        Symptom.TOKEN_BAD,
        _any(
            r"(?:token|jwt|signature).*(?:not good|invalid|expired|malformed|mismatch|bad)",
            r"(?:invalid|expired|bad|malformed).*(?:token|jwt|signature)",
            r"JWKS?.*(?:no|not).*(?:key|found)",
        ),
    ),
    (
        Symptom.CACHE,
        _any(
            r"\bMISCONF\b",
            r"\bREADONLY You can't write",
            r"\bLOADING Redis",
            r"\b(?:redis|valkey|memcached?)\b",
            r"ECONNREFUSED [^\s]*:6379\b",
        ),
    ),
    (
        Symptom.LIMITED,
        _any(
            r"too many requests", r"rate.?limit(?:ed)?(?: exceeded)?", r"\bmore than \d+ in \d+ s"
        ),
    ),
    (
        Symptom.MEMORY,
        _any(
            r"out of memory",
            r"\bMemoryError\b",
            r"heap out of memory",
            r"OutOfMemoryError",
            r"cannot allocate memory",
            r"\bOOMKilled\b",
        ),
    ),
    (
        Symptom.OUTSIDE_FAILS,
        re.compile(
            r"(?:the )?(?P<about>[\w.-]+(?: [\w.-]+){0,3}?) (?:answers?|answered|responded|returned|replied)(?: with)?"
            r" (?:an? )?(?:HTTP |status |code |error )*5\d\d\b"
            r"|\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?: code)?|HTTPError:?(?: HTTP Error)?|error)[ :=]*5\d\d\b"
            r"|\b5\d\d (?:Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error)",
            re.IGNORECASE,
        ),
    ),
    (
        Symptom.OUTSIDE_AWAY,
        re.compile(
            r"(?:the )?(?P<about>[\w.-]+(?: [\w.-]+){0,3}?) (?:does not|did not|doesn't|is not) (?:answer|respond|reachable)"
            r"|\bECONNREFUSED (?P<about1>\S+)|\bETIMEDOUT\b|\bENOTFOUND (?P<about2>\S+)|\bECONNRESET\b|\bEAI_AGAIN\b"
            r"|connection refused|connection reset by peer|name or service not known|temporary failure in name resolution"
            r"|(?:read|connect|request|socket|operation) ?timed? ?out|fetch failed|ConnectTimeout|ReadTimeout"
            r"|host='(?P<about3>[\w.-]+)'",
            re.IGNORECASE,
        ),
    ),
)
_EXCEPTION = re.compile(
    r"^(?:Caused by: |Uncaught |Unhandled \w+: )?(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Violation|Fault|Panic|Warning)\b",
    re.MULTILINE,
)
_CHAINING = re.compile(r"^(?:Traceback |The above exception|During handling|\s*\^+\s*$)")
_FRAMES = (
    re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)', re.MULTILINE),
    re.compile(r"^\s*at (?:async )?(?:(?P<function>[\w$.<>\[\] ]+?) \()?(?P<file>[^()\s]+?):(?P<line>\d+)(?::\d+)?\)?\s*$", re.MULTILINE),
    re.compile(r"^\s*at (?P<function>[\w$.<>/]+)\((?P<file>[\w$]+\.(?:java|kt|scala)):(?P<line>\d+)\)", re.MULTILINE),
)  # fmt: skip
_ROUTINE = re.compile(
    r"PL/pgSQL function (?P<name>[\w.\"]+?)(?:\([^)]*\))? line \d+|SQL function \"(?P<sql>[\w.]+)\""
)
# Of a library, not of the app: where installed code lies in Python, JavaScript and Java.
_FOREIGN = re.compile(
    r"site-packages|dist-packages|node_modules|/lib/python\d|^<|^node:|\binternal/|java\.|jdk\."
)


@lru_cache(maxsize=4096)
def read_error(message: str, stack: str = "") -> Reading:
    """Return what an error is; its own words count before those of what caused it."""
    message, stack = message[:LONGEST_TEXT], stack[-LONGEST_TEXT:]
    said = [message, *reversed(list(_exceptions(stack)))]
    frames, routine = frames_of(stack), routine_of(f"{message}\n{stack}")
    for symptom, about in filter(None, (_fits(text) for text in said if text)):
        return Reading(symptom, about, frames, routine)
    if frames or _EXCEPTION.search(message):
        return Reading(Symptom.CODE, _name_of(said), frames, routine)
    return Reading(Symptom.OTHER, "", frames, routine)


def routine_of(text: str) -> str:
    """Return the database's own function in which an error happened, the innermost."""
    found = _ROUTINE.search(text)
    return (found["name"] or found["sql"]).replace('"', "") if found else ""


def frames_of(stack: str) -> tuple[Frame, ...]:
    """Return the app's own lines of a stack, the innermost last; libraries' are left out."""
    for pattern in _FRAMES:
        found = [
            Frame(one["file"], int(one["line"]), (one["function"] or "").strip())
            for one in pattern.finditer(stack)
            if not _FOREIGN.search(one["file"])
        ]
        if found:
            # Python's innermost comes last, JavaScript's and Java's first.
            return tuple(found if pattern is _FRAMES[0] else reversed(found))
    return ()


def _fits(text: str) -> tuple[Symptom, str] | None:
    for symptom, pattern in RULES:
        found = pattern.search(text)
        if found:
            named = [value for key, value in found.groupdict().items() if value]
            return symptom, (named[0] if named else "").strip("\"'`")
    return None


def _exceptions(stack: str) -> Iterator[str]:
    """Yield the lines of a stack that name an exception and what it says, as they stand."""
    for line in stack.splitlines():
        if line and not line[0].isspace() and not _CHAINING.match(line):
            yield line


def _name_of(said: list[str]) -> str:
    for text in said:
        found = _EXCEPTION.search(text)
        if found:
            return found[0].rpartition(".")[2].removeprefix("Caused by: ")
    return ""
