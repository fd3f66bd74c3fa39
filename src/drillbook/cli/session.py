"""The store and its runs, opened as this machine's settings say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drillbook.engine.runs import Runs
    from drillbook.engine.store import Store


def open_store() -> "Store":
    """Return the store of this folder and environment, its home folder made."""
    from drillbook.engine.store import Store
    from drillbook.stack.settings import load_settings, prepared_home

    settings = load_settings()
    return Store(settings.store_url(), prepared_home(settings))


@contextmanager
def opened_runs() -> Iterator["Runs"]:
    """Open the runs of that store."""
    from drillbook.engine.runs import opened

    with opened(open_store()) as runs:
        yield runs


def who() -> str:
    """Return who acts: DRILLBOOK_USER, else the login."""
    from drillbook.stack.settings import load_settings

    return load_settings().user
