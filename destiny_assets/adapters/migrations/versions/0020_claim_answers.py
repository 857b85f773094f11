"""What language models said that passages state, kept by the passage's hash."""

from alembic import op

revision = "0020"
down_revision = "0018"

TABLE = """
create table claim_answer (
    project       text not null references project on delete cascade,
    model_id      text not null,
    embed_sha256  bytea not null,
    told          jsonb not null,
    primary key (project, model_id, embed_sha256)
);
select isolate('claim_answer');
"""


def upgrade() -> None:
    """Add the table."""
    op.execute("set local search_path to destiny")
    op.execute(TABLE)


def downgrade() -> None:
    """Drop it: whoever comes back asks again."""
    op.execute("set local search_path to destiny")
    op.execute("drop table claim_answer")
