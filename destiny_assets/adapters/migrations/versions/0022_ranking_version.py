"""By which version of the ranking's arithmetic a benchmark was run: a generation is held against another by one arithmetic only."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column; what was measured before is of no version that is used now."""
    op.execute("set local search_path to destiny")
    op.execute("alter table benchmark_run add column ranking text not null default ''")


def downgrade() -> None:
    """Drop it."""
    op.execute("set local search_path to destiny")
    op.execute("alter table benchmark_run drop column ranking")
