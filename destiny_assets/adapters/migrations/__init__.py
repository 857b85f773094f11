"""The ledger's schema, as Alembic revisions in plain SQL; `PostgresLedger.migrate` applies them."""
