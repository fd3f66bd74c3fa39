"""The words by which errors are known: Postgres', libpq's, HTTP's, tokens' and runtimes' own."""

import re
from enum import StrEnum


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


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _cased(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# A value's name as environments have it, and an object's as a database writes it.
_NAME = r"['\"`]?(?P<{}>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)['\"`]?"
_FIRST, _SECOND, _THIRD = (_NAME.format(group) for group in ("about", "about1", "about2"))
_OBJECT = r"[\"'`]?(?P<about>[\w.\"]+)[\"'`]?"
_SOMEBODY = r"(?:the )?(?P<about>[\w.-]+(?: [\w.-]+){0,3}?)"

# The first that fits counts: the special before the general.
RULES: tuple[tuple[Symptom, re.Pattern[str]], ...] = (
    (
        Symptom.DATABASE_FULL,
        _any(
            r"remaining connection slots",
            r"too many connections for (?:role|database)",
            r"sorry, too many clients|too many clients already",
            r"\b53300\b",
            r"max client connections reached|MaxClientsInSessionMode",
        ),
    ),
    (
        Symptom.DATABASE_LOGIN,
        _any(
            r"password authentication failed|SASL authentication failed",
            r"\b28P01\b|no pg_hba\.conf entry",
            r"role [\"'].+?[\"'] is not permitted to log in",
            r"SCRAM authentication.*fail",
        ),
    ),
    (
        Symptom.DATABASE_DISK,
        _any(
            r"could not extend file|could not write (?:to|block)",
            r"no space left on device|\bENOSPC\b|\b53100\b",
            r"disk full|disk quota exceeded",
        ),
    ),
    (
        Symptom.DATABASE_READ_ONLY,
        _any(r"in a read-only transaction", r"\b25006\b", r"default_transaction_read_only"),
    ),
    (
        Symptom.DATABASE_LOCK,
        _any(
            r"canceling statement due to lock timeout|could not obtain lock",
            r"\b55P03\b|LockNotAvailable|lock wait timeout",
            r"deadlock detected|\b40P01\b",
        ),
    ),
    (
        Symptom.DATABASE_LONG,
        _any(
            r"canceling statement due to statement timeout|QueryCanceled|\b57014\b",
            r"idle-in-transaction timeout|transaction timeout",
        ),
    ),
    (
        Symptom.POOL,
        _any(
            r"\bno (?:\w+ ){0,2}connections? (?:was|is|were|are) (?:free|available)",
            r"QueuePool limit|\bPoolTimeout\b|pool (?:is |was )?(?:exhausted|timeout)",
            r"timed out fetching a new connection from the connection pool",
            r"Connection is not available, request timed out",
            r"timeout exceeded when trying to connect|connection pool.*full",
            r"couldn't get a connection after|could not obtain a (?:database )?connection",
            r"Timeout(?:Error)?.*acquiring (?:a )?connection",
        ),
    ),
    (
        Symptom.DATABASE_AWAY,
        _any(
            r"connection to server (?:at|on socket) .*failed|could not connect to server",
            r"the database system is (?:starting up|shutting down|in recovery mode)",
            r"the database system is not (?:yet )?accepting",
            r"server closed the connection unexpectedly|consuming input failed",
            r"terminating connection due to administrator",
            r"connection failed: .*(?:port|server)|SSL SYSCALL error",
            r"\b57P0[123]\b|\b0800[16]\b",
            r"ECONNREFUSED \S*:(?:5432|6543)\b|Can't reach database server",
            r"the connection is (?:lost|closed)$",
        ),
    ),
    (
        Symptom.DATABASE_OBJECT,
        _any(
            rf"column {_OBJECT} (?:of relation .*? )?does not exist",
            r"\b42703\b|\b42P01\b|\b42883\b",
        ),
    ),
    (
        Symptom.DATABASE_OBJECT,
        _any(
            rf"(?:relation|table|view|function|type|operator|schema) {_OBJECT}"
            r"[^\n]{0,120}? does not exist"
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
            r"\b23502\b|\b23514\b|\b23503\b|\bNotNullViolation\b|\bCheckViolation\b",
        ),
    ),
    (
        Symptom.DATABASE_RIGHT,
        _any(
            rf"permission denied for (?:table|schema|function|sequence|view|column) {_OBJECT}",
            r"\b42501\b|\bInsufficientPrivilege\b",
        ),
    ),
    (
        Symptom.VALUE_MISSING,
        _cased(
            rf"{_FIRST}(?: environment variable)? (?:is|was|must be) "
            r"(?:not (?:set|defined|configured|found|given)|unset|undefined|missing|required"
            r"|empty|set)",
            rf"KeyError: {_SECOND}",
            r"(?:[Mm]issing|[Uu]ndefined|[Uu]nset|[Rr]equired|[Ss]et (?:the )?)?[\w ]{0,40}?"
            r"(?:[Ee]nv(?:ironment)?|[Vv]ariable|var|[Ss]etting|[Cc]onfig\w*|[Ss]ecret)s?"
            rf"(?: (?:variable|value|var))?s?(?: (?:not found|missing|undefined))?:? {_THIRD}",
        ),
    ),
    (
        Symptom.TOKEN_EARLY,
        _any(
            r"\bnot (?:yet valid|valid yet|active yet|yet active|before valid)\b",
            r"issued in the future|\biat\b.*(?:future|invalid|too)|(?:invalid|future).*\biat\b",
            r"\bnbf\b.*(?:claim|future)|ImmatureSignature",
            r"token (?:used|is used) before|in the future",
        ),
    ),
    (
        Symptom.TOKEN_BAD,
        _any(
            r"(?:token|jwt|signature).*(?:invalid|expired|malformed|mismatch|bad)",
            r"(?:invalid|expired|bad|malformed).*(?:token|jwt|signature)",
            r"JWKS?.*(?:no|not).*(?:key|found)",
        ),
    ),
    (
        Symptom.CACHE,
        _any(
            r"\bMISCONF\b|\bREADONLY You can't write|\bLOADING Redis",
            r"\b(?:redis|valkey|memcached?)\b",
            r"ECONNREFUSED \S*:6379\b",
        ),
    ),
    (
        Symptom.LIMITED,
        _any(
            r"too many requests|rate.?limit(?:ed)?(?: exceeded)?",
        ),
    ),
    (
        Symptom.MEMORY,
        _any(
            r"out of memory|\bMemoryError\b|OutOfMemoryError|cannot allocate memory",
            r"\bOOMKilled\b",
        ),
    ),
    (
        Symptom.OUTSIDE_FAILS,
        _any(
            rf"{_SOMEBODY} (?:answers?|answered|responded|returned|replied)(?: with)?"
            r" (?:an? )?(?:HTTP |status |code |error )*5\d\d\b",
            r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?: code)?|HTTPError:?(?: HTTP Error)?|error)"
            r"[ :=]*5\d\d\b",
            r"\b5\d\d (?:Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)",
            r"\b5\d\d Internal Server Error",
        ),
    ),
    (
        Symptom.OUTSIDE_AWAY,
        _any(
            rf"{_SOMEBODY} (?:does not|did not|doesn't|is not) (?:answer|respond|reachable)",
            r"\bECONNREFUSED (?P<about1>\S+)|\bENOTFOUND (?P<about2>\S+)",
            r"\bETIMEDOUT\b|\bECONNRESET\b|\bEAI_AGAIN\b|fetch failed",
            r"connection refused|connection reset by peer|name or service not known",
            r"temporary failure in name resolution|ConnectTimeout|ReadTimeout",
            r"(?:read|connect|request|socket|operation) ?timed? ?out",
            r"host='(?P<about3>[\w.-]+)'",
        ),
    ),
)
