"""The report of one project: values in, one self-contained page out. No store, clock or Dagster here."""
