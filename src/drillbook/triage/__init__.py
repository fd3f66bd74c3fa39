"""Several ports seen together, side by side: what more than one domain of actions needs."""
