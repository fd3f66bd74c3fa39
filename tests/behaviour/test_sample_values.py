"""Values made for a try are of their type, fit, differ, and are the same for the same number."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from drillbook.analysis.sample_values import INTEGERS, Kind, made, varied
from drillbook.local.server import PostgresServer

NUMBERS = st.integers(min_value=1, max_value=30)
TEXT = Kind("text", "S")


@given(st.text(max_size=30), NUMBERS, st.integers(min_value=0, max_value=30))
def test_a_varied_text_differs_and_fits(text: str, number: int, longest: int) -> None:
    text = text[:longest] if longest else text
    found = varied(Kind("character varying", "S", longest=longest), text, number)

    assert found != text
    assert found is None or not longest or len(found) <= max(longest, len(text))
    assert found == varied(Kind("character varying", "S", longest=longest), text, number)


@given(st.emails(), NUMBERS)
def test_a_varied_address_stays_one_of_its_domain(text: str, number: int) -> None:
    found = varied(TEXT, text, number)

    assert found is None or found.partition("@")[2] == text.partition("@")[2]


@pytest.mark.parametrize("base", INTEGERS)
@given(data=st.data(), number=NUMBERS)
def test_a_varied_number_stays_in_the_bounds_of_its_type(
    base: str, data: st.DataObject, number: int
) -> None:
    limit = INTEGERS[base]
    value = data.draw(st.integers(min_value=-limit, max_value=limit - 1))

    found = varied(Kind(base, "N"), str(value), number)

    assert found is None or -limit <= int(found) < limit


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), NUMBERS)
def test_a_varied_decimal_is_another_one(value: object, number: int) -> None:
    found = varied(Kind("numeric", "N"), f"{value:f}", number)

    assert found is not None
    assert "e" not in found.lower()


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)), NUMBERS)
def test_a_varied_day_is_a_day(day: date, number: int) -> None:
    found = varied(Kind("date", "D"), day.isoformat(), number)

    assert found is not None
    assert date.fromisoformat(found) > day


@given(st.uuids(), NUMBERS)
def test_a_varied_uuid_is_a_uuid(value: UUID, number: int) -> None:
    found = varied(Kind("uuid", "U"), str(value), number)

    assert found is not None
    assert UUID(found) != value
    assert varied(TEXT, str(value), number) == found


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 2200),
    st.integers(min_value=1, max_value=100_000),
    NUMBERS,
)
def test_a_varied_range_keeps_its_order_and_its_ends(
    low: datetime, minutes: int, number: int
) -> None:
    high = low + timedelta(minutes=minutes)
    kind = Kind("tstzrange", "R", bounds="timestamp with time zone")

    found = varied(kind, f'["{low}","{high}")', number)

    assert found is not None
    first, _, last = found[1:-1].replace('"', "").partition(",")
    assert (found[0], found[-1]) == ("[", ")")
    assert low < datetime.fromisoformat(first) < datetime.fromisoformat(last)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True), NUMBERS)
def test_another_label_of_an_enum_is_one_of_its_own(labels: list[str], number: int) -> None:
    found = varied(Kind("mood", "E", labels=labels), labels[0], number)

    assert found is None or found in labels[1:]


@given(st.text(max_size=60), st.sampled_from(["text", "bigint", "numeric", "jsonb", "date"]))
def test_any_check_is_read_without_an_error(check: str, base: str) -> None:
    category = "S" if base == "text" else ""

    assert made(Kind(base, category, checks=[check]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind("smallint", "N", checks=["CHECK (((stars >= 3) AND (stars <= 5)))"]), "3"),
        (Kind("text", "S", checks=["CHECK ((size = ANY (ARRAY['S'::text, 'M'::text])))"]), "S"),
        (Kind("text", "S", checks=["CHECK ((char_length(code) = 7))"]), "aaaaaaa"),
        (Kind("character", "S", longest=2), "DE"),
        (Kind("mood", "E", labels=["glad", "sad"]), "glad"),
    ],
)
def test_what_a_check_speaks_of_is_tried(kind: Kind, expected: str) -> None:
    assert expected in made(kind)


def test_every_value_made_is_one_of_its_type(postgres_server: PostgresServer) -> None:
    bases = [
        "smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean", "uuid",
        "date", "timestamp with time zone", "timestamp without time zone", "interval", "json",
        "jsonb", "xml", "bytea", "inet", "cidr", "macaddr", "time without time zone",
        "time with time zone", "point", "tsvector", "tsquery", "bit varying",
    ]  # fmt: skip
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        for base in bases:
            values = made(Kind(base))
            assert values
            for value in values:
                connection.execute(sql.SQL("SELECT %s::{}").format(sql.SQL(base)), [value])
                other = varied(Kind(base), value, 1)
                if other is not None:
                    connection.execute(sql.SQL("SELECT %s::{}").format(sql.SQL(base)), [other])
