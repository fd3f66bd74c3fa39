"""Tests that may be looked at at any time: errors and latency after a change."""
