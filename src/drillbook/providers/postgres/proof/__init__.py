"""What a database is, taken so that another one can be proven equal to it."""
