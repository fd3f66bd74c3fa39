"""
The most memory a process ever had.

Not `ru_maxrss`: a child inherits there what its parent had before it became another program.
"""

import subprocess
import sys
from pathlib import Path

# Runs a script as Python would, and writes its peak where the environment says.
RUNNER = """
import atexit, os, runpy, sys
def tell():
    words = open("/proc/self/status").read().partition("VmHWM:")[2].split()
    open(os.environ["PEAK_FILE"], "w").write(words[0])
atexit.register(tell)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def peak_mib(pid: int | str = "self") -> float:
    """Return the peak of a living process in MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def peak_of_script(argv: list[str], env: dict[str, str], folder: Path) -> float:
    """Run a Python script to its end and return its peak in MiB."""
    told = folder / "peak"
    subprocess.run(
        [sys.executable, "-c", RUNNER, *argv],
        env={**env, "PEAK_FILE": str(told)}, cwd=folder, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return int(told.read_text()) / 1024
