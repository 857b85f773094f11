"""Alembic's entry point: runs the revisions on the connection that `PostgresLedger.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="destiny", transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
