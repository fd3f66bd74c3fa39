"""Planted rollbacks, safe and unsafe, on the range's cloud and a real database."""
