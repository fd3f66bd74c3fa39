"""A run as Markdown and as one self-contained page, built from its record alone."""

from drillbook.web.report.building import build
from drillbook.web.report.html import to_html
from drillbook.web.report.markdown import to_markdown
from drillbook.web.report.report import RunReport
from drillbook.web.report.writing import write_report

__all__ = ["RunReport", "build", "to_html", "to_markdown", "write_report"]
