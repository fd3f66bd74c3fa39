"""Signals, the incidents they open, and the runs that these start."""
