"""What errors of many programs, in their own words, are taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.culprit.symptoms import Symptom, frames_of, read_error, routine_of

PYTHON = """Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/psycopg/cursor.py", line 97, in execute
    raise ex
psycopg.errors.NotNullViolation: no deposit is set for slot 4
CONTEXT:  PL/pgSQL function shop.set_deposit() line 10 at RAISE

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/handlers.py", line 31, in order
    place(order)
  File "/srv/shop/orders.py", line 12, in place
    raise OrderError("refused") from error
shop.errors.OrderError: refused
"""
NODE = """TypeError: Cannot read properties of undefined (reading 'phone')
    at confirm (/var/task/src/confirm.js:14:22)
    at async handler (/var/task/src/orders.js:8:3)
    at node:internal/process/task_queues:95:5
"""
JAVA = """java.lang.IllegalStateException: no quote
\tat com.shop.Quotes.of(Quotes.java:41)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.net.SocketTimeoutException: Read timed out
"""
SAID = [
    ("FATAL:  remaining connection slots are reserved for roles", Symptom.DATABASE_FULL, ""),
    ('FATAL: too many connections for role "web"', Symptom.DATABASE_FULL, ""),
    ('FATAL: password authentication failed for user "web"', Symptom.DATABASE_LOGIN, ""),
    ("canceling statement due to lock timeout", Symptom.DATABASE_LOCK, ""),
    ("canceling statement due to statement timeout", Symptom.DATABASE_LONG, ""),
    ('could not extend file "base/5/16402": No space left on device', Symptom.DATABASE_DISK, ""),
    ("cannot execute INSERT in a read-only transaction", Symptom.DATABASE_READ_ONLY, ""),
    ('connection to server at "10.1.2.3", port 5432 failed: Connection refused',
     Symptom.DATABASE_AWAY, ""),
    ("terminating connection due to administrator command", Symptom.DATABASE_AWAY, ""),
    ("Error: connect ECONNREFUSED 10.0.0.9:5432", Symptom.DATABASE_AWAY, ""),
    ("QueuePool limit of size 5 overflow 10 reached", Symptom.POOL, ""),
    ("Timed out fetching a new connection from the connection pool.", Symptom.POOL, ""),
    ("HikariPool-1 - Connection is not available, request timed out after 30000ms.",
     Symptom.POOL, ""),
    ('column "changed_at" does not exist', Symptom.DATABASE_OBJECT, "changed_at"),
    ('relation "public.invoices" does not exist', Symptom.DATABASE_OBJECT, "public.invoices"),
    ("function internal.next_number(uuid) does not exist", Symptom.DATABASE_OBJECT,
     "internal.next_number"),
    ('null value in column "channel" of relation "orders" violates not-null constraint',
     Symptom.DATABASE_RULE, "channel"),
    ('new row for relation "orders" violates check constraint "orders_total_check"',
     Symptom.DATABASE_RULE, "orders_total_check"),
    ("permission denied for table invoices", Symptom.DATABASE_RIGHT, "invoices"),
    ("SMS_SENDER is not set", Symptom.VALUE_MISSING, "SMS_SENDER"),
    ("KeyError: 'STRIPE_KEY'", Symptom.VALUE_MISSING, "STRIPE_KEY"),
    ("Missing environment variable STRIPE_KEY", Symptom.VALUE_MISSING, "STRIPE_KEY"),
    ("Environment variable not found: DATABASE_URL.", Symptom.VALUE_MISSING, "DATABASE_URL"),
    ("missing required env var: API_TOKEN", Symptom.VALUE_MISSING, "API_TOKEN"),
    ("The token is not yet valid (iat)", Symptom.TOKEN_EARLY, ""),
    ("ImmatureSignatureError", Symptom.TOKEN_EARLY, ""),
    ("Signature has expired for this token", Symptom.TOKEN_BAD, ""),
    ("MISCONF Redis is configured to save RDB snapshots", Symptom.CACHE, ""),
    ("READONLY You can't write against a read only replica.", Symptom.CACHE, ""),
    ("429 Too Many Requests", Symptom.LIMITED, ""),
    ("the mail service answered 503", Symptom.OUTSIDE_FAILS, "mail service"),
    ("HTTP Error 502: Bad Gateway", Symptom.OUTSIDE_FAILS, ""),
    ("the geo service does not answer", Symptom.OUTSIDE_AWAY, "geo service"),
    ("getaddrinfo ENOTFOUND api.maps.example", Symptom.OUTSIDE_AWAY, "api.maps.example"),
    ("FATAL ERROR: Reached heap limit: JavaScript heap out of memory", Symptom.MEMORY, ""),
    ("an order needs a phone", Symptom.OTHER, ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "symptom", "about"), SAID)
def test_an_error_is_known_by_its_own_words(said: str, symptom: Symptom, about: str) -> None:
    read = read_error(said)

    assert (read.symptom, read.about) == (symptom, about)


def test_a_stack_tells_what_the_message_hides() -> None:
    read = read_error("refused", PYTHON)

    assert read.symptom is Symptom.DATABASE_RULE
    assert read.routine == "shop.set_deposit"
    assert [(one.file, one.line) for one in read.frames] == [
        ("/srv/shop/handlers.py", 31),
        ("/srv/shop/orders.py", 12),
    ]


def test_frames_of_other_languages_are_the_app_s_own_with_the_innermost_last() -> None:
    assert [one.function for one in frames_of(NODE)] == ["handler", "confirm"]
    assert [(one.file, one.line) for one in frames_of(JAVA)] == [("Quotes.java", 41)]
    assert read_error("Cannot read properties", NODE).symptom is Symptom.CODE
    assert read_error("no quote", JAVA).symptom is Symptom.OUTSIDE_AWAY


def test_a_line_of_code_in_a_stack_is_not_what_went_wrong() -> None:
    stack = (
        'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in f\n'
        '    if said == "too many requests":\nValueError: no number\n'
    )

    assert read_error("no number", stack).symptom is Symptom.CODE


@given(st.text(max_size=300), st.text(max_size=600))
def test_any_text_is_read_without_an_error(message: str, stack: str) -> None:
    assert read_error(message, stack).symptom in Symptom
    assert isinstance(routine_of(stack), str)
