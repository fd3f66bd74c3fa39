"""Open the journal of a store by the store's URL."""

from pathlib import Path

from drillbook.core import secret
from drillbook.core.errors import SettingsInvalid
from drillbook.engine.journal.entry import Scrub
from drillbook.engine.journal.journal import Journal
from drillbook.engine.journal.sqlite import SqliteStore

POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def open_journal(store_url: str, home: Path, *, scrub: Scrub = secret.scrub) -> Journal:
    """
    Open the journal that belongs to a store, making it at first use.

    A SQLite store has it in `home/journal.db`, a Postgres store in the schema `drillbook` of its
    database. The signing key lies in `home/keys`, made by the first append.
    """
    if store_url.startswith("sqlite:"):
        return Journal(SqliteStore(home / "journal.db", home), home, scrub=scrub)
    if store_url.startswith(POSTGRES):
        from drillbook.engine.journal.postgres import PostgresStore

        url = "postgresql://" + store_url.partition("://")[2]
        return Journal(PostgresStore(url), home, scrub=scrub)
    scheme = store_url.partition(":")[0][:20]
    raise SettingsInvalid(
        f"a store cannot lie at a URL that begins with {scheme!r}",
        hint="DRILLBOOK_STORE is sqlite:///PATH or postgresql://…",
    )
