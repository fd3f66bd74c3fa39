"""The booking business of the range: its schema and its data; its app lies in `source`."""
