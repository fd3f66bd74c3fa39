"""What differs from seed to seed in a fault that is the same: how a service fails, and how much."""

from random import Random

from drillbook.range.faults.fault import Ground
from drillbook.range.twins.weather import Mode, Weather, set_weather

PAYMENT_FAILURES = (500, 502, 503)
PAYMENT_SECONDS = (3.5, 4.0, 6.0)
AUTH_SHARES = (0.4, 0.5, 0.7)


def payments_fail(ground: Ground, chance: Random) -> None:
    """Let the payment service fail with one of the statuses such services fail with."""
    status = chance.choice(PAYMENT_FAILURES)
    set_weather(ground.cloud.weather, "payments", Weather(Mode.FAILING, status=status))


def payments_late(ground: Ground, chance: Random) -> None:
    """Let the payment service take longer or less long."""
    seconds = chance.choice(PAYMENT_SECONDS)
    set_weather(ground.cloud.weather, "payments", Weather(Mode.SLOW, seconds=seconds))


def auth_fails(ground: Ground, chance: Random) -> None:
    """Let more or fewer of the auth service's answers be failures."""
    share = chance.choice(AUTH_SHARES)
    failing = Weather(Mode.FAILING, share=share, status=500)
    set_weather(ground.cloud.weather, "auth-production", failing)
