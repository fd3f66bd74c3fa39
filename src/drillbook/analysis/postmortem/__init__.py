"""Drafts a post-mortem from a run's record."""

from drillbook.analysis.postmortem.drafting import Drafted, draft

__all__ = ["Drafted", "draft"]
