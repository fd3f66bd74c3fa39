"""From the sections of an environment's logs to one log of all its sources."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from drillbook.core.errors import SettingsInvalid
from drillbook.core.pseudonyms import Pseudonyms
from drillbook.ports.logs import LogLine
from drillbook.providers.kept import KeptLogs
from drillbook.providers.logfile import FileLogs
from drillbook.providers.supabase.logs import SupabaseLogs
from drillbook.providers.vercel.request_logs import VercelRequestLogs
from drillbook.stack.log_sections import TABLES, LogSourceSection
from drillbook.stack.log_sources.following import Following
from drillbook.stack.log_sources.merged import MergedLogs
from drillbook.stack.log_sources.shaping import Pseudonymous
from drillbook.stack.log_sources.source import Local, Source
from drillbook.stack.place import Place

# The least that is kept: an hour of requests on the smallest plan, a day of a database's log.
# A project may ask its API 120 times a minute.
SUPABASE_FRESH = timedelta(seconds=5)
VERCEL_KEEPS, SUPABASE_KEEPS = timedelta(hours=1), timedelta(days=1)


def merged_logs(place: Place) -> MergedLogs:
    """Return all sources of an environment as one log."""
    return MergedLogs(tuple(sources(place)))


def sources(place: Place) -> list[Source]:
    """Return the sources of an environment, in the order they are written."""
    return [_source(place, name, written) for name, written in place.logs().sources.items()]


def kept_folder(place: Place, name: str) -> Path:
    """Return where lines of a source are kept."""
    return place.home() / "logs" / place.name / name


def kept_logs(place: Place, name: str) -> KeptLogs:
    """Return the store of a source's lines; people get their other names before they are kept."""
    return KeptLogs(kept_folder(place, name), shape_of(place))


def shape_of(place: Place) -> Callable[[LogLine], LogLine]:
    """Return what is done to every line of an environment before anybody else has it."""
    key = place.logs().pseudonyms
    return _as_it_is if key is None else Pseudonymous(Pseudonyms(place.secret(key)))


def _as_it_is(line: LogLine) -> LogLine:
    return line


def _source(place: Place, name: str, written: LogSourceSection) -> Source:
    match written.provider:
        case "file":
            return Local(
                name,
                "file",
                FileLogs(place.path(written.path or ""), written.source or name, shape_of(place)),
            )
        case "received":
            return Local(name, "received", kept_logs(place, name))
        case "vercel":
            return _vercel(place, name, written)
        case "supabase":
            return _supabase(place, name, written)


def _vercel(place: Place, name: str, written: LogSourceSection) -> Source:
    app = place.app()
    if app.provider != "vercel" or app.project is None or app.token is None:
        raise SettingsInvalid(
            f"{place.stack_says}: the log {name} of {place.name} is Vercel's, and its app is not",
            hint=f'Write provider = "vercel", project and token into [environments.{place.name}.'
            "app], or take this log out.",
        )
    remote = VercelRequestLogs(
        api=app.api.written,
        token=place.secret(app.token),
        project=app.project,
        team=app.team,
        target=place.target(),
        keeps=written.keeps_at_least(VERCEL_KEEPS),
    )
    return Following(name, "vercel", remote, kept_logs(place, name))


def _supabase(place: Place, name: str, written: LogSourceSection) -> Source:
    database = place.database()
    if not database.has_api or database.token is None:
        raise SettingsInvalid(
            f"{place.stack_says}: the log {name} of {place.name} is Supabase's, and the project of "
            "its database is not named",
            hint='Write provider = "supabase", project and token into '
            f"[environments.{place.name}.database], or take this log out.",
        )
    remote = SupabaseLogs(
        api=database.api.written,
        token=place.secret(database.token),
        project=database.project,
        tables=written.tables or TABLES,
        keeps=written.keeps_at_least(SUPABASE_KEEPS),
    )
    return Following(name, "supabase", remote, kept_logs(place, name), SUPABASE_FRESH)
