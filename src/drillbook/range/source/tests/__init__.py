"""The service's own tests: no network, no database."""
