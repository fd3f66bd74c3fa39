"""The booking business of the range: its schema, its data and its app."""
