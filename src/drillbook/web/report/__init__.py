"""A run as Markdown and as one self-contained page, built from its record alone."""

from drillbook.web.report.building import build
from drillbook.web.report.report import RunReport

__all__ = ["RunReport", "build"]
