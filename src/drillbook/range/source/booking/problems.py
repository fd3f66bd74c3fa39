"""What can go wrong, and the HTTP status that means it."""

import psycopg
from psycopg import errors

from booking.settings import MissingSettingError

SERVER_ERROR = 500


class NothingError(LookupError):
    """What was asked for is not there."""


class UnauthorizedError(Exception):
    """Nobody is signed in, or the token is not good."""


class ConflictError(Exception):
    """What was asked for does not fit what is so."""


class DeclinedError(Exception):
    """The payment was refused."""


class LimitedError(Exception):
    """Too many requests."""


class AwayError(Exception):
    """A service we need does not answer."""


# The first kind that fits counts.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NothingError, 404),
    (UnauthorizedError, 401),
    (DeclinedError, 402),
    (ConflictError, 409),
    (LimitedError, 429),
    (AwayError, 503),
    (MissingSettingError, 500),
    (errors.NoDataFound, 404),
    (ValueError, 400),
    (errors.DataError, 400),
    (errors.ExclusionViolation, 409),
    (errors.InsufficientPrivilege, 403),
    (psycopg.OperationalError, 503),
    (Exception, 500),
)


def status_of(error: Exception) -> int:
    """Return the status that means this error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def words_of(error: Exception) -> str:
    """Return the first line of what an error says."""
    words = str(error).strip().splitlines()
    return words[0] if words else type(error).__name__
