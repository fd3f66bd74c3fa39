"""What `pg_controldata` says about a data folder."""

import os
import subprocess
from pathlib import Path

from drillbook.core.errors import Damaged
from drillbook.core.postgres_tools import PostgresTools


def read_control(data: Path, tools: PostgresTools) -> dict[str, str]:
    """Return the lines of `pg_controldata` by name; Damaged when the control file is not whole."""
    said = subprocess.run(
        [tools.folder / "pg_controldata", "-D", data],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "LC_ALL": "C"},
    )
    if said.returncode != 0 or "WARNING" in said.stdout + said.stderr:
        words = (said.stderr.strip() or said.stdout.strip())[:300]
        raise Damaged(
            f"the control file of {data} cannot be trusted: {words}",
            hint="Take another backup; this one is not whole.",
        )
    parts = (line.partition(":") for line in said.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in parts}
