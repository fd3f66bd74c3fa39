"""A process that is there and does nothing: frozen, and thawed."""

import time
from signal import SIGCONT, SIGSTOP

from drillbook.core.process_identity import ProcessIdentity, is_frozen, is_running, send_signal

LOOK_SECONDS = 0.005


def freeze(process: ProcessIdentity | None) -> None:
    """Stop a process where it is; return when it stands still."""
    if process is None:
        return
    send_signal(process, SIGSTOP)
    while is_running(process) and not is_frozen(process):
        time.sleep(LOOK_SECONDS)


def thaw(process: ProcessIdentity | None) -> None:
    """Let a process go on."""
    if process is not None:
        send_signal(process, SIGCONT)


def hangs(process: ProcessIdentity | None) -> bool:
    """Tell whether a process is there and stands still."""
    return process is not None and is_frozen(process)
