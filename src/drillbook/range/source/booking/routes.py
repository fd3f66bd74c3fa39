"""Which request is answered by what."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from booking.desk import Customer, Desk, Wish
from booking.limits import Limiter
from booking.logs import Log
from booking.payments import charge
from booking.pool import Pool, Row
from booking.problems import DeclinedError, NothingError, UnauthorizedError
from booking.reminders import Reminders
from booking.settings import Settings
from booking.tokens import Tokens

SOMEBODY = "customer5@example.com"
LOGIN = "/api/login"
# Whoever watches us is not counted.
UNCOUNTED = ("/api/health", "/api/version", "/api/cron/reminders")

Work = Callable[[], Row]
_OF_A_BOOKING = re.compile(r"/api/bookings/([^/]+)/(cancel|pay|history)")


class Asked:
    """What a request says: its query or its JSON body, and the headers that matter."""

    def __init__(self, values: dict[str, Any], key: str = "", authorization: str = "") -> None:
        self._values = values
        self.key = key
        self.authorization = authorization

    def text(self, name: str, default: str = "") -> str:
        """Return a value as text."""
        return str(self._values.get(name) or default)

    def wish(self, customer: Customer) -> Wish:
        """Return what is to be booked; ValueError when the slot is no number."""
        slot = self._values.get("slot_id")
        if not isinstance(slot, int | str | None):
            raise ValueError("slot_id is not a number")
        number = None if slot is None else int(slot)
        return Wish(customer=customer, slot=number, note=self.text("note"), key=self.key)


@dataclass(frozen=True, slots=True)
class App:
    """The parts of the service."""

    settings: Settings
    log: Log
    desk: Desk
    tokens: Tokens
    limiter: Limiter
    reminders: Reminders

    @classmethod
    def made(cls, settings: Settings) -> "App":
        """Make the parts; none of them speaks to anybody yet."""
        log, pool = Log(settings), Pool(settings)
        return cls(
            settings=settings,
            log=log,
            desk=Desk(pool),
            tokens=Tokens(settings),
            limiter=Limiter(settings, log),
            reminders=Reminders(pool, log),
        )

    def customer(self, asked: Asked) -> Customer:
        """Return who asks; where nobody signs in, whoever the request names."""
        if self.settings.login:
            return self.tokens.customer(asked.authorization)
        return Customer(email=asked.text("email", SOMEBODY))

    def pay(self, customer: Customer, reference: str) -> Row:
        """Pay for a booking; no transaction is open while the payment service thinks."""
        due = self.desk.due(customer, reference)
        try:
            paid = charge(self.settings, reference, due)
        except DeclinedError:
            self.desk.settle(customer, due["id"], "failed", None)
            raise
        self.desk.settle(customer, due["id"], "paid", paid)
        return {"reference": reference, "status": "paid", "amount_cents": due["amount_cents"]}

    def pay_later(self, customer: Customer, reference: str) -> Row:
        """Say what is due, and charge nothing: it is paid at the desk."""
        due = self.desk.due(customer, reference)
        return {"reference": reference, "status": "due", "amount_cents": due["amount_cents"]}

    def remind(self, asked: Asked) -> Row:
        """Put the day's reminders down, for whoever knows the cron's secret."""
        secret = self.settings.text("CRON_SECRET")
        if secret and asked.authorization != f"Bearer {secret}":
            raise UnauthorizedError("this is for the cron")
        return self.reminders.queue()


def answer(app: App, method: str, path: str, asked: Asked) -> tuple[int, Row, Customer]:
    """Answer a request: with a status, what goes into the body, and who asked."""
    open_to_all: dict[tuple[str, str], Work] = {
        ("GET", "/api/health"): app.desk.health,
        ("GET", "/api/version"): lambda: dict(app.settings.release),
        ("GET", "/api/slots"): app.desk.slots,
        ("GET", "/api/cron/reminders"): partial(app.remind, asked),
        ("POST", LOGIN): lambda: app.tokens.login(asked.text("email"), asked.text("password")),
    }
    if (method, path) in open_to_all:
        return 200, open_to_all[method, path](), Customer()
    work = _of_customers(app, method, path, asked)
    customer = app.customer(asked)
    return 201 if (method, path) == ("POST", "/api/bookings") else 200, work(customer), customer


def _of_customers(app: App, method: str, path: str, asked: Asked) -> Callable[[Customer], Row]:
    routes: dict[tuple[str, str], Callable[[Customer], Row]] = {
        ("GET", "/api/bookings"): app.desk.bookings,
        # Changes nothing, so it may be a GET: the booking is made and taken back.
        ("GET", "/api/bookings/try"): lambda customer: app.desk.attempt(asked.wish(customer)),
        ("POST", "/api/bookings"): lambda customer: app.desk.book(asked.wish(customer)),
    }
    if (method, path) in routes:
        return routes[method, path]
    found = _OF_A_BOOKING.fullmatch(path)
    works: dict[tuple[str, str], Callable[[Customer, str], Row]] = {
        ("POST", "cancel"): app.desk.cancel,
        ("POST", "pay"): app.pay if app.settings.is_on("PAYMENTS") else app.pay_later,
        ("GET", "history"): app.desk.history,
    }
    if found is None or (method, found[2]) not in works:
        raise NothingError(f"there is no {method} {path}")
    work, reference = works[method, found[2]], found[1]
    return lambda customer: work(customer, reference)
