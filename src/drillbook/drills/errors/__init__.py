"""The drill of errors: everything that can break, and what only looks broken, through the book."""
