"""Pure logic: values in, values out. No clock, environment, network, files or Dagster here."""
