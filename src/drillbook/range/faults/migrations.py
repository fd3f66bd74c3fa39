"""The fault of a migration that was applied without an error, and broke what the app writes."""

from drillbook.range.booking.database import MIGRATIONS
from drillbook.range.faults.fault import Fault, Ground, Suffers, nothing_to_know

NAME = "0005_deposits"
_APPLIED = "SELECT to_regprocedure('internal.set_deposit()') IS NOT NULL"


def _run(ground: Ground, file: str, *, when: bool) -> None:
    # Somebody may have applied it, or taken it back, meanwhile.
    with ground.changing() as connection, connection.transaction():
        if connection.execute(_APPLIED).fetchone() == (when,):
            connection.execute((MIGRATIONS / file).read_bytes())


def _is_applied(ground: Ground) -> bool:
    with ground.connect() as connection:
        return connection.execute(_APPLIED).fetchone() == (True,)


FAULTS = (
    Fault(
        name="migration-breaks-inserts",
        says="a migration was applied without an error, and since then every booking is refused",
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=lambda ground, _: _run(ground, f"{NAME}.sql", when=False),
        mend=lambda ground, _: _run(ground, f"{NAME}.down.sql", when=True),
        holds=_is_applied,
    ),
)
