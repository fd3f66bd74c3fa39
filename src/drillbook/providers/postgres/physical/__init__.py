"""Physical backups: base backups, the WAL archive, and points in time."""
