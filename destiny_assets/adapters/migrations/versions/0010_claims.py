"""Claims: what is claimed and where, how probable it is, what is known of each witness, and what people say of claims.

The tables `claim` and `evidence` of revision 0001 were never filled; they lacked the slot, the document and the place in a table.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
drop table evidence;
drop table claim;
create table claim (
    project      text not null references project on delete cascade,
    id           uuid not null,
    slot_id      uuid not null,
    subject      text not null,
    predicate    text not null,
    value        text not null,
    valid_from   timestamptz,
    valid_to     timestamptz,
    origin       text not null check (origin in ('stated', 'inferred')),
    entity_ids   uuid[] not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index on claim (project, slot_id);
create index on claim (project, lower(subject), predicate);
create index claim_born on claim (project, born);
create index claim_died on claim (project, died, born);

create table evidence (
    project      text not null references project on delete cascade,
    id           uuid not null,
    claim_id     uuid not null,
    slot_id      uuid not null,
    document_id  uuid not null,
    witness      text not null,
    rule         text not null,
    starts_at    integer,
    ends_at      integer,
    quote        text not null,
    table_row    integer,
    observed_at  timestamptz,
    about_itself boolean not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born),
    foreign key (project, document_id) references document on delete cascade,
    check ((table_row is null) = (starts_at is not null and ends_at is not null))
);
create index on evidence (project, claim_id);
create index on evidence (project, slot_id);
create index on evidence (project, document_id);
create index evidence_born on evidence (project, born);
create index evidence_died on evidence (project, died, born);
alter table document_version add column claimer text;
create index document_version_claimer on document_version (project, claimer) where died = 2147483647;

create table claim_probability (
    project      text not null references project on delete cascade,
    id           uuid not null,
    slot_id      uuid not null,
    probability  double precision not null check (probability > 0 and probability < 1),
    score        double precision not null,
    standing     text not null check (standing in ('current', 'superseded', 'outdated')),
    believed     boolean not null,
    contested    boolean not null,
    label        boolean,
    model        text not null,
    components   jsonb not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index on claim_probability (project, slot_id);
create index claim_probability_contested on claim_probability (project, slot_id) where contested;
create index claim_probability_born on claim_probability (project, born);
create index claim_probability_died on claim_probability (project, died, born);

create table source_reliability (
    project      text not null references project on delete cascade,
    id           uuid not null,
    witness      text not null,
    predicate    text not null,
    complete     double precision not null check (complete >= 0 and complete <= 1),
    coarse       double precision not null check (coarse >= 0 and coarse <= 1),
    level        integer not null,
    copies       double precision not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index source_reliability_born on source_reliability (project, born);
create index source_reliability_died on source_reliability (project, died, born);

-- What all probabilities of a project rest on besides the rows of a generation.
create table claim_basis (
    project      text primary key references project on delete cascade,
    basis        jsonb not null
);

-- What people say of claims. A claim's id follows from what it says, so a label outlives the documents that make the claim.
create table claim_label (
    project      text not null references project on delete cascade,
    claim_id     uuid not null,
    verdict      boolean not null,
    labelled_at  timestamptz not null default now(),
    primary key (project, claim_id)
);
"""


def upgrade() -> None:
    """Replace the empty tables, and add the others."""
    op.execute("set local search_path to destiny")
    op.execute(TABLES)


def downgrade() -> None:
    """Back to the tables that nothing filled."""
    op.execute("set local search_path to destiny")
    op.execute("drop table claim_label, claim_basis, source_reliability, claim_probability, evidence, claim")
    op.execute("alter table document_version drop column claimer")
    op.execute(
        """create table claim (
               project text not null references project on delete cascade, id uuid not null, subject_id uuid,
               subject text not null, predicate text not null, value text not null, value_type text not null,
               valid_from timestamptz, valid_to timestamptz,
               origin text not null check (origin in ('stated', 'inferred', 'agent')),
               born integer not null, died integer not null default 2147483647, primary key (project, id, born))"""
    )
    op.execute("create index on claim (project, subject, predicate)")
    op.execute(
        """create table evidence (
               project text not null references project on delete cascade, id uuid not null, claim_id uuid not null,
               chunk_id uuid, source text not null, document_version uuid, starts_at integer, ends_at integer,
               stance text not null check (stance in ('supports', 'contradicts')), extractor text not null,
               observed_at timestamptz, born integer not null, died integer not null default 2147483647,
               primary key (project, id, born))"""
    )
    op.execute("create index on evidence (project, claim_id)")
