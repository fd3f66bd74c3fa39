"""The platform of the databases: its Management API, on the real parts."""
