"""The booking service: customers book, pay for and cancel appointments."""

__version__ = "1.5.0"
