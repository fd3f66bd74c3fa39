"""GitHub's own client on the range's repository, and GitHub's own document over the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.twins.clients import FOLDER, QUIET, RUN_SECONDS, Finding
from drillbook.range.cloud import Cloud
from drillbook.range.repository import Proposed, propose
from drillbook.range.twins.github import token_of

CLIENT = "octokit"
DOCUMENT = FOLDER / "node_modules" / "@octokit" / "openapi" / "generated"
TESTS = ("tests/twins/test_github.py", "tests/repository/test_github.py")
SCRIPT = Path(__file__).with_name("github.mjs")


def check(cloud: Cloud, home: Path) -> Iterator[Finding]:
    """Let Octokit bring a change from its review into main; then hold the tests to the document."""
    yield from _octokit(cloud, home, propose(cloud, "copy-text", reviewed=False))
    yield _documented()


def _octokit(cloud: Cloud, home: Path, proposed: Proposed) -> Iterator[Finding]:
    home.mkdir(parents=True, exist_ok=True)
    # Node looks for modules above the script's own place.
    script = (FOLDER / SCRIPT.name).absolute()
    script.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    known = {
        "HUB": cloud.url("github"),
        "TOKEN": token_of(cloud, "octokit-user"),
        "NUMBER": str(proposed.number),
        "COMMIT": proposed.commit,
    }
    done = subprocess.run(
        ["node", str(script)],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **dict.fromkeys(QUIET, "1"), **known},
        capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        said = json.loads(line)
        yield Finding(CLIENT, said["words"], said["ok"], said["says"])
    ended = (done.stderr.strip().splitlines() or ["ended well"])[0]
    yield Finding(CLIENT, "all of it", done.returncode == 0, ended)


def _documented() -> Finding:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *TESTS]
    done = subprocess.run(
        words,
        env={**os.environ, "DRILLBOOK_SPECS": str(DOCUMENT.absolute())},
        capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
    there = (DOCUMENT / "api.github.com.json").exists()
    return Finding(
        "document", "the twin's and provider's tests", there and not done.returncode, last
    )
