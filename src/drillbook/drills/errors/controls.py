"""What only looks like trouble, really done: releases, crowds, scanners, jobs, people at work."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from random import Random
from threading import Thread
from typing import Any

import psycopg

from drillbook.range import practice
from drillbook.range.faults.fault import Ground
from drillbook.range.faults.snapshot import deploy, redeploy, serving
from drillbook.range.history.changes import change
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import force
from drillbook.range.traffic.shape import Shape
from drillbook.range.twins.vercel.values import set_values
from drillbook.range.twins.weather import Mode, Weather, set_weather

ANSWER_SECONDS = 10.0
SCANNED = (
    "/wp-login.php", "/.env", "/.git/config", "/admin.php", "/phpmyadmin/", "/api/v1/users",
    "/actuator/health", "/server-status", "/backup.zip", "/xmlrpc.php", "/cgi-bin/test",
)  # fmt: skip
SCANNER, BROKEN_CLIENT, STRANGER, PARTNER = "127.66.6.6", "127.66.6.7", "127.66.6.8", "127.66.6.9"
BURST_SECONDS, PAUSE_SECONDS = 20.0, 0.1
SAME_SLOT = 12
REPORT_SECONDS = 25.0
DOWN = ".down.sql"
REPORT = "monthly report"


def releases(name: str) -> Callable[[Ground, Random], None]:
    """Return the act of a change that is merged and given the users, its migration first."""

    def act(ground: Ground, _: Random) -> None:
        wanted = change(name)
        with ground.changing() as connection:
            for statements in wanted.migrations.values():
                connection.execute(statements.encode())
        deploy(ground.cloud, force(ground.cloud, name))

    return act


def takes_back(name: str) -> Callable[[Ground, Random], None]:
    """Return the act of taking the migrations of a change back."""

    def act(ground: Ground, _: Random) -> None:
        files = [file for file in change(name).patch.files if file.path.endswith(DOWN)]
        for file in reversed(files):
            with ground.changing() as connection, suppress(psycopg.errors.UndefinedColumn):
                connection.execute("\n".join(file.hunks[0].after).encode())

    return act


def releases_in_a_spike(ground: Ground, chance: Random) -> None:
    """Release what changes nothing, in the minute in which many more users come."""
    practice.change_traffic(ground.folder, shape=Shape.SPIKE)
    releases("refactoring")(ground, chance)


def many_come(ground: Ground, chance: Random) -> None:
    """Let three or four times as many users come."""
    flow = ground.environment.traffic.flow()
    if flow is not None:
        practice.change_traffic(ground.folder, rate=flow.rate * chance.uniform(3, 4))


def few_come_and_one_fails(ground: Ground, _: Random) -> None:
    """Let few users come, and let one payment of theirs fail."""
    practice.change_traffic(ground.folder, shape=Shape.LOW)
    failing = Weather(Mode.FAILING, status=503, first=1)
    set_weather(ground.cloud.weather, "payments", failing)
    with _asking(ground, PARTNER) as ask:
        _books_and_pays(ground, ask)


def _books_and_pays(ground: Ground, ask: "Ask") -> None:
    mine = _signed_in(ground, ask)
    _, made = ask("POST", "/api/bookings", {}, mine)
    ask("POST", f"/api/bookings/{made['reference']}/pay", {}, mine)
    ask("POST", f"/api/bookings/{made['reference']}/cancel", {}, mine)


def _signed_in(ground: Ground, ask: "Ask") -> dict[str, str]:
    password = (ground.environment.folder / "customers.password").read_text(encoding="utf-8")
    login = {"email": "customer1@example.com", "password": password}
    _, said = ask("POST", "/api/login", login, {})
    return {"Authorization": f"Bearer {said['token']}"}


def wants_what_is_taken(ground: Ground, __: Random) -> None:
    """Let one customer ask a dozen times for a slot that is booked, as on a busy day."""
    with _asking(ground, PARTNER) as ask:
        mine = _signed_in(ground, ask)
        _, made = ask("POST", "/api/bookings", {}, mine)
        for _ in range(SAME_SLOT):
            ask("POST", "/api/bookings", {"slot_id": made.get("slot_id")}, mine)


def payments_are_well(ground: Ground, _: Random) -> None:
    """Let the payment service be as ever."""
    set_weather(ground.cloud.weather, "payments", Weather())


def scans(ground: Ground, chance: Random) -> None:
    """Let a scanner look for what is not there, hundreds of times."""

    def go() -> None:
        with _asking(ground, SCANNER) as ask:
            for _ in _for(BURST_SECONDS, PAUSE_SECONDS / 2):
                ask("GET", chance.choice(SCANNED), None, {"User-Agent": "zgrab/0.x"})

    _beside(go)


def has_a_bad_token(ground: Ground, _: Random) -> None:
    """Let one client ask again and again with a token that nobody has given."""

    def go() -> None:
        with _asking(ground, BROKEN_CLIENT) as ask:
            for _ in _for(BURST_SECONDS, PAUSE_SECONDS):
                ask("GET", "/api/bookings", None, {"Authorization": "Bearer not-a-token"})

    _beside(go)


def forgets_the_password(ground: Ground, chance: Random) -> None:
    """Let somebody try wrong passwords for one customer, one after the other."""
    email = f"customer{chance.randrange(1, 11)}@example.com"

    def go() -> None:
        with _asking(ground, STRANGER) as ask:
            for number, _ in enumerate(_for(BURST_SECONDS, PAUSE_SECONDS * 2)):
                ask("POST", "/api/login", {"email": email, "password": f"guess-{number}"}, {})

    _beside(go)


def sends_nonsense(ground: Ground, _: Random) -> None:
    """Let a partner's program send bookings that cannot be read."""

    def go() -> None:
        with _asking(ground, PARTNER) as ask:
            for _ in _for(BURST_SECONDS, PAUSE_SECONDS):
                ask("POST", "/api/bookings", {"slot_id": "tomorrow"}, {})
                ask("GET", "/api/bookings/B-00000000/history", None, {})

    _beside(go)


