"""One environment of a stack file, with what its settings are relative to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from drillbook.core.errors import SettingsInvalid
from drillbook.core.secret import Secret
from drillbook.stack.address import reference
from drillbook.stack.log_sections import LogsSection
from drillbook.stack.section_values import HTTP_SCHEMES, POSTGRES_SCHEMES
from drillbook.stack.sections import (
    AppSection,
    AuthSection,
    BackupsSection,
    DatabaseSection,
    EnvironmentSection,
    RepositorySection,
    StackFile,
)
from drillbook.stack.settings import load_settings


@dataclass(frozen=True, slots=True)
class Place:
    """One environment, and the folder its relative paths start from."""

    name: str
    section: EnvironmentSection
    file: StackFile
    folder: Path
    stack_says: str

    def database(self) -> DatabaseSection:
        """Return the database's settings."""
        return self.section.database or self._lacks("database", 'provider = "postgres", url = …')

    def app(self) -> AppSection:
        """Return the app's settings."""
        return self.section.app or self._lacks("app", "url = …")

    def repository(self) -> RepositorySection:
        """Return the repository's settings."""
        return self.section.repository or self._lacks(
            "repository", 'provider = "github", repository = "owner/name", branch = …, token = …'
        )

    def auth(self) -> AuthSection:
        """Return the login service's settings."""
        return self.section.auth or self._lacks("auth", 'provider = "supabase", url = …')

    def target(self) -> str:
        """Return what the hosting calls this environment: production, or preview by its branch."""
        return self.app().target or ("production" if self.name == "production" else "preview")

    def branch(self) -> str:
        """Return the branch that is deployed here; empty where no repository says it."""
        return self.section.repository.branch if self.section.repository else ""

    def secret(self, written: Secret) -> Callable[[], str]:
        """Return what reveals a secret, to be called at the moment of use."""
        return reference(written.ref, self.folder).reveal

    def logs(self) -> LogsSection:
        """Return where log lines come from."""
        return self.section.logs or self._lacks("logs", "path = …")

    def backups(self) -> BackupsSection:
        """Return where backups lie, and what is promised of them."""
        return self.section.backups or self._lacks("backups", 'folder = "…" or bucket = "s3://…"')

    def wal_archive(self) -> Path | None:
        """Return the folder the server's archive_command copies WAL to, if one is named."""
        written = self.backups().wal_archive
        return None if written is None else self.path(written)

    def scratch(self) -> Path:
        """Return the folder in which scratch servers are made; environments may have none set."""
        written = self.section.backups.scratch if self.section.backups else None
        return self.home() / "scratch" if written is None else self.path(written)

    def path(self, written: str) -> Path:
        """Return a path of the stack file as a full one."""
        return self.folder / Path(written).expanduser()

    def home(self) -> Path:
        """Return the home folder: locks and records of commands lie there, shared by workers."""
        return load_settings(self.folder).home

    def database_url(self) -> str:
        """Reveal the database's URL, for use at once."""
        return self.database().url.reveal(self.folder, POSTGRES_SCHEMES)

    def replication_url(self) -> str:
        """Reveal the URL of a login that may replicate: the database's own unless one is set."""
        address = self.section.backups.replication if self.section.backups else None
        if address is None:
            return self.database_url()
        return address.reveal(self.folder, POSTGRES_SCHEMES)

    def app_url(self) -> str:
        """Reveal the app's URL, for use at once."""
        return self.app().url.reveal(self.folder, HTTP_SCHEMES)

    def auth_url(self) -> str:
        """Reveal the login service's URL, for use at once."""
        return self.auth().url.reveal(self.folder, HTTP_SCHEMES)

    def _lacks(self, system: str, example: str) -> NoReturn:
        raise SettingsInvalid(
            f"{self.stack_says}: {self.name} has no {system}",
            hint=f"Add [environments.{self.name}.{system}] with {example}",
        )
