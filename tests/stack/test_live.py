"""The stack of a worker follows its file."""

from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.stack.live import LiveStack

STACK = '[environments.production.app]\nprovider = "http"\nurl = "{url}"\n'


def test_the_digest_follows_the_file_and_comes_back_with_it(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(STACK.format(url="http://127.0.0.1:1"))
    stack = LiveStack(path)
    first = stack.digest("production")

    path.write_text(STACK.format(url="http://127.0.0.1:22"))
    second = stack.digest("production")
    path.write_text(STACK.format(url="http://127.0.0.1:1"))

    assert first != second
    assert stack.digest("production") == first
    assert stack.digest("staging") == ""


def test_a_file_that_became_wrong_is_said_to_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(STACK.format(url="http://127.0.0.1:1"))
    stack = LiveStack(path)

    path.write_text("[environments.production.ap]\n")

    with pytest.raises(SettingsInvalid):
        stack.digest("production")
