"""Servers and processes on this machine: started, tied, stopped; used by providers and range."""
