"""No person stays in a line that was made pseudonymous, wherever the person stood."""

from dataclasses import fields
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.core.errors import SettingsInvalid
from drillbook.core.pseudonyms import ITSELF, NOBODY, Pseudonyms
from drillbook.ports.logs import LogLine
from drillbook.providers.kept import KeptLogs
from drillbook.stack.log_sources.shaping import Pseudonymous

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
OURS = Pseudonyms(lambda: "the key of this test's pseudonyms")
LETTERS = "abcdefghijklmnopqrstuvwxyz"

emails = st.builds(
    "{}@{}.example".format,
    st.text(LETTERS + "0123456789._", min_size=3, max_size=12).map(lambda name: f"a{name}z"),
    st.text(LETTERS, min_size=3, max_size=8),
)
addresses = st.ip_addresses().map(str).filter(lambda text: text not in ITSELF)
ids = st.one_of(
    st.uuids().map(str),
    st.integers(1000, 10**12).map(str),
    st.text(LETTERS + "0123456789", min_size=5, max_size=20),
).filter(lambda name: name.lower() not in NOBODY)
people = st.one_of(emails, addresses, ids)
PLACES = (
    "user_id={}",
    '{{"user_id": "{}", "ok": false}}',
    '{{\\"customer\\": \\"{}\\"}}',
    '{{"user": {{"id": "{}"}}}}',
    "the order of customer={} could not be paid",
    "GET /users/{}/bookings?x=1",
    "/api/items?userId={}&page=2",
    "uid: {}, tries: 3",
)


@settings(max_examples=120, deadline=None)
@given(person=people, place=st.sampled_from(PLACES))
def test_who_is_named_by_a_key_or_a_path_is_in_no_text_any_more(person: str, place: str) -> None:
    text = OURS.text(place.format(person))

    assert person not in text
    assert OURS.person(person) in text


@settings(max_examples=120, deadline=None)
@given(person=st.one_of(emails, addresses), before=st.text(LETTERS + " ", max_size=20))
def test_addresses_are_found_anywhere(person: str, before: str) -> None:
    text = OURS.text(f"{before} {person} and then")

    assert person not in text
    assert OURS.person(person) in text


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200) | people)
def test_a_text_made_pseudonymous_twice_is_as_after_once(text: str) -> None:
    once = OURS.text(text)

    assert OURS.text(once) == once
    assert OURS.person(OURS.person(text)) == OURS.person(text)


@settings(max_examples=100, deadline=None)
@given(one=people, other=people)
def test_the_same_person_has_the_same_pseudonym_and_others_have_others(
    one: str, other: str
) -> None:
    again = Pseudonyms(lambda: "the key of this test's pseudonyms")
    foreign = Pseudonyms(lambda: "another key than the one of this test")

    assert again.person(one) == OURS.person(one)
    assert foreign.person(one) != OURS.person(one)
    if one.lower() != other.lower():
        assert OURS.person(one) != OURS.person(other)


def test_one_address_has_one_pseudonym_however_it_is_written() -> None:
    long = ip_address("2001:db8::1").exploded

    assert OURS.person(long) == OURS.person("2001:DB8::1") == OURS.person("2001:db8:0::1")
    assert OURS.person("::ffff:203.0.113.7") == OURS.person("203.0.113.7")
    assert OURS.person("Anna@Example.com") == OURS.person("anna%40example.com")


def test_what_names_nobody_stays() -> None:
    text = (
        "12:34:56 std::vector<int> 1.2.3 user=null user-agent: Mozilla/5.0 on 127.0.0.1:5432 "
        'FATAL: password authentication failed for user "booking_app"'
    )

    assert OURS.text(text) == text
    assert OURS.text("connection authorized: user=booking_app", roles=True).endswith("booking_app")


@settings(max_examples=120, deadline=None)
@given(user=people, address=addresses, email=emails, place=st.sampled_from(PLACES))
def test_no_field_of_a_kept_line_names_its_person(
    tmp_path_factory: pytest.TempPathFactory, user: str, address: str, email: str, place: str
) -> None:
    said = place.format(user)
    line = LogLine(
        AT, 500, "error", f"/users/{user}/bookings", f"{said} from {address}", user=user,
        address=address, stack=f"Error: {email}\n  at pay ({said})", raw=f"{said} {email}",
    )  # fmt: skip

    shaped = Pseudonymous(OURS)(line)

    whole = " ".join(str(getattr(shaped, field.name)) for field in fields(LogLine))
    for person in (user, address, email):
        assert person not in whole
    assert shaped.user == OURS.person(user)
    assert shaped.address == OURS.person(address)


def test_nothing_of_a_person_is_on_the_disk(tmp_path: Path) -> None:
    kept = KeptLogs(tmp_path / "kept", Pseudonymous(OURS))

    kept.keep([LogLine(AT, 500, message="no anna@example.com here", user="4711-canary")])

    disk = b"".join(path.read_bytes() for path in (tmp_path / "kept").iterdir())
    assert b"anna" not in disk
    assert b"4711" not in disk
    assert kept.between(AT, AT.replace(hour=7)).lines[0].user == OURS.person("4711-canary")


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="5 characters, fewer than 16"):
        Pseudonyms(lambda: "12345").person("anna")
