"""The range's cloud: where its parts lie, which ports they listen on, and what lets one in."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import NotFound, Unavailable
from drillbook.local.alone import alone_in
from drillbook.local.private_file import write_private
from drillbook.local.sockets import free_port
from drillbook.range.twins.documents import Documents

ENVIRONMENTS = ("production", "staging")
LISTENERS = (
    "vercel", "github", "supabase", "auth-production", "auth-staging", "payments", "status",
)  # fmt: skip
OWNER, REPOSITORY = "drillbook-range", "booking"
BRANCHES = {"production": "main", "staging": "develop"}
VERCEL_PROJECT = "booking"
VERCEL_PROJECT_ID = "prj_DrillbookRangeBooking0001"
TEAM, TEAM_SLUG = "team_DrillbookRange00000001", "drillbook-range"
# Supabase names a project by 20 lower-case letters; each environment is one.
PROJECT_REFS = {"production": "rangeproductionbooka", "staging": "rangestagingbookabcd"}
PROJECT_REF = PROJECT_REFS["production"]
ORGANIZATION = "drillbook-range"
# The official clients look at a token's shape before they send it.
SHAPES = {"vercel": ("", 12), "github": ("ghp_", 18), "supabase": ("sbp_", 20)}
OTHER_SHAPE = ("", 24)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Everything lies in the range's folder, so that any process can take it up."""

    range: Path

    @property
    def folder(self) -> Path:
        """The folder of what belongs to no single environment."""
        return self.range / "cloud"

    @property
    def repository(self) -> Path:
        """The bare git repository, GitHub's own."""
        return self.folder / f"{REPOSITORY}.git"

    @property
    def clone(self) -> Path:
        """The team's clone of the repository."""
        return self.range / "app"

    @property
    def deployments(self) -> Path:
        """The folder that holds a folder a deployment."""
        return self.folder / "deployments"

    @property
    def weather(self) -> Path:
        """The folder with how each listener behaves; no file: it behaves well."""
        return self.folder / "weather"

    def environment(self, name: str) -> Path:
        """Return the folder of an environment."""
        if name not in ENVIRONMENTS:
            known = " and ".join(ENVIRONMENTS)
            raise NotFound(f"the range has no environment {name!r}", hint=f"It has {known}.")
        return self.range / name

    def port(self, listener: str) -> int:
        """Return a listener's port on 127.0.0.1: chosen once, then kept."""
        ports = self.ports()
        if listener not in ports:
            self.keep_ports({})
            ports = self.ports()
        return ports[listener]

    def ports(self) -> dict[str, int]:
        """Return the ports chosen so far, by listener."""
        try:
            said: dict[str, int] = json.loads(self._ports_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return said

    def keep_ports(self, moved: Mapping[str, int]) -> None:
        """Keep these ports for the next time, and choose one for each listener without."""
        with alone_in(self.folder):
            before = self.ports()
            ports = before | dict(moved)
            for listener in LISTENERS:
                while listener not in ports or list(ports.values()).count(ports[listener]) > 1:
                    ports[listener] = free_port()
            if ports != before:
                write_private(self._ports_file, json.dumps(ports, indent=1) + "\n")

    def url(self, listener: str) -> str:
        """Return the address of a listener."""
        return f"http://127.0.0.1:{self.port(listener)}"

    def token(self, name: str) -> str:
        """Return what lets one in there: random, made once, its file for the owner only."""
        path = self.token_file(name)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            prefix, size_bytes = SHAPES.get(name, OTHER_SHAPE)
            mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            write_private(mine, prefix + secrets.token_hex(size_bytes))
            # Whoever links first has made it; everybody reads the same one.
            try:
                os.link(mine, path)
            except FileExistsError:
                pass
            finally:
                mine.unlink()
        return path.read_text(encoding="utf-8")

    def token_file(self, name: str) -> Path:
        """Return the file that holds a token."""
        return self.folder / f"{name}.token"

    def documents(self, name: str) -> Documents:
        """Return what a twin keeps, by its name."""
        return Documents(self.folder / f"{name}.db")

    def app_url(self, environment: str) -> str:
        """Return where an environment's users come to: the edge."""
        file = self.environment(environment) / "app.port"
        try:
            return f"http://127.0.0.1:{int(file.read_text(encoding='utf-8'))}"
        except FileNotFoundError as error:
            raise Unavailable(
                f"{environment} has no address yet", hint="drillbook range up"
            ) from error

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"
