"""What linking, scoring and near-duplicates remember, so that a change costs its own size and not the project's.

None of these tables is a reader's: each can be made anew from the living rows, and is when the code that fills it changes.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

INDEX = """
-- A segment lists items (16 bytes each); a posting row has the sorted 32-bit keys of one page of them, and which item has each.
create table text_segment (
    project     text not null references project on delete cascade,
    kind        text not null,
    segment     bigint generated always as identity,
    generation  integer not null,
    size        integer not null,
    items       bytea not null,
    primary key (project, kind, segment)
);

create table text_posting (
    project  text not null references project on delete cascade,
    kind     text not null,
    page     integer not null,
    segment  bigint not null,
    keys     bytea not null,
    items    bytea not null,
    primary key (project, kind, page, segment)
);
"""

LINKS = """
alter table document_version drop column traces;

-- Traces by document version; `counted` ones are in the sums below.
create table document_trace (
    project      text not null references project on delete cascade,
    version_id   uuid not null,
    document_id  uuid not null,
    uri          text not null,
    identifiers  text[] not null,
    title_key    text,
    names        bytea not null,
    citations    bytea not null,
    traces       jsonb not null,
    counted      boolean not null default false,
    primary key (project, version_id)
);
create index on document_trace (project, document_id);
create index on document_trace (project, title_key);

create table link_basis (
    project    text primary key references project on delete cascade,
    code       text not null,
    documents  integer not null
);

create table term (
    project    text not null references project on delete cascade,
    kind       text not null,
    key        text collate "C" not null,
    surfaces   jsonb not null,
    documents  integer not null,
    count      bigint not null,
    ordinary   bigint not null,
    marks      bigint[] not null,
    primary key (project, kind, key)
);
create index on term using gin (marks) where documents > 1 or kind = 'person';
create index on term (project, documents) where documents > 3;

create table shown_name (
    project    text not null references project on delete cascade,
    what       text not null,
    name       text not null,
    documents  integer not null,
    primary key (project, what, name)
);

create table gazetteer_pattern (
    project    text not null references project on delete cascade,
    entity_id  uuid not null,
    surface    text not null,
    exact      boolean not null,
    quoted     boolean not null,
    kind       text not null,
    lead       text not null,
    primary key (project, entity_id, surface)
);
create index on gazetteer_pattern (project, lead);

-- Documents whose mentions and references have yet to be brought to what the sums now say.
create table link_queue (
    project      text not null references project on delete cascade,
    document_id  uuid not null,
    primary key (project, document_id)
);

alter table reference add column stated_by uuid;
update reference r set stated_by = coalesce(
    (select document_id from chunk c where c.project = r.project and c.id = r.chunk_id limit 1), r.source_document);
alter table reference alter column stated_by set not null;
create index on reference (project, stated_by);
"""

DUPLICATES = """
alter table chunk add column mark bigint;
create index chunk_mark on chunk (project, mark, born, document_id, id) where died = 2147483647;
alter table document_version add column signature bytea, add column mark bigint;
create index document_version_mark on document_version (project, mark, born, document_id) where died = 2147483647;
create index near_duplicate_original on near_duplicate (project, original);

create table document_duplicate (
    project      text not null references project on delete cascade,
    id           uuid not null,
    document_id  uuid not null,
    original     uuid not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index on document_duplicate (project, document_id);
create index on document_duplicate (project, original);
create index on document_duplicate (project, born);
create index on document_duplicate (project, died, born);
"""

TRUST = """
create table trust_basis (
    project  text primary key references project on delete cascade,
    model    text not null,
    year     integer,
    priors   jsonb not null
);
"""


def upgrade() -> None:
    """Add tables and columns; what they hold is filled by the next run."""
    op.execute("set local search_path to destiny")
    for statements in (INDEX, LINKS, DUPLICATES, TRUST):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute("set local search_path to destiny")
    op.execute(
        "drop table text_segment, text_posting, document_trace, link_basis, term, shown_name, gazetteer_pattern, link_queue"
    )
    op.execute("drop table document_duplicate, trust_basis")
    op.execute("drop index near_duplicate_original")
    op.execute("alter table reference drop column stated_by")
    op.execute("alter table chunk drop column mark")
    op.execute("alter table document_version drop column signature, drop column mark, add column traces jsonb")
