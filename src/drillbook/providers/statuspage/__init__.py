"""Status pages in the shape of Atlassian Statuspage, which most platforms use."""

from drillbook.providers.statuspage.pages import PageAddress, StatuspagePages

__all__ = ["PageAddress", "StatuspagePages"]
