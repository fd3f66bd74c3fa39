"""The official clients of the platforms, run against the range's twins."""
