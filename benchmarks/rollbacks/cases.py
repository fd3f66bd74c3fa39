"""Rollbacks as teams meet them: which are unsafe and why, and which are safe."""

from dataclasses import dataclass

from benchmarks.rollbacks.world import FOLDER, Plant, World

Files = dict[str, str | None]
PLAIN = "ALTER TABLE audit_log ALTER COLUMN before TYPE text USING before::text;\n"
DAY_MS = 86_400_000
CHANNEL = """\
ALTER TABLE bookings ADD COLUMN channel text NOT NULL DEFAULT 'web';
ALTER TABLE bookings ALTER COLUMN channel DROP DEFAULT;
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One planted rollback; `named` is what must be told of an unsafe one, "" of a safe one."""

    name: str
    plant: Plant
    named: str = ""


def _migration(file: str, text: str = "") -> Plant:
    """Return: the next release brings a migration, which is applied before it is deployed."""

    def plant(world: World) -> str:
        world.release({**world.applied(file, text)}, f"Bring {file}")
        return ""

    return plant


def _two_back(world: World) -> str:
    world.release(world.applied("0035_forget_heartbeats.sql"), "Forget heartbeats")
    world.release()
    return world.old


def _supabase_only(world: World) -> str:
    statement = "ALTER TABLE services RENAME COLUMN colour_code TO colour"
    with world.connected() as connection:
        connection.execute("ALTER TABLE services ADD COLUMN colour_code text")
    world.recorded_by_supabase("20261124113000", "colour", [statement])
    world.release({f"{FOLDER}/20261124113000_colour.sql": f"{statement};\n"}, "Colours")
    return ""


def _out_of_git(world: World) -> str:
    world.release()
    world.applied("20261124_hotfix.sql", "ALTER TABLE payments DROP COLUMN provider_reference")
    return ""


def _taken_back(world: World) -> str:
    text, down = "ALTER TABLE slots ADD COLUMN room text", "ALTER TABLE slots DROP COLUMN room"
    files = world.applied("0101_rooms.sql", text, down)
    world.old = world.release({**files}, "Rooms")
    world.site.take_back(world.stack, world.changes[-1])
    world.release(dict.fromkeys(files), "No rooms after all")
    return ""


def _rotated(world: World) -> str:
    world.values(PAYMENTS_KEY="sk_second")
    world.redeployed()
    return ""


def _changed_between(world: World) -> str:
    world.values(DATABASE_URL="postgresql://nobody@127.0.0.1:9/moved")
    world.release()
    return ""


def _rotated_twice(world: World) -> str:
    world.values(PAYMENTS_KEY="sk_second")
    world.release()
    world.values(PAYMENTS_KEY="sk_third")
    return ""


def _rotated_and_removed(world: World) -> str:
    world.values(OLD_SERVICE_KEY="k1")
    world.old = world.release(None, "With the old service")
    world.values(OLD_SERVICE_KEY="k2")
    world.release()
    world.values(OLD_SERVICE_KEY=None)
    return ""


def _removed_between(world: World) -> str:
    world.values(OLD_SERVICE_KEY="k1")
    world.old = world.release(None, "With the old service")
    world.values(OLD_SERVICE_KEY=None)
    world.release(None, "Without it")
    return ""


def _renamed_value(world: World) -> str:
    world.values(PAYMENTS_SECRET_KEY="sk_first", PAYMENTS_KEY=None)
    world.release(world.changed("release-renamed-value"), "Rename a value")
    return ""


def _cron_added(world: World) -> str:
    world.release(world.changed("release-cron"), "Another schedule")
    return ""


def _cron_gone(world: World) -> str:
    files = world.crons(("/api/cron/reminders", "0 8 * * *"), ("/api/cron/clean", "0 3 * * *"))
    world.old = world.release(files, "Clean at night")
    world.release(world.crons(("/api/cron/reminders", "0 8 * * *")), "Clean no more")
    return ""


def _gone(world: World) -> str:
    world.release()
    world.site.hosting.documents.remove("deployment", world.old)
    return world.old


def _errored(world: World) -> str:
    failed = world.push(world.changed("release-does-not-build"), "Break the build")
    world.release(onto=world.site.base)
    return failed


def _canceled_on_the_way(world: World) -> str:
    failed = world.push(world.changed("release-does-not-build"), "Break the build")
    world.site.hosting.change_deployment(failed, state="CANCELED")
    world.release(onto=world.site.base)
    return failed


def _never_served(world: World) -> str:
    world.automatic(on=False)
    dark = world.push({"dark.txt": "dark\n"}, "Built in the dark")
    world.automatic(on=True)
    world.release()
    return dark


def _left_by_a_rollback(world: World) -> str:
    bad = world.release(None, "A bad release")
    world.rolled_back(world.old)
    return bad


def _serves(world: World) -> str:
    return world.release()


def _too_old(world: World) -> str:
    world.release()
    found = world.site.hosting.deployment(world.old) or {}
    world.site.hosting.change_deployment(world.old, created=found["created"] - 120 * DAY_MS)
    return world.old


