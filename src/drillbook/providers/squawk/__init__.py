"""The `Linter` port by squawk, the linter of migrations, run as a program of its own."""

from drillbook.providers.squawk.linter import SquawkLinter

__all__ = ["SquawkLinter"]
