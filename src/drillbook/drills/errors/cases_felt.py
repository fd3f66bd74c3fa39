"""The faults that users feel, each with what is right to name and to do."""

from dataclasses import replace

from drillbook.core.incident import CauseKind, FixKind
from drillbook.drills.errors.case import Accepted, Act, Case, Remedy, nothing
from drillbook.drills.errors.controls import releases, wants_what_is_taken
from drillbook.drills.errors.naming import (
    CONNECTIONS,
    END_HOLDERS,
    HOLDER,
    PERSON,
    RELEASE,
    ROLL_BACK,
    cause,
    field_is,
    lacking,
    remedy,
    restoring,
)
from drillbook.drills.errors.variants import auth_fails, payments_fail, payments_late
from drillbook.range.faults import FAULTS


def felt(
    fault: str,
    causes: tuple[Accepted, ...],
    remedies: tuple[Remedy, ...],
    *,
    varied: Act = nothing,
    slow: bool = False,
) -> Case:
    """Return the case of a fault that users feel."""
    return Case(
        name=fault,
        says=FAULTS[fault].says,
        felt=True,
        causes=causes,
        remedies=remedies,
        fault=fault,
        act=varied,
        slow=slow,
    )


def _release(fault: str, *others: Accepted, slow: bool = False) -> Case:
    return felt(fault, (RELEASE, *others), (ROLL_BACK,), slow=slow)


def _value(fault: str, name: str, *others: Accepted) -> Case:
    # On this hosting a way back to the build before brings its values back as well.
    return felt(fault, (lacking(name), *others), (restoring(name), ROLL_BACK))


def _migration(fault: str, *versions: str) -> Case:
    taking_back = remedy(FixKind.TAKE_BACK_MIGRATION, field_is("migration", *versions))
    return felt(fault, (cause(CauseKind.MIGRATION, *versions),), (taking_back,))


OFF = remedy(FixKind.SWITCH_OFF, field_is("dependency", "payments"))
LIMITS_OFF = remedy(FixKind.SWITCH_OFF, field_is("dependency", "cache", "valkey", "limit", "redis"))
PAYMENTS = cause(CauseKind.DEPENDENCY, "payment")
AUTH = (cause(CauseKind.AUTH), cause(CauseKind.DEPENDENCY, "auth"))
DISK = (cause(CauseKind.DISK),)

SINGLE = (
    _release("release-throws"),
    _release("release-slow", slow=True),
    _release("release-lacks-value", lacking("SMS_SENDER")),
    _release("release-renamed-value", lacking("PAYMENTS_SECRET_KEY")),
    _release("release-value-on-staging-only", lacking("INVOICE_PREFIX")),
    _migration("release-breaks-inserts", "20261123101500", "booking_channel", "channel"),
    _release("release-lacks-migration"),
    replace(_release("release-leaks-connections"), meanwhile=wants_what_is_taken),
    _value("value-missing", "PAYMENTS_KEY"),
    _value("value-changed", "AUTH_URL"),
    _value("limit-too-strict", "RATE_LIMIT_PER_MINUTE"),
    felt("password-rotated", (cause(CauseKind.PASSWORD),), (PERSON,)),
    _migration("migration-breaks-inserts", "0005", "deposit"),
    felt(
        "database-out-of-connections",
        (CONNECTIONS,),
        (END_HOLDERS, remedy(FixKind.RAISE_CONNECTIONS)),
    ),
    felt("database-locked", HOLDER, (END_HOLDERS,)),
    felt("database-slow", (cause(CauseKind.SLOW_QUERY, "bookings"),), (PERSON,), slow=True),
    felt("database-down", (cause(CauseKind.DATABASE),), (remedy(FixKind.RESTART_DATABASE),)),
    felt("database-out-of-disk", DISK, (PERSON,)),
    felt("cache-hangs", (cause(CauseKind.CACHE),), (LIMITS_OFF, PERSON), slow=True),
    felt("limit-blocks-for-ever", (cause(CauseKind.LIMIT),), (remedy(FixKind.CLEAR_LIMIT),)),
    felt("auth-down", AUTH, (PERSON,)),
    felt("auth-failing", AUTH, (PERSON,), varied=auth_fails),
    felt("auth-clock-ahead", (cause(CauseKind.CLOCK),), (PERSON,)),
    felt("payments-failing", (PAYMENTS,), (OFF,), varied=payments_fail),
    felt("payments-slow", (PAYMENTS,), (OFF,), varied=payments_late),
    felt("app-hangs", (cause(CauseKind.PROCESS),), (remedy(FixKind.REDEPLOY),)),
    felt("platform-down", (cause(CauseKind.HOSTING),), (PERSON,)),
)


def _beside_a_release(name: str, *, of: str) -> Case:
    """Return a case again, with a release that changes nothing in the same minute."""
    case = next(each for each in SINGLE if each.name == of)
    says = f"{case.says}; and a release came that changes nothing"
    return replace(case, name=name, says=says, act=releases("refactoring"))


FELT = (
    *SINGLE,
    _beside_a_release("payments-failing-beside-a-release", of="payments-failing"),
    _beside_a_release("auth-down-beside-a-release", of="auth-down"),
)
