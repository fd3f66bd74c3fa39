"""The engine: durable runs, their workers and their record; the only package that knows DBOS."""
