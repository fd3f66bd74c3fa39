"""Where backups lie: one Protocol, and the stores that fulfil it."""
