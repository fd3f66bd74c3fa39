"""Rehearse a migration on a copy: apply it under load, and measure who had to wait how long."""
