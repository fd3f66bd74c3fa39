"""Commands of the operating system under a shim that leaves nothing behind."""
