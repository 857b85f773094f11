"""Dagster assets, one module a stage: read, think (in `domain`), write, report. No logic of their own."""
