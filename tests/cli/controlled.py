"""Runs the command with its terminal as the controlling one, so that Ctrl-C reaches it."""

import fcntl
import signal
import termios

from drillbook.cli.main import main

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Whoever runs the tests in the background has Ctrl-C ignored; a terminal's user has not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
