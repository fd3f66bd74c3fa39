"""The official clients: installed below build/ by npm, run with a home of their own."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("build/twin-check")
PACKAGES = ("vercel@56.5.0", "supabase@3.1.0", "@octokit/rest@22.0.1", "@octokit/openapi@23.0.2")
INSTALL_SECONDS = 600
RUN_SECONDS = 120
QUIET = ("CI", "NO_COLOR", "NO_UPDATE_NOTIFIER", "VERCEL_TELEMETRY_DISABLED")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an official client was asked to do, and whether it did."""

    client: str
    words: str
    ok: bool
    says: str


def missing() -> str:
    """Return why the clients cannot be had here; empty when they can."""
    tools = [tool for tool in ("npm", "node") if shutil.which(tool) is None]
    return f"{' and '.join(tools)} is not installed here" if tools else ""


def install() -> str:
    """Install the clients, or find them; return why it did not work, or nothing."""
    modules = FOLDER / "node_modules"
    if all((modules / package.rpartition("@")[0]).exists() for package in PACKAGES):
        return ""
    FOLDER.mkdir(parents=True, exist_ok=True)
    words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), *PACKAGES]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    said = done.stderr.strip().splitlines()
    return (said[-1] if said else "npm failed") if done.returncode else ""


def program(name: str) -> Path:
    """Return where a client is."""
    return (FOLDER / "node_modules" / ".bin" / name).absolute()


def run(
    name: str, words: list[str], home: Path, secrets: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a client in a home of its own; secrets go into its environment."""
    home.mkdir(parents=True, exist_ok=True)
    quiet = {
        "CI": "1",
        "NO_COLOR": "1",
        "NO_UPDATE_NOTIFIER": "1",
        "VERCEL_TELEMETRY_DISABLED": "1",
    }
    return subprocess.run(
        [str(program(name)), *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **quiet, **(secrets or {})},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
