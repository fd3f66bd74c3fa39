"""Platforms that speak JSON over HTTP: asked with deadlines, answered in our errors."""
