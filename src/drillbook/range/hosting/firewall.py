"""What the project's firewall lets through: one small file that the edge reads on each request."""

import hmac
import ipaddress
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from drillbook.local.private_file import write_private

FILE = "firewall.json"
EVERY_HOST = "*"
COOKIE = b"_vcrcs"
PASSES_SECONDS = 3600
TOKEN_SECONDS = 60
# What a browser computes in some milliseconds, and nobody does who does not run scripts.
WORK_BITS = 12


class Verdict(StrEnum):
    """What becomes of a request before any app sees it."""

    LET_IN = "let in"
    DENY = "deny"
    CHALLENGE = "challenge"


def write_firewall(
    folder: Path, config: dict[str, Any], security: dict[str, Any]
) -> None:  # Any: JSON
    """Let the edge do what the project's firewall says, from the next request on."""
    entries = config["ips"] if config["firewallEnabled"] else []
    said = {
        "ips": [{name: each[name] for name in ("ip", "hostname", "action")} for each in entries],
        "attack": bool(security.get("attackModeEnabled")),
        "until": security.get("attackModeActiveUntil"),
    }
    write_private(folder / FILE, json.dumps(said))


@dataclass(slots=True)
class Firewall:
    """The firewall as the edge knows it; what is not in its file passes."""

    folder: Path
    _stamp: tuple[int, int] = (0, 0)
    _ips: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str, str]] = field(
        default_factory=list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str, str]]
    )
    _attack_until: float = 0.0
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def verdict(self, address: bytes, host: bytes, cookies: bytes) -> Verdict:
        """Say what becomes of a request by whom it comes from."""
        self._look()
        if not self._ips and not self._attack_until:
            return Verdict.LET_IN
        action = self._action(address.decode(), host.decode("ascii", "replace"))
        if action == "bypass":
            return Verdict.LET_IN
        if action == Verdict.DENY:
            return Verdict.DENY
        challenged = action == Verdict.CHALLENGE or time.time() < self._attack_until
        if challenged and not self._has_passed(address, cookies):
            return Verdict.CHALLENGE
        return Verdict.LET_IN

    def token(self, address: bytes) -> bytes:
        """Return what a browser has to compute with."""
        until = b"%d" % (time.time() + TOKEN_SECONDS)
        return until + b"." + self._signed(b"token", address, until)

    def cookie_for(self, address: bytes, token: bytes, solution: bytes) -> bytes:
        """Return the cookie that lets a browser pass; empty when it has not solved the token."""
        until, _, signature = token.partition(b".")
        is_ours = hmac.compare_digest(signature, self._signed(b"token", address, until))
        if not is_ours or float(until) < time.time() or not is_solved(token, solution):
            return b""
        ends = b"%d" % (time.time() + PASSES_SECONDS)
        return ends + b"." + self._signed(b"cookie", address, ends)

    def _has_passed(self, address: bytes, cookies: bytes) -> bool:
        for cookie in cookies.split(b";"):
            name, _, value = cookie.strip().partition(b"=")
            ends, _, signature = value.partition(b".")
            if name == COOKIE and ends.isdigit() and float(ends) > time.time():
                return hmac.compare_digest(signature, self._signed(b"cookie", address, ends))
        return False

    def _action(self, address: str, host: str) -> str:
        who = ipaddress.ip_address(address)
        for network, hostname, action in self._ips:
            if hostname in {EVERY_HOST, host, host.partition(":")[0]} and who in network:
                return action
        return ""

    def _look(self) -> None:
        try:
            found = os.stat(self.folder / FILE)  # noqa: PTH116 - on every request, as the alias is
        except FileNotFoundError:
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp == self._stamp:
            return
        said = json.loads((self.folder / FILE).read_text(encoding="utf-8"))
        self._ips = [
            (ipaddress.ip_network(each["ip"], strict=False), each["hostname"], each["action"])
            for each in said["ips"]
        ]
        ends = said["until"] / 1000 if said["until"] else float("inf")
        self._attack_until = ends if said["attack"] else 0.0
        self._stamp = stamp

    def _signed(self, *parts: bytes) -> bytes:
        return hmac.new(self._key, b"\0".join(parts), sha256).hexdigest().encode()


def is_solved(token: bytes, solution: bytes) -> bool:
    """Tell whether a solution was worked for."""
    digest = sha256(token + b"." + solution).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - WORK_BITS) == 0
