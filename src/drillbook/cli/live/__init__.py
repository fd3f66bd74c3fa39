"""A run as it is watched from a terminal, a log or a program."""
