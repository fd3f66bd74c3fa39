"""What the machine and its user decide: home folder, store, user; read from the environment."""

import getpass
import os
from pathlib import Path
from urllib.parse import urlsplit

from drillbook.core.errors import SettingsInvalid
from drillbook.core.model import Frozen
from drillbook.core.secret import Secret
from drillbook.stack.finding import nearest_stack_file

HOME_VARIABLE = "DRILLBOOK_HOME"
STORE_VARIABLE = "DRILLBOOK_STORE"
USER_VARIABLE = "DRILLBOOK_USER"
LONGEST_USER = 200
POSTGRES = ("postgresql://", "postgres://")


class Settings(Frozen):
    """Where runs are kept and who acts."""

    home: Path
    user: str
    postgres_store: Secret | None = None

    def store_url(self) -> str:
        """Return the store's URL for use at once: a Postgres URL holds a password."""
        if self.postgres_store is not None:
            return self.postgres_store.reveal()
        return f"sqlite:///{self.home / 'store.db'}"

    @property
    def store_says(self) -> str:
        """The store in words, without its secret."""
        if self.postgres_store is None:
            return f"SQLite at {self.home / 'store.db'}"
        parts = urlsplit(self.postgres_store.reveal())
        return f"Postgres at {parts.hostname or 'a local socket'}, database {parts.path[1:]}"


def load_settings(folder: Path | None = None) -> Settings:
    """Read the settings for a folder (the current one); a wrong one stops the start."""
    folder = Path.cwd() if folder is None else folder
    store = os.environ.get(STORE_VARIABLE, "")
    if store:
        _check_store(store)
    return Settings(
        home=_home(folder),
        user=_user(),
        postgres_store=Secret(ref=f"env:{STORE_VARIABLE}") if store else None,
    )


def prepared_home(settings: Settings) -> Path:
    """Make the home folder if it is missing, readable by its owner only, and return it."""
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if home.stat().st_uid == os.getuid():
            home.chmod(0o700)
    except OSError as error:
        raise SettingsInvalid(
            f"the home folder {home} cannot be made: {error.strerror}",
            hint=f"Set {HOME_VARIABLE} to a folder you may write.",
        ) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise SettingsInvalid(
            f"the home folder {home} cannot be written",
            hint=f"Set {HOME_VARIABLE} to a folder you may write.",
        )
    return home


def _home(folder: Path) -> Path:
    named = os.environ.get(HOME_VARIABLE, "")
    if named:
        home = Path(named).expanduser().resolve()
    else:
        stack_file = nearest_stack_file(folder)
        home = (stack_file.parent if stack_file else folder).resolve() / ".drillbook"
    if home.exists() and not home.is_dir():
        raise SettingsInvalid(
            f"the home folder {home} is a file", hint=f"Set {HOME_VARIABLE} to a folder."
        )
    return home


def _check_store(store: str) -> None:
    if not store.startswith(POSTGRES):
        raise SettingsInvalid(
            f"{STORE_VARIABLE} does not start with postgresql://",
            hint="Write postgresql://user@host/database, or unset it for SQLite in the home.",
        )
    try:
        database = urlsplit(store).path.strip("/")
        urlsplit(store).port  # noqa: B018 - reading it is the check of its form
    except ValueError as error:
        raise SettingsInvalid(
            f"{STORE_VARIABLE} is not a URL", hint="Write postgresql://user@host:5432/database."
        ) from error
    if not database:
        raise SettingsInvalid(
            f"{STORE_VARIABLE} names no database",
            hint="Write postgresql://user@host:5432/database.",
        )


def _user() -> str:
    user = os.environ.get(USER_VARIABLE, "").strip() or _login()
    if len(user) > LONGEST_USER or not user.isprintable():
        raise SettingsInvalid(
            f"{USER_VARIABLE} has {len(user)} characters or holds control characters",
            hint=f"Use a name or mail address of at most {LONGEST_USER} characters.",
        )
    return user


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"  # a container may give its user no name
