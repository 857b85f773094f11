"""Dagster resources: configuration in, adapter out, closed whatever happens."""
