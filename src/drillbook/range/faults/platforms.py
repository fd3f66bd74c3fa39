"""Faults of what the app and its operators ask over HTTP: auth, payments, the platforms' APIs."""

import socket
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta

from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers
from drillbook.range.twins.process import CloudProcess
from drillbook.range.twins.status.incidents import Board, Incident
from drillbook.range.twins.weather import Forecast, Mode, Weather, set_weather, weather_file

LATE_SECONDS = 4.0
AHEAD_SECONDS = 900.0
LISTENS_SECONDS, LOOK_SECONDS = 10.0, 0.02
WRITES = ("POST", "PUT", "PATCH", "DELETE")


def _look(ground: Ground, listener: str) -> Saved:
    return asdict(Forecast(weather_file(ground.cloud.weather, listener)).now())


def _restore(ground: Ground, listener: str, saved: Saved) -> None:
    was = saved | {"mode": Mode(saved["mode"]), "methods": tuple(saved["methods"])}
    set_weather(ground.cloud.weather, listener, Weather(**was))
    if Mode(saved["mode"]) is not Mode.REFUSING and CloudProcess(ground.cloud).identity():
        _wait_until_it_listens(ground.cloud.port(listener))


def _wait_until_it_listens(port: int) -> None:
    for _ in range(int(LISTENS_SECONDS / LOOK_SECONDS)):
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(LOOK_SECONDS)


def weathered(
    name: str,
    listener: str,
    weather: Weather,
    suffers: Suffers,
    says: str,
    *,
    posts: Incident | None = None,
) -> Fault:
    """Return the fault of a listener that behaves like this; its platform may post it, late."""

    def act(ground: Ground, _: Saved) -> None:
        set_weather(ground.cloud.weather, listener, weather)
        if posts is not None:
            Board(ground.cloud).post(posts, origin=name)

    def mend(ground: Ground, saved: Saved) -> None:
        _restore(ground, listener, saved)
        Board(ground.cloud).end(name)

    return Fault(
        name=name,
        says=says,
        suffers=suffers,
        look=lambda ground: _look(ground, listener),
        act=act,
        mend=mend,
        holds=lambda ground: (
            Forecast(weather_file(ground.cloud.weather, listener)).now() == weather
        ),
        lies_on=listener,
        alone=True,
    )


USERS, OPERATORS = Suffers.USERS, Suffers.OPERATORS
REFUSING = Weather(Mode.REFUSING)
FAILING = Weather(Mode.FAILING, status=503)
FULL = Weather(Mode.LIMITED)

# Pages lag, and most trouble is never posted: so only some of these platforms post, minutes later.
FAULTS = (
    weathered(
        "auth-down",
        "auth-production",
        REFUSING,
        USERS,
        "nobody answers where customers sign in",
        posts=Incident(
            "supabase",
            "Logins are failing",
            "major",
            ("Auth",),
            "We are investigating failing requests to Auth.",
            late=timedelta(minutes=5),
        ),
    ),
    weathered(
        "auth-failing",
        "auth-production",
        Weather(Mode.FAILING, share=0.5, status=500),
        USERS,
        "every second request to the auth service fails",
    ),
    weathered(
        "auth-clock-ahead",
        "auth-production",
        Weather(clock_offset_seconds=AHEAD_SECONDS),
        USERS,
        "the auth service's clock is 15 minutes ahead: its tokens are from the future",
    ),
    weathered(
        "payments-failing",
        "payments",
        FAILING,
        USERS,
        "the payment service answers 503 to all",
        posts=Incident(
            "payments",
            "Charges are failing",
            "critical",
            ("API",),
            "Requests to our API fail. We are investigating.",
            late=timedelta(minutes=3),
        ),
    ),
    weathered(
        "payments-slow",
        "payments",
        Weather(Mode.SLOW, seconds=LATE_SECONDS),
        USERS,
        "the payment service takes 4 s for an answer",
    ),
    weathered(
        "hosting-api-down",
        "vercel",
        REFUSING,
        OPERATORS,
        "Vercel's API is away",
        posts=Incident(
            "vercel",
            "Elevated errors on the API",
            "minor",
            ("API",),
            "We are investigating.",
            late=timedelta(minutes=4),
        ),
    ),
    weathered(
        "hosting-api-failing",
        "vercel",
        Weather(Mode.FAILING, share=0.5),
        OPERATORS,
        "every second request to Vercel's API fails with 500",
    ),
    weathered(
        "hosting-api-slow",
        "vercel",
        Weather(Mode.SLOW, seconds=LATE_SECONDS),
        OPERATORS,
        "Vercel's API takes 4 s for an answer",
    ),
    weathered("hosting-api-limited", "vercel", FULL, OPERATORS, "Vercel's API answers 429 to all"),
    weathered(
        "hosting-api-loses-answers",
        "vercel",
        Weather(Mode.LOSING, methods=WRITES, first=1),
        OPERATORS,
        "Vercel's API carries the next write out, and its answer is lost",
    ),
    weathered(
        "hosting-api-repeats",
        "vercel",
        Weather(Mode.TWICE, methods=WRITES),
        OPERATORS,
        "Vercel's API carries every write out twice",
    ),
    weathered("repository-api-down", "github", REFUSING, OPERATORS, "GitHub's API is away"),
    weathered(
        "repository-api-failing",
        "github",
        Weather(Mode.FAILING, share=0.5, status=502),
        OPERATORS,
        "every second request to GitHub's API fails with 502",
    ),
    weathered(
        "repository-api-loses-answers",
        "github",
        Weather(Mode.LOSING, methods=WRITES, first=1),
        OPERATORS,
        "GitHub's API carries the next write out, and its answer is lost",
    ),
    weathered(
        "database-api-down", "supabase", REFUSING, OPERATORS, "Supabase's Management API is away"
    ),
)
