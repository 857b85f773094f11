"""What sources keep between scans: documents pushed to a project, and the last good answer of each web address."""

from alembic import op

revision = "0005"
down_revision = "0004"

PUSHED = """
create table pushed_document (
    project     text not null,
    source      text not null,
    uri         text not null,
    sha256      text not null,
    bytes       bigint not null,
    media_type  text,
    facts       jsonb not null,
    pushed_at   timestamptz not null default now(),
    deleted_at  timestamptz,
    primary key (project, source, uri),
    foreign key (project, source) references source on delete cascade
);
"""

# `sha256` is a page's original; `body` holds what is no document: robots.txt, sitemaps, lists of addresses.
WEB = """
create table web_response (
    project        text not null,
    source         text not null,
    url            text not null,
    address        text not null,
    etag           text,
    last_modified  text,
    media_type     text,
    sha256         text,
    bytes          bigint not null,
    excluded       text,
    body           bytea,
    fetched_at     timestamptz not null default now(),
    primary key (project, source, url),
    foreign key (project, source) references source on delete cascade,
    check (sha256 is null or body is null)
);
"""

# Whoever copies or cleans up originals asks this view, not the document versions alone.
ORIGINALS = """
create view named_original as
    select project, sha256 from document_version
    union select project, sha256 from pushed_document where deleted_at is null
    union select project, sha256 from web_response where sha256 is not null;
"""


def upgrade() -> None:
    """Create both tables and the view of what is named anywhere."""
    op.execute("set local search_path to destiny")
    op.execute(PUSHED)
    op.execute(WEB)
    op.execute(ORIGINALS)


def downgrade() -> None:
    """Drop the view and both tables."""
    op.execute("drop view destiny.named_original")
    op.execute("drop table destiny.web_response, destiny.pushed_document")
