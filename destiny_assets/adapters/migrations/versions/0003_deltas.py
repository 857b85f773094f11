"""What a generation changed is found without reading the project; which layers a generation was begun in.

Two indexes for every derived table: what was born in a generation, and what died in one or lives (which also counts what a
generation shows, from the index alone). The columns included are what those counts are asked about.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = {
    "document_version": "include (sha256)",
    "chunk": "include (tokens)",
    "placement": "",
    "near_duplicate": "",
    "entity": "include (document_id)",
    "mention": "",
    "reference": "include (target_document)",
    "trust_score": "",
}


def upgrade() -> None:
    """Add the indexes and the column."""
    op.execute("set local search_path to destiny")
    for table, included in TABLES.items():
        op.execute(f"create index {table}_born on {table} (project, born)")
        op.execute(f"create index {table}_died on {table} (project, died, born) {included}")
    op.execute("create index entity_of_document on entity (project, document_id) where document_id is not null")
    # "Is another code's" as ranges of an index: documents that a stage has yet to take up are found without the others.
    for stage in ("chunker", "linker"):
        op.execute(
            f"create index document_version_{stage} on document_version (project, {stage}) where died = 2147483647"
        )
    # Names of the layers that some run began to write for this generation: only there can a killed run have left anything.
    op.execute("alter table generation add column begun text[] not null default '{}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("set local search_path to destiny")
    op.execute("alter table generation drop column begun")
    op.execute("drop index entity_of_document")
    for stage in ("chunker", "linker"):
        op.execute(f"drop index document_version_{stage}")
    for table in TABLES:
        op.execute(f"drop index {table}_born")
        op.execute(f"drop index {table}_died")
