"""Retrieval and its gate: documents found by title, questions `best` is chosen by, how far a gated metric may fall."""

from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Add the index, the column and the table."""
    op.execute("set local search_path to destiny")
    # The spelling of `domain.proper_names.title_key`; without the index a search would read every entity of the project.
    op.execute(
        r"create index entity_by_title on entity (project, btrim(lower(regexp_replace(name, '\s*\([^()]*\)\s*$', '')))) "
        "where document_id is not null and length(name) <= 200"
    )
    op.execute("alter table golden_question add column tuning boolean not null default false, add column source text")
    op.execute("""
        create table gate_tolerance (
            project   text not null references project on delete cascade,
            metric    text not null,
            fall      double precision not null check (fall >= 0 and fall <= 1),
            primary key (project, metric)
        )
    """)


def downgrade() -> None:
    """Take them away again."""
    op.execute("set local search_path to destiny")
    op.execute("drop table gate_tolerance")
    op.execute("alter table golden_question drop column tuning, drop column source")
    op.execute("drop index entity_by_title")
