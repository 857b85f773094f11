"""What each stage does, as plain functions over the ledger and the ports. No Dagster here: assets are shells around these."""
