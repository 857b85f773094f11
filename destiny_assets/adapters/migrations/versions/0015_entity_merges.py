"""Entities that are taken for one: merges by generation, and those that people took back, which are never made again."""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
create table entity_merge (
    project        text not null references project on delete cascade,
    id             uuid not null,
    kept_id        uuid not null,
    absorbed_id    uuid not null,
    kept_name      text not null,
    absorbed_name  text not null,
    probability    double precision not null check (probability > 0 and probability < 1),
    reasons        jsonb not null,
    model          text not null,
    born           integer not null,
    died           integer not null default 2147483647,
    primary key (project, id, born)
);
create index on entity_merge (project, kept_id);
create index on entity_merge (project, absorbed_id);
create index entity_merge_born on entity_merge (project, born);
create index entity_merge_died on entity_merge (project, died, born);

-- The id of a merge follows from its two entities, so what was taken back stays so whichever of them would be kept.
create table undone_merge (
    project        text not null references project on delete cascade,
    merge_id       uuid not null,
    kept_name      text not null,
    absorbed_name  text not null,
    undone_by      text not null,
    undone_at      timestamptz not null default now(),
    primary key (project, merge_id)
);

-- By which code the merges of a project were made.
create table merge_basis (
    project        text primary key references project on delete cascade,
    model          text not null
);
select isolate('entity_merge');
select isolate('undone_merge');
select isolate('merge_basis');
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute("set local search_path to destiny")
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them: every entity is itself again."""
    op.execute("set local search_path to destiny")
    op.execute("drop table merge_basis, undone_merge, entity_merge")
