"""Limits say how one stands, and let through when they cannot count."""

import tempfile
import unittest
from pathlib import Path

from booking.limits import Limiter, Policy, Standing
from booking.logs import Log
from booking.settings import Settings

POLICY = Policy("requests", 10)


class LimitsTest(unittest.TestCase):
    """Limits."""

    def test_headers_tell_policy_rest_and_reset(self) -> None:
        headers = Standing(POLICY, used=4, reset_seconds=30).headers()

        self.assertEqual(headers["RateLimit-Policy"], '"requests";q=10;w=60')
        self.assertEqual(headers["RateLimit"], '"requests";r=6;t=30')
        self.assertNotIn("Retry-After", headers)

    def test_one_too_many_is_told_when_to_come_again(self) -> None:
        last, over = Standing(POLICY, 10, 7), Standing(POLICY, 11, 7)

        self.assertFalse(last.exceeded)
        self.assertTrue(over.exceeded)
        self.assertEqual(over.headers()["Retry-After"], "7")

    def test_everybody_is_let_through_while_nothing_can_be_counted(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "log")
            settings = Settings({"VALKEY_URL": "redis://127.0.0.1:1", "LOG_FILE": str(file)})
            limiter = Limiter(settings, Log(settings))

            self.assertIsNone(limiter.count(POLICY, "user:1"))
            self.assertIsNone(limiter.count(POLICY, "user:1"))

            self.assertEqual(len(file.read_text().splitlines()), 1)

    def test_nobody_is_counted_and_no_store_is_asked_while_limits_are_off(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "log")
            values = {"VALKEY_URL": "redis://127.0.0.1:1", "RATE_LIMITS": "off"}
            settings = Settings({**values, "LOG_FILE": str(file)})

            self.assertIsNone(Limiter(settings, Log(settings)).count(POLICY, "user:1"))

            self.assertFalse(file.exists())
