"""Faults of backups, really made, and restores under load and with changes."""
