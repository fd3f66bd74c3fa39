"""Which words tell messages apart, and after which ones a name follows."""

import re

# A word that says what happened is never taken for a parameter, however alike two messages are.
# The endings of English verbs are enough for most; these are the short and irregular ones.
_TELLING = frozenset(
    """
    abort accept acquire add allow append assert attach backup begin bind block boot bound
    broken build built busy call cancel change check clean clear close commit complete connect
    copy crash create dead delete deny destroy detach detect disable disconnect discard done
    down drop dump dying empty enable end enter error exceed execute exhaust exist exit expire
    fail failure fatal fault fetch find finish flush force found free full get gone grant halt
    healthy hit hold hung idle ignore import init initialize insert install invalid join kill
    launch leave left lock login logout lost made mark match merge miss mount move never new
    no none not ok off old on open out over overrun pass pause pending poll post promote pull
    push put quit read ready reboot receive recover refuse register reject release reload
    remove renew replace reply report request require reset resolve resource restart restore
    resume retry return revoke roll run running save schedule send sent set shut shutdown skip
    slow sleep spawn start stale stall start stop store stuck submit succeed success sync take
    terminate throw timeout trigger unable unavailable unbind unhealthy unknown unlock unmount
    unregister up update upload use valid verify wait wake warn warning without write wrote
    yes debug info notice warn warning err error critical fatal panic trace
    severe delete head options patch connect
    """.split()  # noqa: SIM905 - a list of words is read as one
)
_VERB_ENDING = re.compile(r"(?:[^aeiou\W]ed|[aeiou][^aeiou\W]*ed|ing|ized|able|ible)$")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# "red" and "king" tell nothing.
_SHORT = 4
# After these and "to" a verb follows, not a name.
_BEFORE_VERBS = frozenset(
    """
    failed unable trying tried going about able need needs want wants refused attempt attempting
    attempted allowed ready has have used try
    """.split()  # noqa: SIM905 - the same
)
# After these a name follows: of a person, a host, a file, a class.
_BEFORE_NAMES = frozenset(
    """
    account address alias app application at bucket by called channel class client column
    component container database datasource db device directory dir domain driver file folder
    for from function group host hostname id index in instance interface into job key label
    language locale method module name named namespace node of on owner package partition peer
    plugin pod pool port principal process program project queue region relation repo role
    schema server service session sheet source state stream table tag target task tenant
    thread to topic type unit user username via view volume with worker zone
    """.split()  # noqa: SIM905 - the same
)
MONTHS = frozenset(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
)
DAYS = frozenset(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
UNITS = frozenset(
    """
    b kb mb gb tb kib mib gib tib k m g byte bytes bit bits ns us ms s sec secs second seconds
    msec msecs min mins minute minutes h hr hrs hour hours day days percent
    """.split()  # noqa: SIM905 - the same
)
# Words that are a value wherever they stand.
VALUES = frozenset(("true", "false", "null", "nil", "nan"))
# Fields whose text is the message itself; the values of all others are parameters.
TEXT_FIELDS = frozenset(
    """
    msg message event error err exception reason level severity lvl levelname logger exc_info
    stack stacktrace stack_trace detail title text body log @message type
    """.split()  # noqa: SIM905 - the same
)


def is_telling(word: str) -> bool:
    """
    Tell whether a word says what happened: a verb, a state, a level, a refusal.

    Of a compound its last part counts: `payment_failed`, `OrderCreated`, `SCREEN_OFF`.
    """
    low = word.lower().strip("'")
    if not low.isalpha() or (word != low and word[1:] != low[1:] and not word.isupper()):
        parts = _PARTS.findall(word)
        low = parts[-1].lower() if len(parts) > 1 and word.endswith(parts[-1]) else low
    if low in _TELLING:
        return True
    for ending in ("s", "ed", "d", "es"):
        if low.endswith(ending) and low[: -len(ending)] in _TELLING:
            return True
    return len(low) > _SHORT and bool(_VERB_ENDING.search(low))


def precedes_name(word: str, before: str = "") -> bool:
    """Tell whether a name is usual after this word, given the word before it."""
    low = word.lower()
    if low == "to" and before.lower() in _BEFORE_VERBS:
        return False
    return low in _BEFORE_NAMES or low.rstrip("s") in _BEFORE_NAMES


def is_identifier(word: str) -> bool:
    """Tell whether a word is none of a language: with digits, dots, or capitals inside."""
    if not word.replace("-", "").isalpha():
        return True
    return word[1:] != word[1:].lower() and not word.isupper()
