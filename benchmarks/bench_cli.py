"""What `drillbook --help` and `drillbook check` cost, beside a bare two-command Typer program."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.memory import peak_of_script
from drillbook.stack.books import library

REPEATS = 15
MOST_HELP_RATIO = 1.5
MOST_CHECK_RATIO = 2.0
SEED = Path(__file__).parents[2] / "shared" / "seed" / "RUNBOOKS.md"
BARE = '''"""A bare program of two commands."""

import typer

app = typer.Typer()


@app.command()
def greet(name: str) -> None:
    """Greet somebody."""
    print(f"hello {name}")


@app.command()
def leave(name: str, formal: bool = False) -> None:
    """Say good-bye."""
    print(f"good-bye {name}")


if __name__ == "__main__":
    app()
'''


def measure(repeats: int = REPEATS) -> dict[str, object]:
    """Run the four command lines in turn, with and without bytecode cached; medians decide."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book, called = _book(folder)
        (folder / "bare.py").write_text(BARE)
        bare = [sys.executable, str(folder / "bare.py")]
        # Both by their file, as the installed script of a package does it.
        ours = [sys.executable, str(_script(folder))]
        lines = {
            "bare_help": [*bare, "--help"],
            "help": [*ours, "--help"],
            "bare_command": [*bare, "greet", "ana"],
            "check": [*ours, "check", str(book)],
        }
        found: dict[str, object] = {"checked": called, "repeats": repeats}
        for cached in (True, False):
            times = _times(lines, folder, repeats, cached=cached)
            env = _environment(folder, cached=cached)
            peaks = {line: peak_of_script(argv[1:], env, folder) for line, argv in lines.items()}
            found["cached" if cached else "not_cached"] = {
                **{f"{line}_ms": round(1000 * seconds, 1) for line, seconds in times.items()},
                **{f"{line}_peak_mib": round(peak, 1) for line, peak in peaks.items()},
                "help_ratio": round(times["help"] / times["bare_help"], 3),
                "check_ratio": round(times["check"] / times["bare_command"], 3),
            }
    return found


def _book(folder: Path) -> tuple[Path, str]:
    """Return the seed where it is at hand, else the eight shipped runbooks as one file."""
    if SEED.exists():
        return SEED, "the seed"
    path = folder / "RUNBOOKS.md"
    path.write_text("\n".join(file.text for file in library()))
    return path, "the eight shipped runbooks"


def _script(folder: Path) -> Path:
    """Write what the installer writes for `drillbook`."""
    path = folder / "drillbook_script.py"
    path.write_text("import sys\nfrom drillbook.cli.main import main\nsys.exit(main())\n")
    return path


def _environment(folder: Path, *, cached: bool) -> dict[str, str]:
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "cache"), "COLUMNS": "100"}
    if cached:
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        return env
    return env | {"PYTHONPYCACHEPREFIX": str(folder / "never"), "PYTHONDONTWRITEBYTECODE": "1"}


def _times(
    lines: dict[str, list[str]], folder: Path, repeats: int, *, cached: bool
) -> dict[str, float]:
    env = _environment(folder, cached=cached)
    times: dict[str, list[float]] = {line: [] for line in lines}
    for number in range(repeats + 1):
        for line, argv in lines.items():
            begun = time.perf_counter()
            subprocess.run(argv, env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            if number:  # the first round fills the caches
                times[line].append(time.perf_counter() - begun)
    return {line: statistics.median(each) for line, each in times.items()}
