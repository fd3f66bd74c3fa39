"""Twins of the platforms: HTTP services of this machine that behave as the real ones do."""
