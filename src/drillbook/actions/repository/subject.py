"""What this package's actions are about: the repository an environment is deployed from."""

from drillbook.core.catalog import Domain

domain = Domain("repository")
