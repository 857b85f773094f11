"""What people say of predicates: whether they have one value, or may have several at once."""

from alembic import op

revision = "0021"
down_revision = "0020"

TABLE = """
create table predicate_values (
    project    text not null references project on delete cascade,
    predicate  text not null check (predicate <> ''),
    several    boolean not null,
    primary key (project, predicate)
);
select isolate('predicate_values');
"""


def upgrade() -> None:
    """Add the table."""
    op.execute("set local search_path to destiny")
    op.execute(TABLE)


def downgrade() -> None:
    """Drop it: what people said is forgotten, and each predicate goes by the rule."""
    op.execute("set local search_path to destiny")
    op.execute("drop table predicate_values")
