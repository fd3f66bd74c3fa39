"""Advice before a migration: what it may do to tables of this size, and gentler statements."""
