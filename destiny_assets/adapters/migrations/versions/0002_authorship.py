"""Who wrote what when, and how far each source has been read.

`authorship` holds [start, end, author, written at, revision] of the spans of a version's text; what a placed chunk needs of it
stands beside its place. `facts` marks what a source said of a version beyond its bytes. `source.mark` is the source's own mark
of what was last read from it, with the code that read it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    op.execute("set local search_path to destiny")
    op.execute(
        """
        alter table source add column mark text;
        alter table document_version add column facts text not null default '', add column authorship jsonb not null default '[]';
        alter table placement add column authors text[] not null default '{}', add column written_at timestamptz,
                              add column revision text not null default '';
        """
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute("set local search_path to destiny")
    op.execute(
        """
        alter table source drop column mark;
        alter table document_version drop column facts, drop column authorship;
        alter table placement drop column authors, drop column written_at, drop column revision;
        """
    )
