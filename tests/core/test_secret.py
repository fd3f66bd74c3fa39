"""What a stranger's text holds of secrets is hidden, and what is none is left."""

import pytest

from drillbook.core.secret import LONGEST_FOREIGN, scrub_foreign


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to postgresql://u:pw1@db/b now", "to postgresql://u:[hidden]@db/b now"),
        ("redis://:pw1@h:6379/0", "redis://:[hidden]@h:6379/0"),
        ("PAYMENTS_KEY=abc1; exit", "PAYMENTS_KEY=[hidden]; exit"),
        ('{"API_KEY": "abc1"}', '{"API_KEY": "[hidden]"}'),
        ('{"password": "geheim"}', '{"password": "[hidden]"}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
        ("got eyJhbGciOiJI.eyJzdWIi.sig", "got [hidden]"),
        ("sk_live_abcd1234 and ghp_abcd1234", "[hidden] and [hidden]"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, said: str) -> None:
    assert scrub_foreign(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: PAYMENTS_KEY", "PAYMENTS_KEY: required", "Unexpected token: x",
        "git@github.com:owner/name.git", "http://127.0.0.1:5432/x@y", "key: value",
    ],
)  # fmt: skip
def test_what_is_no_secret_is_left(text: str) -> None:
    assert scrub_foreign(text) == text


def test_a_text_is_cut_behind_all_that_is_hidden() -> None:
    long = "x" * (LONGEST_FOREIGN - 9) + "postgresql://u:" + "p" * 9000 + "@h"

    assert len(scrub_foreign(long)) == LONGEST_FOREIGN
    assert "pp" not in scrub_foreign(long)
