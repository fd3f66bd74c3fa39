"""The `Firewall` port: Vercel's IP blocking and its attack mode."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from drillbook.ports.firewall import AttackMode, Blocked
from drillbook.providers.vercel.answers import FirewallSeen, ProjectSeen, moment
from drillbook.providers.vercel.speaking import READ, Body, Speaking, parsed, speaking_of

CONFIG = "/v1/security/firewall/config"
RIGHT = "change the project's firewall"
EVERY_HOST, DENY = "*", "deny"
MISSING = 404


@dataclass(frozen=True, slots=True)
class VercelFirewall:
    """The firewall of one project; `url` reveals the users' address, whose host is guarded."""

    api: str
    token: Callable[[], str]
    project: str
    team: str
    url: Callable[[], str]

    def blocked(self) -> tuple[Blocked, ...]:
        """Return who is kept out of the app's address."""
        return self._blocked(self._speaking())

    def block(self, address: str, notes: str) -> None:
        """Keep an address or a network out of the app's address."""
        value: Body = {"hostname": self._host(), "ip": address, "action": DENY, "notes": notes}
        self._patch({"action": "ip.insert", "value": value})

    def unblock(self, id: str) -> None:  # noqa: A002 - the platform's word
        """Let one in again; one that is not kept out is no error."""
        if any(each.id == id for each in self.blocked()):
            self._patch({"action": "ip.remove", "id": id})

    def attack_mode(self) -> AttackMode:
        """Return whether clients are challenged."""
        speaking = self._speaking()
        seen = self._project(speaking).security
        if seen is None or not seen.on:
            return AttackMode(on=False)
        return AttackMode(
            on=True,
            until=moment(seen.until) if seen.until else None,
            changed=moment(seen.changed) if seen.changed else None,
        )

    def set_attack_mode(self, on: bool, until: datetime | None) -> None:
        """Challenge all clients, or none."""
        speaking = self._speaking()
        body: Body = {"projectId": self._project(speaking).id, "attackModeEnabled": on}
        if on and until is not None:
            body["attackModeActiveUntil"] = int(until.timestamp() * 1000)
        speaking.api.send("POST", "/v1/security/attack-mode", body, right=RIGHT)

    def _blocked(self, speaking: Speaking) -> tuple[Blocked, ...]:
        path = f"{CONFIG}/active"
        query = {"projectId": self._project(speaking).id}
        # A project whose firewall nobody has ever set has no configuration.
        reply = speaking.api.read(path, query, accept=(MISSING,), right=RIGHT)
        if reply.status == MISSING:
            return ()
        seen, hosts = parsed(FirewallSeen, reply.body, path), {EVERY_HOST, self._host()}
        return tuple(
            Blocked(id=each.id, address=each.ip, host=each.hostname, notes=each.notes)
            for each in seen.ips
            if each.action == DENY and each.hostname in hosts
        )

    def _patch(self, body: Body) -> None:
        speaking = self._speaking()
        query = {"projectId": self._project(speaking).id}
        speaking.api.send("PATCH", CONFIG, body, query, right=RIGHT)

    def _project(self, speaking: Speaking) -> ProjectSeen:
        path = f"/v9/projects/{speaking.path}"
        return parsed(ProjectSeen, speaking.api.get(path, right=READ), path)

    def _host(self) -> str:
        return urlsplit(self.url()).netloc.rpartition("@")[2]

    def _speaking(self) -> Speaking:
        return speaking_of(self.api, self.token, self.project, self.team)
