"""Receivers of log lines: OpenTelemetry over HTTP, and Vercel's log drains."""
