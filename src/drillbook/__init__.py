"""Runbooks that run: Markdown compiled into durable, audited runs with a way back."""
