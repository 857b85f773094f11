"""Sessions of the web pages: for whom a browser speaks, and until when. Kept by the SHA-256 of a random id, as keys are."""

from alembic import op

revision = "0012"
down_revision = "0011"

SESSIONS = """
create table page_session (
    digest      bytea primary key check (length(digest) = 32),
    key_id      text not null references api_key on delete cascade,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null
);
create index on page_session (key_id);
create index on page_session (expires_at);
"""


def upgrade() -> None:
    """Add the table."""
    op.execute("set local search_path to destiny")
    op.execute(SESSIONS)


def downgrade() -> None:
    """Drop it: everybody signs in again."""
    op.execute("set local search_path to destiny")
    op.execute("drop table page_session")
