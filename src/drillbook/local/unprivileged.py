"""How to run a server that refuses to be root, or to be nobody it knows."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from drillbook.core.errors import Refused

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """What goes before a command so that it is not root, and who must own the files it writes."""

    name: str
    prefix: tuple[str, ...]
    owner: int


def accounts() -> Iterator[Account]:
    """Name every way to be a user that Postgres accepts, the least intrusive first."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        yield Account("this user", (), os.geteuid())
        return
    ids = (f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    # Inside the namespace root's own files appear as nobody's: nothing has to change hands.
    yield Account("user namespace", ("unshare", "--user", *ids, "--"), os.geteuid())
    if os.geteuid() != 0:
        return
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    yield Account("setpriv", (*drop, "--inh-caps=-all", "--"), NOBODY)
    yield Account("runuser", ("runuser", "-u", "nobody", "--"), NOBODY)


def offline(account: Account) -> Account:
    """Return the same way in a network namespace of its own: nothing can be reached from it."""
    if account.prefix[:1] == ("unshare",):
        prefix = ("unshare", "--net", *account.prefix[1:])
    elif os.geteuid() == 0:
        prefix = ("unshare", "--net", "--", *account.prefix)
    else:
        # Who is not root may only make one inside a user namespace, and stays who they are in it.
        ids = (f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}")
        prefix = ("unshare", "--net", "--user", *ids, "--", *account.prefix)
    return replace(account, name=f"{account.name} without a network", prefix=prefix)


def usable_account(folder: Path, program: Path, *, cut_off: bool = False) -> Account:
    """
    Return the first way that really runs the program and really writes below the folder.

    With `cut_off` the ways without a network come first; the others follow.
    """
    tried = []
    ways = tuple(accounts())
    for account in (*map(offline, ways), *ways) if cut_off else ways:
        problem = _problem(account, folder, program)
        if not problem:
            return account
        tried.append(f"{account.name}: {problem}")
    raise Refused(
        f"{program.name} cannot run as user {os.geteuid()} here: {'; '.join(tried)}",
        hint="Run as a normal user, or choose a folder that other users may enter.",
    )


def give(path: Path, owner: int) -> None:
    """Hand a file or a whole folder to this user."""
    if os.geteuid() != 0 or path.stat().st_uid == owner:
        return
    # The top changes hands last: it says whether the work is finished when this is cut short.
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            os.lchown(Path(folder, name), owner, -1)
        os.lchown(folder, owner, -1)
    os.lchown(path, owner, -1)


def _has_name(user: int) -> bool:
    # initdb refuses a user that no account has, as containers with a chosen number have it.
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _problem(account: Account, folder: Path, program: Path) -> str:
    if account.prefix and shutil.which(account.prefix[0]) is None:
        return "not installed"
    with tempfile.TemporaryDirectory(prefix=".probe-", dir=folder) as name:
        script = 'test "$(id -u)" != 0 && "$1" --version && : > "$2/written"'
        try:
            if os.geteuid() == 0:
                os.chown(name, account.owner, -1)  # a container's root may not know that number
            probe = subprocess.run(
                [*account.prefix, "sh", "-c", script, "probe", str(program), name],
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if probe.returncode != 0 or not Path(name, "written").exists():
            said = probe.stderr.strip().splitlines()
            return said[-1] if said else f"exit {probe.returncode}"
    return ""
