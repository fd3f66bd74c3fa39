"""The parts of `make bench-migrations`."""
