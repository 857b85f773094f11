"""Dagster's UI behind the gate: its process, and the proxy before it. Dagster itself is imported by that process alone."""
