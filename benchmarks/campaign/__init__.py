"""The parts of `make campaign-kill`: real runs, really killed, counted from the databases."""
