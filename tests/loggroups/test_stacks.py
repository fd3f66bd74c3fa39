"""Traces of Python, JavaScript and Java are one entry, and read as exception and own frames."""

from drillbook.analysis.loggroups import fold, group, read_stack

PYTHON = """2026-11-24 15:00:00 ERROR payment failed
Traceback (most recent call last):
  File "/app/booking/pay.py", line {line}, in pay
    call()
    ^^^^^^
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 3, in send
    raise ConnectError
httpx.ConnectError: connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/booking/web.py", line 20, in handler
    pay()
booking.errors.PaymentFailed: bank said no to {line}"""
JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading 'id')
    at price (/app/src/routes/pay.js:{line}:5)
    at async Server.<anonymous> (node:internal/http:33:4)
    at /app/node_modules/express/lib/router.js:5:6 {{
  code: 'ERR_X'
}}"""
JAVA = """2026-11-24 15:00:02 ERROR [main] c.e.App - booking failed
java.lang.IllegalStateException: no seat {line}
\tat com.example.booking.Seats.take(Seats.java:{line})
\tat org.springframework.web.Servlet.service(Servlet.java:3)
\t... 12 more
Caused by: java.sql.SQLException: deadlock
\tat org.postgresql.Driver.run(Driver.java:1)
\tat com.example.booking.Database.run(Database.java:1)
\t... 3 more"""
QUIET = "2026-11-24 15:00:03 INFO booking 7 confirmed"


def test_fold_makes_each_trace_one_entry_and_leaves_the_lines_beside_alone() -> None:
    entries = [PYTHON.format(line=1), QUIET, JAVASCRIPT.format(line=2), QUIET, JAVA.format(line=3)]

    assert list(fold("\n".join(entries).split("\n"))) == entries


def test_fold_keeps_lines_that_are_all_indented_apart() -> None:
    lines = ["  one", "  two", "  three"]

    assert list(fold(lines)) == lines


def test_fold_does_not_hang_a_bare_traceback_on_a_line_that_tells_of_no_failure() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: x'

    assert list(fold([QUIET, *trace.split("\n")])) == [QUIET, trace]


def test_a_python_chain_is_what_was_raised_its_root_and_the_roots_own_frames() -> None:
    stack = read_stack(PYTHON.format(line=10))

    assert stack is not None
    assert (stack.exception, stack.cause) == ("booking.errors.PaymentFailed", "httpx.ConnectError")
    assert [frame.name for frame in stack.frames] == ["send", "pay"]
    assert [frame.name for frame in stack.own] == ["pay"]


def test_a_javascript_trace_knows_the_apps_code_from_node_and_its_modules() -> None:
    stack = read_stack(JAVASCRIPT.format(line=10))

    assert stack is not None
    assert stack.exception == "TypeError"
    assert [(frame.name, frame.file) for frame in stack.own] == [
        ("price", "/app/src/routes/pay.js")
    ]


def test_a_java_trace_takes_the_frames_of_the_root_cause() -> None:
    stack = read_stack(JAVA.format(line=10))

    assert stack is not None
    assert (stack.exception, stack.cause) == (
        "java.lang.IllegalStateException",
        "java.sql.SQLException",
    )
    assert [frame.name for frame in stack.own] == ["com.example.booking.Database.run"]


def test_a_text_without_frames_is_no_stack() -> None:
    assert read_stack("ERROR a failed\nand more words") is None
    assert read_stack("TypeError: x") is None


def test_the_same_failure_at_other_lines_of_the_file_is_one_group() -> None:
    entries = [
        form.format(line=number) for form in (PYTHON, JAVASCRIPT, JAVA) for number in range(1, 30)
    ]

    assert [each.count for each in group(entries).groups] == [29, 29, 29]
