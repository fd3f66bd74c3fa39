"""
Does each change of the booking app do what it says? `python -m benchmarks.check_changes [NAME…]`.

Each change is put onto the newest release, its tests are run as CI runs them, it is built as the
platform builds it, and served on a real Postgres; the same requests go to every one. What a
change does is what differs from the release without it. Every release of the past is tried too.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.booking_app import app_url, listening
from benchmarks.booking_probe import Found, Hanging, Probe, differences
from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.cloud import Cloud
from drillbook.range.history.changes import changes
from drillbook.range.history.releases import past, source_tree
from drillbook.range.twins.payments import make_app

# What differs, for each bad change; a good one differs in nothing that is looked at here.
WANTED: dict[str, Found] = {
    "release-throws": {"book, without a phone": 500},
    "release-slow": {"slots, slow": True},
    "release-unhealthy": {"health": 503},
    "release-constant-health": {"health, database away": 200},
    "release-lacks-value": {
        "book": 500,
        "book, without a phone": 500,
        "pay": 404,
        "book, after its migrations": 500,
    },
    "release-renamed-value": {"pay": 500, "pay and look, while payments hang": 500},
    "release-value-on-staging-only": {"pay": 500, "pay and look, while payments hang": 500},
    "release-breaks-inserts": {"book, after its migrations": 500},
    "release-lacks-migration": {"bookings": 500},
    "release-does-not-build": {"build": "error"},
    "release-red": {"ci": "red"},
    "release-leaks": {"memory grows": True},
    "release-leaks-connections": {
        "slots, after bad requests": 503,
        "book, after its migrations": 503,
    },
    "release-pays-in-transaction": {"pay and look, while payments hang": 503},
    "release-cron": {
        "crons": [{"path": "/api/cron/reminders", "schedule": "*/10 * * * *"}],
    },
}
# What the releases before could not yet do as the newest does it.
PAST: dict[str, Found] = {
    "1.2.0": {"pay": 404, "pay and look, while payments hang": 404, "health, database away": 200},
    "1.1.0": {
        "pay": 404,
        "pay and look, while payments hang": 404,
        "health, database away": 200,
        "crons": None,
    },
    "1.0.0": {
        "pay": 404,
        "pay and look, while payments hang": 404,
        "health, database away": 200,
        "crons": None,
    },
}


def main() -> None:
    only = set(sys.argv[1:])
    folder = Path(tempfile.mkdtemp(prefix="drillbook-changes-"))
    server = PostgresServer(folder / "postgres", durable=False)
    try:
        server.start(tied=True)
        make_booking_database(server, "booking", BookingData(scale=0.25))
        cloud = Cloud(folder / "range")
        cloud.folder.mkdir(parents=True)
        payments = Hanging(make_app(cloud))
        with listening(payments) as url:
            values = {"PAYMENTS_URL": url, "PAYMENTS_KEY": cloud.token("payments")}
            values |= {"POOL_WAIT_MILLISECONDS": "300", "SUPPORT_EMAIL": "help@booking.example"}
            place = app_url(server, "booking")
            probe = Probe(folder, server.url("booking"), place, payments, values)
            wrong = _check(probe, only)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{wrong} do something else than they say" if wrong else "all do what they say")
    raise SystemExit(1 if wrong else 0)


def _check(probe: Probe, only: set[str]) -> int:
    plain = source_tree()
    before = _look(probe, plain)
    print(f"1.5.0 as it is: {before}")
    wrong = 0
    for name, change in changes().items():
        if not only or name in only:
            tree = change.put_on(plain)
            differs = differences(before, _look(probe, tree, change.migrations))
            wrong += not _told(name, differs, WANTED.get(name, {}))
    if not only:
        for patch, tree in past():
            release = "1.0.0" if patch is None else patch.headers.get("Release", "")
            if release:
                differs = differences(before, _look(probe, tree))
                wrong += not _told(release, differs, PAST.get(release, {}))
    return wrong


def _look(probe: Probe, tree: dict[str, str], migrations: dict[str, str] | None = None) -> Found:
    found: Found = {"ci": probe.ci(tree), "build": probe.build(tree)}
    # What is not built is not served.
    return found | (probe.serve(tree, migrations) if found["build"] == "ready" else {})


def _told(name: str, differs: Found, wanted: Found) -> bool:
    right = differs == wanted
    print(f"{'ok   ' if right else 'WRONG'}  {name}: {differs or 'nothing differs'}", flush=True)
    return right


if __name__ == "__main__":
    main()
