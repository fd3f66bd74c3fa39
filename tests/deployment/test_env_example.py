"""Which values a program says it reads."""

from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.env_example import Named, names_in


def test_names_are_read_and_what_they_hold_is_not() -> None:
    text = (
        "# What we read; so a = b here is prose\n"
        "DATABASE_URL=postgres://example\nexport API_KEY = 'x'\n\n"
        "# LOG_FILE=            standard output without it\n"
        'PEM="-----BEGIN\nNOT_A_NAME=1\n-----END"\n#API_KEY=again\nlower_case=1\nno name here\n'
    )

    assert names_in(text) == Named(("DATABASE_URL", "API_KEY", "PEM", "lower_case"), ("LOG_FILE",))


@given(st.text())
def test_any_text_gives_names_each_once(text: str) -> None:
    found = names_in(text)

    assert len({*found.needed, *found.optional}) == len(found.needed) + len(found.optional)
    assert all(name.isidentifier() for name in (*found.needed, *found.optional))
