"""Values that must never be seen: where they are planted, and how they are found."""

import base64
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

CANARIES = {
    "production": 'Kanari-prod:p@ss/w%rd+"q\\z',
    "staging": "Kanari-stag?x=1&y #z",
    "broken": "Kanari-broken/:@pw",
    "store": "Kanari-store:+/@pw",
    "token": "Kanari-token-$HOME-'x'",
    "bearer": "Kanari-bearer.abc.def",
    "app": "Kanari-app:basic/pw",
    "s3": "Kanari-s3/secret+key==",
    "key": base64.b64encode(b"Kanari-key-of-32-bytes-for-files").decode(),
}


STACK = """
[environments.production.database]
provider = "postgres"
url = "env:CANARY_DATABASE"
[environments.production.app]
url = "env:CANARY_APP"
health = "/health"
[environments.production.logs]
path = "app.log"
[environments.production.backups]
folder = "backups"
key = "file:backup.key"
[environments.staging.database]
provider = "postgres"
url = "file:staging.url"
[environments.broken.database]
provider = "postgres"
url = "env:CANARY_BROKEN"
[environments.broken.app]
url = "env:CANARY_BROKEN_APP"
[environments.broken.backups]
bucket = "s3://kanari/backups"
endpoint = "http://127.0.0.1:PORT"
access_key = "env:CANARY_TOKEN"
secret_key = "env:CANARY_S3"
[commands.tell]
argv = ["sh", "-c", "echo out $TOKEN; echo err $TOKEN >&2; echo last $TOKEN"]
environment = { TOKEN = "env:CANARY_TOKEN" }
[commands.fail]
argv = ["sh", "-c", "echo out $TOKEN; echo err $TOKEN >&2; exit 3"]
environment = { TOKEN = "env:CANARY_TOKEN" }
[policy]
production = { write = "auto", destroy = "auto" }
"""


BOOK = """
## Runbook: Change

### Inputs
| Input | Type | Default | What it is |
|---|---|---|---|
| `migration` | file | | the change |

### Steps
1. **Change**
   - Enter `@database.access on=production as entered`
   - Save `@backup.create on=production label="before-${run.id}" as backup`
   - Try `@migration.try on=staging file=${migration} as tried`
   - Change `@migration.apply on=production file=${migration} as applied`
   - Check `@checks.run on=production file=checks.toml as checked`
     - evidence: results
   - Ask `@checks.health on=production as health`
     - evidence: body
   - Tell `@command.run on=production name="tell" as told`
     - evidence: output_tail, error_tail
"""


CHECKS = """
[[http]]
name = "echo"
path = "/echo"
headers = { Authorization = "Bearer env:CANARY_BEARER" }
status = 200
expect = "json.ok"

[[http]]
name = "mine"
path = "/mine"
headers = { Authorization = "Bearer env:CANARY_BEARER" }
contains = "ok"

[[sql]]
name = "rows"
query = "SELECT count(*) FROM bookings"
expect = "value >= 0"
"""


WRONG = "ALTER TABLE bookings ADD COLUMN note text; ALTER TABLE missing ADD COLUMN x int;"


@dataclass
class Site:
    """A stack full of canaries, and all that commands said in it."""

    folder: Path
    variables: dict[str, str]
    said: list[str] = field(default_factory=list[str])

    def drillbook(self, *words: str) -> subprocess.CompletedProcess[str]:
        begun = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "drillbook", *words],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
        print(f"{time.monotonic() - begun:6.1f} s", *words)
        self.said += [f"{words}: {ended.stdout}", f"{words}: {ended.stderr}"]
        return ended


def write_files(folder: Path, staging_url: str, app: int) -> None:
    texts = {
        "stack.toml": STACK.replace("PORT", str(app)),
        "RUNBOOKS.md": BOOK,
        "checks.toml": CHECKS,
        "right.sql": "ALTER TABLE bookings ADD COLUMN language text;",
        "wrong.sql": WRONG,
        "app.log": "",
        "staging.url": staging_url,
        "backup.key": CANARIES["key"],
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def forms_of(canary: str) -> set[bytes]:
    """Return the canary as it may be written: plain, for URLs, in JSON, in base64."""
    texts = {canary, quote(canary), quote(canary, safe=""), quote_plus(canary)}
    texts.add(json.dumps(canary)[1:-1])
    forms = {text.encode() for text in texts}
    for before in (b"", b"x", b"xy"):
        # In the middle of a longer text base64 depends on where it starts: all three are sought.
        encoded = base64.b64encode(before + canary.encode())
        forms.add(encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4])
    return forms | {canary.encode().hex().encode()}


def found_in(data: bytes) -> list[str]:
    return [
        name for name, canary in CANARIES.items() if any(form in data for form in forms_of(canary))
    ]
