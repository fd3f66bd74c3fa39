"""Where a request goes: the alias of its environment, shared out while a release is rolled out."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

from drillbook.range.hosting.alias import FILE, Alias, read_alias

HOST_SUFFIX = b".vercel.app"
# Sticky as the platform's: a cookie names the bucket; a query forces one for a single look.
COOKIE = b"_vcrr_bucket"
FORCED = ((b"vcrrForceCanary=true", True), (b"vcrrForceStable=true", False))


@dataclass(slots=True)
class Routes:
    """The alias file of one environment, read again when it changed, and the deployments' hosts."""

    environment: Path
    hosts: Path
    _stamp: tuple[int, int] = (0, 0)
    _alias: Alias | None = None

    def alias(self) -> Alias | None:
        """Return what the alias says now."""
        path = self.environment / FILE
        try:
            found = os.stat(path)  # noqa: PTH116 - on every request: a third of Path.stat's time
        except FileNotFoundError:
            return None
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._alias, self._stamp = read_alias(self.environment), stamp
        return self._alias

    def named(self, host: bytes) -> str:
        """Return the deployment whose own host this is; empty for any other host."""
        if not host.endswith(HOST_SUFFIX) or b"/" in host:
            return ""
        try:
            return (self.hosts / host.decode("ascii", "replace")).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def choose(self, target: bytes, cookies: bytes) -> tuple[str, bytes]:
        """Return the deployment for a request ("" for none) and a cookie to set, or nothing."""
        alias = self.alias()
        if alias is None:
            return "", b""
        if not alias.canary:
            return alias.deployment, b""
        for forced, canary in FORCED:
            if forced in target:
                return (alias.canary if canary else alias.deployment), b""
        return self._shared(alias, cookies)

    def _shared(self, alias: Alias, cookies: bytes) -> tuple[str, bytes]:
        set_cookie, bucket = b"", -1
        for cookie in cookies.split(b";"):
            name, _, value = cookie.strip().partition(b"=")
            if name == COOKIE and value.isdigit():
                bucket = int(value)
        if bucket < 0:
            bucket = random.randrange(10_000)  # noqa: S311 - shares out users, guards nothing
            set_cookie = b"%s=%d; Path=/; HttpOnly" % (COOKIE, bucket)
        chosen = alias.canary if bucket % 10_000 < alias.share * 10_000 else alias.deployment
        return chosen, set_cookie
