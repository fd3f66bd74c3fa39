"""What this package's actions are about: backups of a database."""

from drillbook.core.catalog import Domain

domain = Domain("backup")
