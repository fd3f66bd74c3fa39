"""What is done to every line before it is kept or handed on: people under other names."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drillbook.core.pseudonyms import Pseudonyms
from drillbook.ports.logs import LogLine

DATABASE = "database"
SHORTEST_NAME = 3


@dataclass(frozen=True)
class Pseudonymous:
    """Puts a pseudonym in the place of each person, in the fields and in the texts of a line."""

    pseudonyms: Pseudonyms

    def __call__(self, line: LogLine) -> LogLine:
        """Return the line about people under other names."""
        text = self._text(line)
        return LogLine(
            at=line.at,
            status=line.status,
            level=line.level,
            path=text(line.path),
            message=text(line.message),
            method=line.method,
            milliseconds=line.milliseconds,
            release=line.release,
            commit=line.commit,
            user=self.pseudonyms.person(line.user),
            address=self.pseudonyms.person(line.address),
            region=line.region,
            deployment=line.deployment,
            request=line.request,
            stack=text(line.stack),
            source=line.source,
            raw=text(line.raw),
        )

    def _text(self, line: LogLine) -> Callable[[str], str]:
        roles = line.source == DATABASE
        name = line.user

        def changed(text: str) -> str:
            # Its own user is known by name, wherever it stands.
            if len(name) >= SHORTEST_NAME and name in text:
                alone = rf"(?<!\w){re.escape(name)}(?!\w)"
                text = re.sub(alone, self.pseudonyms.person(name), text)
            return self.pseudonyms.text(text, roles=roles)

        return changed