def a_job_complains(ground: Ground, chance: Random) -> None:
    """Let a nightly job write what it skips into the app's log, as errors."""
    log = ground.environment.log

    def go() -> None:
        with log.open("a", encoding="utf-8") as file:
            for number, _ in enumerate(_for(BURST_SECONDS, PAUSE_SECONDS / 2)):
                row = chance.randrange(10_000)
                line = {
                    "timestamp": datetime.now(UTC).isoformat(),
                    "level": "error",
                    "job": "import-contacts",
                    "message": f"row {row} skipped: phone number has no country code",
                    "skipped": number,
                }
                file.write(json.dumps(line) + "\n")
                file.flush()

    _beside(go)


def gets_a_value(ground: Ground, chance: Random) -> None:
    """Add a value that nothing reads yet, and deploy it."""
    phone = f"+49 30 {chance.randrange(10**6):06}"
    set_values(ground.cloud, ground.name, {"SUPPORT_PHONE": phone})
    redeploy(ground.cloud)


def restarts_postgres(ground: Ground, _: Random) -> None:
    """Restart Postgres as planned: away for about a second."""
    server = ground.environment.server
    server.stop()
    server.start(tied=ground.tied)


def app_ends_once(ground: Ground, _: Random) -> None:
    """Let the app's process end once; the edge starts it with the next request."""
    AppProcess(ground.cloud.deployments / serving(ground.cloud, ground.name)).stop()


def reports(ground: Ground, _: Random) -> None:
    """Let somebody's report read for long, and stand in nobody's way."""
    url = ground.environment.server.url("booking")
    query = "SELECT count(*), pg_sleep(%s) FROM bookings AS b JOIN payments AS p ON p.id < b.id"

    def go() -> None:
        with (
            suppress(psycopg.OperationalError),  # the range ends sooner than the report
            psycopg.connect(url, application_name=REPORT) as connection,
        ):
            connection.execute(query.encode(), (REPORT_SECONDS,))

    _beside(go)


def page_tells(ground: Ground, _: Random) -> None:
    """Let a platform post an incident of a part that the app does not use."""
    practice.announce(
        ground.folder,
        "supabase",
        "Uploads fail",
        components=("Storage",),
        impact="major",
    )


def page_is_quiet(ground: Ground, _: Random) -> None:
    """Let the platform end what it has posted."""
    practice.end_announced(ground.folder, "supabase")


def tidies_up(ground: Ground, _: Random) -> None:
    """Vacuum and analyze every table, as somebody does by hand."""
    with ground.connect() as connection:
        connection.execute("VACUUM (ANALYZE)")


Reply = tuple[int, dict[str, Any]]  # Any: JSON of the app
Ask = Callable[[str, str, object, dict[str, str]], Reply]


@contextmanager
def _asking(ground: Ground, address: str) -> Iterator[Ask]:
    """Ask the app as somebody at an address of their own, who is none of the traffic."""
    port = int((ground.environment.folder / "app.port").read_text(encoding="utf-8"))
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=ANSWER_SECONDS, source_address=(address, 0)
    )

    def ask(method: str, path: str, body: object, headers: dict[str, str]) -> Reply:
        said = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, said, kind | headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, {}
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else {}

    try:
        yield ask
    finally:
        connection.close()


def _for(seconds: float, pause: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(pause)


def _beside(go: Callable[[], None]) -> None:
    # Ends by itself; who ends the drill sooner ends it as well.
    Thread(target=go, daemon=True).start()
