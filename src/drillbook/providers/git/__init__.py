"""Folders of migrations with their history in git."""

from drillbook.providers.git.folders import GitFolders

__all__ = ["GitFolders"]
