"""What unrelated texts have for a cosine by a generation's model, above which its cosines count."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the column; by the models that older generations were made with cosines counted as they were."""
    op.execute("set local search_path to destiny")
    op.execute("alter table generation add column unrelated_cosine real not null default 0")


def downgrade() -> None:
    """Drop it."""
    op.execute("set local search_path to destiny")
    op.execute("alter table generation drop column unrelated_cosine")
