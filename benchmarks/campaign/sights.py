"""Moments that only databases and files show: a dump under way, an index built, a swap done."""

from types import TracebackType
from typing import Self

import psycopg

from benchmarks.campaign.cases import Moment
from benchmarks.campaign.site import Site

ACTIVE = """
SELECT 1 FROM pg_stat_activity
 WHERE application_name LIKE 'drillbook %%' AND query ILIKE %s AND pid <> pg_backend_pid() LIMIT 1
"""
NAMED = "SELECT 1 FROM pg_database WHERE datname LIKE %s LIMIT 1"
PROVEN = """
SELECT 1 FROM pg_database d JOIN pg_shdescription s ON s.objoid = d.oid
 WHERE s.description LIKE '%%"proven"%%' LIMIT 1
"""
SIGHTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "trying": ("staging", ACTIVE, ("%up-1%",)),
    "applying": ("production", ACTIVE, ("%pg_sleep%",)),
    "ledger": ("production", ACTIVE, ("%drillbook.migrations%",)),
    "indexing": ("production", ACTIVE, ("CREATE%INDEX%",)),
    "indexing-on-staging": ("staging", ACTIVE, ("CREATE%INDEX%",)),
    "undoing": ("production", ACTIVE, ("%down-%",)),
    "undoing-on-staging": ("staging", ACTIVE, ("%down-%",)),
    "dropping": ("production", ACTIVE, ("DROP%INDEX%",)),
    "restoring": ("production", NAMED, ("app\\_restore\\_%",)),
    "restore-proven": ("production", PROVEN, ()),
    "swapped": ("production", NAMED, ("app\\_before\\_%",)),
}


class Sight:
    """Looks for a moment's sight through one session; of other moments it sees nothing."""

    def __init__(self, site: Site, moment: Moment) -> None:
        self._site, self._what = site, moment.what if moment.kind == "sight" else ""
        self._session: psycopg.Connection[tuple[object, ...]] | None = None

    def __enter__(self) -> Self:
        """Begin to look."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        if self._session is not None:
            self._session.close()

    def is_there(self) -> bool:
        """Whether it is seen now."""
        if not self._what:
            return False
        if self._what == "dumping":
            return any((self._site.folder / "backups").glob(".unfinished-*"))
        if self._what == "scratch":  # a server that proves a backup, or a copy that rehearses
            return any((self._site.home / "scratch").glob("*/**/postmaster.pid"))
        server, query, values = SIGHTS[self._what]
        if self._session is None or self._session.closed:
            url = self._site.servers[server].url()
            self._session = psycopg.connect(url, autocommit=True, application_name="campaign")
        return self._session.execute(query.encode(), values or None).fetchone() is not None
