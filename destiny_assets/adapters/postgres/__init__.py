"""The ledger in PostgreSQL: one module a group of tables, `PostgresLedger` holds them together. The only SQL outside dbt."""
