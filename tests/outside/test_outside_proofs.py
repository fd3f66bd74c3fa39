"""The doctor proves what is seen from outside by using it."""

import pytest

from drillbook.core.errors import Failed
from drillbook.range.twins.weather import Mode, Weather
from drillbook.stack import outside_proofs
from drillbook.stack.stack import load_stack
from outside.conftest import Outside

FAILING = Weather(Mode.FAILING, status=503)


def test_the_doctor_signs_in_and_asks_each_dependency_and_page(outside: Outside) -> None:
    at = (outside.stack, "production")

    assert "the test user can sign in" in outside_proofs.auth(*at)
    assert "payments answers us (200" in outside_proofs.dependencies(*at)
    assert outside_proofs.status_pages(*at) == (
        "payments says operational; supabase says operational"
    )

    for listener in ("auth-production", "payments", "status"):
        outside.weather(listener, FAILING)
    for prove in (outside_proofs.auth, outside_proofs.dependencies, outside_proofs.status_pages):
        with pytest.raises(Failed, match="answered 503") as caught:
            prove(*at)
        assert "[environments.production." in caught.value.hint


def test_the_doctor_tells_a_wrong_test_user_from_a_service_that_is_ill(outside: Outside) -> None:
    path = outside.cloud.range / "wrong.toml"
    (outside.cloud.range / "wrong-password").write_text("no-such-password")
    text = (outside.cloud.range / "stack.toml").read_text()
    path.write_text(text.replace("file:password", "file:wrong-password"))

    with pytest.raises(Failed, match="the test user's password is refused") as caught:
        outside_proofs.auth(load_stack(path), "production")

    assert "Correct user and password" in caught.value.hint
