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


def test_what_a_platform_sets_itself_need_not_be_set_by_anybody() -> None:
    found = names_in("VERCEL_URL=\nNEXT_PUBLIC_VERCEL_ENV=\nCI=\nNODE_ENV=\nVERCELLI=\nCI_TOKEN=\n")

    assert found.needed == ("VERCELLI", "CI_TOKEN")
    assert found.optional == ("VERCEL_URL", "NEXT_PUBLIC_VERCEL_ENV", "CI", "NODE_ENV")
