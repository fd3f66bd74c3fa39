"""Postgres over psycopg and its own programs."""
