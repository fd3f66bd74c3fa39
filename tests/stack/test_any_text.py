from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.analysis.checks_file import ChecksFile, read_checks
from drillbook.core.errors import Refused, SettingsInvalid
from drillbook.core.files import File
from drillbook.stack.reading import read_stack_file
from drillbook.stack.sections import StackFile

WORDS = st.sampled_from(
    [
        "[environments.x.database]", "[environments.x.app]", "[environments.x]", "[policy]",
        "[roles]", "[commands.a]", "[[http]]", "[[sql]]", "[environments]", "[[environments]]",
        'provider = "postgres"', 'url = "env:X"', 'url = "http://a"', "url = 3", "url = []",
        'x = { write = "1 approval" }', "x = 1", 'dba = ["a"]', 'argv = ["ls"]', "argv = [[]]",
        'timeout = "1m"', "timeout = 1e400", "environment = { A = 1 }", 'name = "n"', 'path = "/"',
        'expect = "a &&"', "expect = '1 == 1'", "status = 99999999999999999999", "save = { a = 1 }",
        'query = "SELECT 1"', "body = { a = [1, 2, { b = 1979-05-27 }] }", "repeatable = true",
        "headers = { Cookie = 'a' }", "health = '//x'", "max_seconds = nan", "max_seconds = -1",
    ]
)  # fmt: skip
TEXTS = st.lists(WORDS | st.text(max_size=12), max_size=12).map("\n".join)


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(TEXTS)
def test_every_stack_text_is_read_or_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert isinstance(read_stack_file(path), StackFile)
    except SettingsInvalid as error:
        assert str(error).startswith(f"{path}")  # noqa: PT017 - reading it whole is fine, too


@settings(max_examples=250, deadline=None)
@given(TEXTS)
def test_every_checks_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        found = read_checks(File(name="c.toml", sha256="", text=text))
    except Refused as error:
        assert str(error).startswith("c.toml")  # noqa: PT017 - as above
    else:
        assert isinstance(found, ChecksFile)


@pytest.mark.parametrize("text", ["a = 1\n" * 3, "\ufeff[policy]\n", "[a\r\n", "a = '\x00'"])
def test_texts_that_broke_something_once_are_read_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read_stack_file(path)
    except SettingsInvalid as error:
        assert "stack.toml" in str(error)  # noqa: PT017 - as above
