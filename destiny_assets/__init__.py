"""Destiny: a knowledge base that can be trusted, grown by Dagster assets."""
