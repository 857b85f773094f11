"""When a generation was vacuumed: since then it can be neither read nor rolled back to."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table destiny.generation add column vacuumed_at timestamptz")


def downgrade() -> None:
    """Drop the column."""
    op.execute("alter table destiny.generation drop column vacuumed_at")
