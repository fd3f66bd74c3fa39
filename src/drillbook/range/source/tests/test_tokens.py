"""Tokens are known again, and others are not."""

import time
import unittest
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from booking.problems import AwayError, UnauthorizedError
from booking.settings import MissingSettingError, Settings
from booking.tokens import Tokens

SECRET = "a secret of at least thirty-two bytes"
USER = "0b0e2c9e-6e2c-4a4b-9f0a-9f6f5d1f2a11"


def token(secret: str = SECRET, **changed: Any) -> str:
    claims = {"sub": USER, "email": "ana@example.com", "aud": "authenticated"}
    claims |= {"exp": int(time.time()) + 60} | changed
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))


class TokensTest(unittest.TestCase):
    """Tokens."""

    def setUp(self) -> None:
        self.tokens = Tokens(Settings({"AUTH_JWT_SECRET": SECRET}))

    def test_customer_is_whoever_the_token_names(self) -> None:
        found = self.tokens.customer(f"Bearer {token()}")

        self.assertEqual((found.id, found.email), (USER, "ana@example.com"))

    def test_other_tokens_are_refused(self) -> None:
        for name, wrong in {
            "other secret": token("another secret of thirty-two bytes"),
            "expired": token(exp=int(time.time()) - 60),
            "other audience": token(aud="anon"),
            "torn": token()[:-4],
            "nothing": "",
        }.items():
            with self.subTest(name), self.assertRaises(UnauthorizedError):
                self.tokens.customer(f"Bearer {wrong}")

    def test_without_a_key_no_token_can_be_checked(self) -> None:
        with self.assertRaises(MissingSettingError):
            Tokens(Settings({})).customer(f"Bearer {token()}")

    def test_keys_that_cannot_be_read_are_not_asked_for_by_each_request(self) -> None:
        tokens = Tokens(Settings({"AUTH_JWKS_URL": "http://127.0.0.1:1/keys"}))

        for _ in range(2):
            with self.assertRaisesRegex(AwayError, "no keys .* auth service does not answer"):
                tokens.customer(f"Bearer {token()}")

    def test_login_needs_address_and_password(self) -> None:
        with self.assertRaises(ValueError):
            self.tokens.login("ana@example.com", "")