UNSAFE = (
    Case("drops a column", _migration("0024_mail_instead_of_phone.sql"), "phone"),
    Case("renames a column", _migration("0020_net_prices.sql"), "price_net_cents"),
    Case("a column that must be given", _migration("0102_channel.sql", CHANNEL), "channel"),
    Case("a column may be empty no longer", _migration("0011_notes_required.sql"), "note"),
    Case("refuses by a check", _migration("0029_slots_end_the_same_day.sql"), "check"),
    Case("takes rights away", _migration("0022_only_the_service_books.sql"), "rights"),
    Case("deletes rows", _migration("0023_forget_cancelled.sql"), "deleted"),
    Case("changes a type", _migration("0107_plain.sql", PLAIN), "the type of before"),
    Case("code in the database deletes rows", _migration("0038_old_audit_away.sql"), "0038"),
    Case("a trigger refuses inserts", _migration("0005_deposits.sql"), "bookings_deposit"),
    Case("two releases back", _two_back, "heartbeats"),
    Case("in Supabases ledger alone", _supabase_only, "colour_code"),
    Case("a hotfix that no commit has", _out_of_git, "20261124_hotfix.sql"),
    Case("a migration taken back since", _taken_back, "0101_rooms.sql"),
    Case("a rotated key", _rotated, "PAYMENTS_KEY"),
    Case("a value changed between", _changed_between, "DATABASE_URL"),
    Case("a value removed between", _removed_between, "OLD_SERVICE_KEY"),
    Case("a key rotated between, and again since", _rotated_twice, "PAYMENTS_KEY"),
    Case("a key rotated between, and removed since", _rotated_and_removed, "OLD_SERVICE_KEY"),
    Case("a renamed value", _renamed_value, "PAYMENTS_KEY"),
    Case("another schedule", _cron_added, "cron"),
    Case("a schedule removed", _cron_gone, "/api/cron/clean"),
    Case("the build is gone", _gone, "no more"),
    Case("the build failed", _errored, "error"),
    Case("the build was canceled", _canceled_on_the_way, "canceled"),
    Case("it never served", _never_served, "never served"),
    Case("left by a rollback", _left_by_a_rollback, "rolled back from"),
    Case("it serves now", _serves, "serves now"),
    Case("too old", _too_old, "longer than"),
)


def _code_only(world: World) -> str:
    world.release(world.changed("copy-text"), "Another text")
    return ""


def _refactored(world: World) -> str:
    world.release(world.changed("refactoring"), "Move things")
    return ""


def _new_value(world: World) -> str:
    world.values(SUPPORT_EMAIL="help@booking.example")
    world.release(world.changed("new-value"), "Tell whom to ask")
    return ""


def _other_environment(world: World) -> str:
    world.values("staging", PAYMENTS_KEY="sk_staging_second")
    world.release()
    world.values("staging", PAYMENTS_KEY="sk_first")
    return ""


def _prepared(world: World) -> str:
    world.release()
    world.values(REMINDERS_FROM="desk@booking.example", REMINDERS_AT="08:00")
    return ""


def _changed_before(world: World) -> str:
    world.values(PAYMENTS_KEY="sk_third")
    world.old = world.release(None, "With the new key")
    world.release()
    return ""


def _known_to_the_old_code(world: World) -> str:
    text = "ALTER TABLE bookings RENAME COLUMN note TO remark"
    world.old = world.release({f"{FOLDER}/0103_remark.sql": f"{text};\n"}, "Read remarks")
    world.applied("0103_remark.sql", f"{text};\n")
    world.release()
    return ""


def _tried_and_taken_back(world: World) -> str:
    down = "ALTER TABLE slots DROP COLUMN room"
    world.applied(
        "0101_rooms.sql", "ALTER TABLE slots ADD COLUMN room text NOT NULL DEFAULT ''", down
    )
    world.site.take_back(world.stack, world.changes[-1])
    world.release()
    return ""


def _pending(world: World) -> str:
    files = world.applied("0001_add_language.sql")
    text = "ALTER TABLE users DROP COLUMN phone;\n"
    world.release({**files, f"{FOLDER}/0104_later.sql": text}, "To be applied later")
    return ""


def _same_commit(world: World) -> str:
    world.redeployed()
    return ""


def _schedule_and_back(world: World) -> str:
    before: Files = {"vercel.json": world.site.read("vercel.json") + "\n"}
    world.release(world.crons(("/api/cron/reminders", "0 9 * * *")), "Later")
    world.release(before, "As before")
    return world.old


def _failed_between(world: World) -> str:
    world.push(world.changed("release-does-not-build"), "Break the build")
    world.release(onto=world.site.base)
    return ""


def _after_a_rollback(world: World) -> str:
    world.release(None, "A bad release")
    world.rolled_back(world.old)
    world.automatic(on=True)
    world.release(None, "A mended release")
    return ""


def _three_back(world: World) -> str:
    for number in range(3):
        world.release(None, f"Small change {number}")
    return world.old


BACKFILL = """\
ALTER TABLE bookings ADD COLUMN source text;
UPDATE bookings SET source = 'web';
CREATE INDEX bookings_source ON bookings (source);
"""

SAFE = (
    Case("another text", _code_only),
    Case("a refactoring", _refactored),
    Case("a column with a default", _migration("0001_add_language.sql")),
    Case("a new table", _migration("0002_reviews.sql")),
    Case("an index built beside", _migration("0003_index_payments_by_day.sql")),
    Case("a column with a computed default", _migration("0010_public_tokens.sql")),
    Case("a new column filled and indexed", _migration("0105_source.sql", BACKFILL)),
    Case("a new kind of state", _migration("0007_rescheduled.sql")),
    Case("a type made wider", _migration("0009_currency_as_text.sql")),
    Case("a value for the new code", _new_value),
    Case("a value of another environment", _other_environment),
    Case("values prepared for the next release", _prepared),
    Case("a value changed before both", _changed_before),
    Case("a migration the old code knows", _known_to_the_old_code),
    Case("a migration tried and taken back", _tried_and_taken_back),
    Case("a migration not applied yet", _pending),
    Case("the same commit built again", _same_commit),
    Case("a schedule changed and changed back", _schedule_and_back),
    Case("a failed build in between", _failed_between),
    Case("the bad one was left already", _after_a_rollback),
    Case("three releases back", _three_back),
)
