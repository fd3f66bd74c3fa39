"""What is so in an environment, read by the demo itself: schema, rows, and whether one can book."""

import json
from importlib.resources import files

from drillbook.core.errors import Failed
from drillbook.core.model import Frozen
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.ports.database import Database
from drillbook.ports.probe import Answer, Probe, Question
from drillbook.ports.readings import Readings
from drillbook.stack.stack import Stack

MOST_OBJECTS = 10_000
QUERY_SECONDS = 30.0
HTTP_OK = 200
CUSTOMER = "customer5@example.com"
MOST_NAMED = 5


class Table(Frozen):
    """One table's contents: how many rows, and a digest over all of them."""

    rows: int
    digest: str


class Proof(Frozen):
    """One environment at one moment."""

    fingerprint: str
    objects: dict[str, str]
    tables: dict[str, Table]
    healthy: bool
    can_book: bool

    @property
    def rows(self) -> int:
        """How many rows all tables hold."""
        return sum(table.rows for table in self.tables.values())

    def differs_from(self, other: "Proof") -> tuple[str, ...]:
        """Return what is different, in words; nothing when both are the same."""
        found = [
            f"{name} is not what it was"
            for name in sorted({*self.objects, *other.objects})
            if self.objects.get(name) != other.objects.get(name)
        ]
        found += [
            f"the rows of {name} are not what they were"
            for name in sorted({*self.tables, *other.tables})
            if self.tables.get(name) != other.tables.get(name)
        ]
        if self.fingerprint != other.fingerprint:
            found.append("the schema's fingerprint is not what it was")
        return tuple(found)


def proof_of(stack: Stack, environment: str) -> Proof:
    """Read an environment."""
    readings = stack.port(environment, Readings)  # type: ignore[type-abstract]  # a port is a key
    probe = stack.port(environment, Probe)  # type: ignore[type-abstract]  # as above
    database = stack.port(environment, Database)  # type: ignore[type-abstract]  # as above
    systems = stack.port(environment, CheckedSystems)  # type: ignore[type-abstract]  # as above
    token = _token(probe, systems.secret(f"file:{environment}/customers.password"))
    return Proof(
        fingerprint=database.catalog().fingerprint,
        objects=_objects(readings),
        tables=_tables(readings),
        healthy=_says(probe, probe.health_path, "status") == "ok",
        can_book=_says(probe, "/api/bookings/try", "status", token) == "confirmed",
    )


def _objects(readings: Readings) -> dict[str, str]:
    found = readings.read(
        _query("demo_schema"), at_most_rows=MOST_OBJECTS, timeout_seconds=QUERY_SECONDS
    )
    if found.cut:
        raise Failed(f"the schema has more than {MOST_OBJECTS} objects")
    return {f"{kind} {name}": str(what) for kind, name, what in found.rows}


def _tables(readings: Readings) -> dict[str, Table]:
    names = readings.read(
        _query("demo_tables"), at_most_rows=MOST_OBJECTS, timeout_seconds=QUERY_SECONDS
    )
    return {str(name): _table(readings, str(name)) for (name,) in names.rows}


def _table(readings: Readings, quoted: str) -> Table:
    row = "md5(t::text)"
    query = f"SELECT count(*), md5(coalesce(string_agg({row}, '' ORDER BY {row}), '')) FROM {quoted} AS t"  # noqa: S608, E501 - the name comes quoted from the server
    found = readings.read(query, at_most_rows=1, timeout_seconds=QUERY_SECONDS)
    rows, digest = found.rows[0]
    return Table(rows=int(rows or 0), digest=str(digest))


def _token(probe: Probe, password: str) -> str:
    """Sign in as a customer; an empty token when that fails, which then opens nothing."""
    body = json.dumps({"email": CUSTOMER, "password": password}).encode()
    headers = {"Content-Type": "application/json"}
    answer = probe.ask(Question("/api/login", method="POST", body=body, headers=headers))
    return _field(answer, "token")


def _says(probe: Probe, path: str, field: str, token: str = "") -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return _field(probe.ask(Question(path, headers=headers)), field)


def _field(answer: Answer, field: str) -> str:
    if answer.status != HTTP_OK:
        return f"HTTP {answer.status}"
    try:
        told = json.loads(answer.text)
    except ValueError:
        return "no JSON"
    return str(told.get(field, "")) if isinstance(told, dict) else ""


def _query(name: str) -> str:
    return (files("drillbook.drills") / f"{name}.sql").read_text(encoding="utf-8")


def few(sentences: tuple[str, ...]) -> str:
    """Return the first few of many findings."""
    more = f" and {len(sentences) - MOST_NAMED} more" if len(sentences) > MOST_NAMED else ""
    return "; ".join(sentences[:MOST_NAMED]) + more
