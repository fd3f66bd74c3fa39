"""Runs the command with its terminal as the controlling one, so that Ctrl-C reaches it."""

import fcntl
import termios

from drillbook.cli.main import main

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    main()
