"""Requests find their answers, and what goes wrong its status."""

import unittest

import psycopg
from psycopg import errors

from booking.desk import Customer
from booking.problems import (
    AwayError,
    ConflictError,
    NothingError,
    UnauthorizedError,
    status_of,
    words_of,
)
from booking.routes import App, Asked, answer
from booking.settings import MissingSettingError, Settings

NOBODY = Customer()


def app(**values: str) -> App:
    return App.made(Settings(values))


class RoutesTest(unittest.TestCase):
    """Routes."""

    def test_version_tells_release_commit_and_deployment(self) -> None:
        made = app(VERCEL_GIT_COMMIT_SHA="4f1c", VERCEL_DEPLOYMENT_ID="dpl_1")

        status, said, _ = answer(made, "GET", "/api/version", Asked({}))

        self.assertEqual(status, 200)
        self.assertEqual(sorted(said), ["commit", "deployment", "release"])
        self.assertEqual((said["commit"], said["deployment"]), ("4f1c", "dpl_1"))

    def test_unknown_paths_and_methods_are_not_found(self) -> None:
        for method, path in (
            ("GET", "/nothing"),
            ("POST", "/api/slots"),
            ("GET", "/api/bookings/B-1/cancel"),
            ("POST", "/api/bookings/B-1/history"),
        ):
            with self.subTest(path=path), self.assertRaises(NothingError):
                answer(app(), method, path, Asked({}))

    def test_bookings_need_a_token(self) -> None:
        with self.assertRaises(UnauthorizedError):
            answer(app(AUTH_JWT_SECRET="s" * 32), "GET", "/api/bookings", Asked({}))

    def test_cron_needs_its_secret_where_there_is_one(self) -> None:
        made = app(CRON_SECRET="s3cret")

        with self.assertRaises(UnauthorizedError):
            answer(made, "GET", "/api/cron/reminders", Asked({}, authorization="Bearer wrong"))

    def test_missing_setting_is_named(self) -> None:
        with self.assertRaisesRegex(MissingSettingError, "DATABASE_URL is not set"):
            answer(app(), "GET", "/api/slots", Asked({}))


class AskedTest(unittest.TestCase):
    """What a request says."""

    def test_wish_reads_slot_and_note(self) -> None:
        wish = Asked({"slot_id": "7", "note": "by the window"}, "key").wish(NOBODY)

        self.assertEqual((wish.slot, wish.note, wish.key), (7, "by the window", "key"))

    def test_slot_that_is_no_number_is_a_bad_request(self) -> None:
        wrong: tuple[object, ...] = ("x", [1], {})
        for slot in wrong:
            with self.subTest(slot=slot), self.assertRaises(ValueError):
                Asked({"slot_id": slot}).wish(NOBODY)


class ProblemsTest(unittest.TestCase):
    """Statuses."""

    def test_each_problem_has_its_status(self) -> None:
        for error, status in (
            (NothingError("x"), 404),
            (ValueError("x"), 400),
            (ConflictError("x"), 409),
            (errors.ExclusionViolation("x"), 409),
            (errors.InsufficientPrivilege("x"), 403),
            (psycopg.OperationalError("x"), 503),
            (AwayError("x"), 503),
            (errors.NotNullViolation("x"), 500),
            (KeyError("x"), 500),
        ):
            with self.subTest(error=error):
                self.assertEqual(status_of(error), status)

    def test_words_are_the_first_line_or_the_kind(self) -> None:
        self.assertEqual(words_of(ValueError("one\ntwo")), "one")
        self.assertEqual(words_of(ValueError()), "ValueError")
