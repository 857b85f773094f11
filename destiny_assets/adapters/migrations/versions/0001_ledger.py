"""The ledger: projects, generations, documents, chunks, links, trust, benchmarks, and room for claims and decisions.

Every table is keyed by project. Derived rows carry `born` and `died`: visible to a reader at generation g when
born <= g < died; 2147483647 is the `died` of a living row. A row that dies and comes back is a second row with a later `born`.
"""

from alembic import op

revision = "0001"
down_revision = None

CONTROL = """
create table project (
    project     text primary key check (project ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    created_at  timestamptz not null default now(),
    throw_away  boolean not null default false
);

create table source (
    project     text not null references project on delete cascade,
    name        text not null,
    kind        text not null,
    uri         text not null,
    options     jsonb not null default '{}',
    prior       double precision not null check (prior > 0 and prior < 1),
    created_at  timestamptz not null default now(),
    primary key (project, name)
);

create table generation (
    project       text not null references project on delete cascade,
    number        integer not null check (number > 0),
    state         text not null check (state in ('building', 'published', 'rejected')),
    model_id      text,
    collection    text,
    run_id        text,
    reason        text,
    started_at    timestamptz not null default now(),
    published_at  timestamptz,
    facts         jsonb not null default '{}',
    primary key (project, number)
);
create unique index one_unpublished_generation on generation (project) where state <> 'published';

-- The publishing row: what readers of every layer pin. One update of it is the publish.
create table publication (
    project       text primary key references project on delete cascade,
    generation    integer not null,
    published_at  timestamptz not null default now(),
    foreign key (project, generation) references generation
);

create table publication_event (
    id          bigint generated always as identity primary key,
    project     text not null references project on delete cascade,
    generation  integer not null,
    previous    integer,
    reason      text not null,
    at          timestamptz not null default now()
);
create index on publication_event (project, at desc);

create table stage_report (
    project     text not null references project on delete cascade,
    generation  integer not null,
    stage       text not null,
    run_id      text not null,
    facts       jsonb not null,
    at          timestamptz not null default now(),
    primary key (project, run_id, stage)
);

create table quarantine (
    project      text not null references project on delete cascade,
    source       text not null,
    uri          text not null,
    stage        text not null,
    reason       text not null,
    detail       text not null,
    fingerprint  text not null,
    code         text not null,
    tries        integer not null default 1,
    first_at     timestamptz not null default now(),
    last_at      timestamptz not null default now(),
    primary key (project, source, uri, stage)
);
"""

DOCUMENTS = """
create table document (
    project  text not null references project on delete cascade,
    id       uuid not null,
    source   text not null,
    uri      text not null,
    primary key (project, id),
    unique (project, source, uri)
);

create table document_version (
    project      text not null references project on delete cascade,
    id           uuid not null,
    document_id  uuid not null,
    sha256       text not null,
    text_sha256  text not null,
    fingerprint  text not null,
    parser       text not null,
    media_type   text not null,
    encoding     text,
    title        text not null,
    authors      text[] not null,
    created_on   timestamptz,
    updated_on   timestamptz,
    status       text,
    fields       jsonb not null,
    headings     jsonb not null,
    links        jsonb not null,
    page_starts  integer[] not null,
    bytes        bigint not null,
    characters   integer not null,
    chunker      text,
    traces       jsonb,
    linker       text,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born),
    foreign key (project, document_id) references document on delete cascade
);
create index on document_version (project, document_id, born);

create table document_text (
    project      text not null references project on delete cascade,
    text_sha256  text not null,
    text         text not null,
    primary key (project, text_sha256)
);

create table chunk (
    project       text not null references project on delete cascade,
    id            uuid not null,
    document_id   uuid not null,
    text          text not null,
    context       text not null,
    heading_path  text[] not null,
    tokens        integer not null,
    embed_sha256  bytea not null,
    signature     bytea not null,
    born          integer not null,
    died          integer not null default 2147483647,
    primary key (project, id, born),
    foreign key (project, document_id) references document on delete cascade
);
create index on chunk (project, document_id);
create index on chunk (project, embed_sha256);

create table placement (
    project     text not null references project on delete cascade,
    id          uuid not null,
    version_id  uuid not null,
    chunk_id    uuid not null,
    ordinal     integer not null,
    starts_at   integer not null,
    ends_at     integer not null,
    born        integer not null,
    died        integer not null default 2147483647,
    primary key (project, id, born)
);
create index on placement (project, chunk_id);
create index on placement (project, version_id, ordinal);

create table near_duplicate (
    project     text not null references project on delete cascade,
    id          uuid not null,
    chunk_id    uuid not null,
    original    uuid not null,
    born        integer not null,
    died        integer not null default 2147483647,
    primary key (project, id, born)
);
create index on near_duplicate (project, chunk_id);

create table embedding (
    project       text not null references project on delete cascade,
    model_id      text not null,
    embed_sha256  bytea not null,
    vector        bytea not null,
    primary key (project, model_id, embed_sha256)
);
"""

LINKS = """
create table entity (
    project  text not null references project on delete cascade,
    id       uuid not null,
    key      text not null,
    kind     text not null,
    name     text not null,
    aliases  text[] not null,
    document_id  uuid,
    born     integer not null,
    died     integer not null default 2147483647,
    primary key (project, id, born)
);
create index on entity (project, key);

create table mention (
    project    text not null references project on delete cascade,
    id         uuid not null,
    chunk_id   uuid not null,
    entity_id  uuid not null,
    surface    text not null,
    starts     integer[] not null,
    ends       integer[] not null,
    method     text not null,
    born       integer not null,
    died       integer not null default 2147483647,
    primary key (project, id, born)
);
create index on mention (project, chunk_id);
create index on mention (project, entity_id);

create table reference (
    project          text not null references project on delete cascade,
    id               uuid not null,
    source_document  uuid not null,
    target_document  uuid,
    target           text not null,
    relation         text not null,
    chunk_id         uuid,
    starts_at        integer,
    ends_at          integer,
    born             integer not null,
    died             integer not null default 2147483647,
    primary key (project, id, born)
);
create index on reference (project, target_document);
create index on reference (project, source_document);

-- Which documents are superseded, by what: a proposal that never came into force supersedes nothing.
create view supersession as
select r.project, r.target_document as document_id, s.document_id as by_document, s.title as by_title,
       greatest(r.born, s.born) as born, least(r.died, s.died) as died
from reference r
join document_version s on (s.project, s.document_id) = (r.project, r.source_document) and s.born < r.died and s.died > r.born
where r.relation = 'supersedes' and r.source_document <> r.target_document
  and coalesce(s.status, '') not in ('rejected', 'withdrawn', 'draft', 'deferred');
"""

TRUST = """
create table trust_score (
    project     text not null references project on delete cascade,
    id          uuid not null,
    item_kind   text not null check (item_kind in ('document', 'chunk', 'claim')),
    score       double precision not null check (score >= 0 and score <= 1),
    model       text not null,
    components  jsonb not null,
    born        integer not null,
    died        integer not null default 2147483647,
    primary key (project, id, born)
);

-- Judged questions of a project, by suite: grades maps a document's uri to how well it answers (1, 2, ...).
create table golden_question (
    project   text not null references project on delete cascade,
    suite     text not null,
    query_id  text not null,
    text      text not null,
    grades    jsonb not null,
    primary key (project, suite, query_id)
);

create table benchmark_run (
    project     text not null references project on delete cascade,
    id          uuid not null,
    generation  integer not null,
    suite       text not null,
    recipe      text not null,
    queries     integer not null,
    metrics     jsonb not null,
    at          timestamptz not null default now(),
    primary key (project, id)
);
create index on benchmark_run (project, suite, recipe, at desc);

create table benchmark_query (
    project   text not null references project on delete cascade,
    run_id    uuid not null,
    query_id  text not null,
    text      text not null,
    ranking   jsonb not null,
    metrics   jsonb not null,
    primary key (project, run_id, query_id),
    foreign key (project, run_id) references benchmark_run on delete cascade
);
"""

# Filled by the issues on claims, decisions and access; here so that nothing stored today has to move then.
CLAIMS = """
create table claim (
    project     text not null references project on delete cascade,
    id          uuid not null,
    subject_id  uuid,
    subject     text not null,
    predicate   text not null,
    value       text not null,
    value_type  text not null,
    valid_from  timestamptz,
    valid_to    timestamptz,
    origin      text not null check (origin in ('stated', 'inferred', 'agent')),
    born        integer not null,
    died        integer not null default 2147483647,
    primary key (project, id, born)
);
create index on claim (project, subject, predicate);

create table evidence (
    project           text not null references project on delete cascade,
    id                uuid not null,
    claim_id          uuid not null,
    chunk_id          uuid,
    source            text not null,
    document_version  uuid,
    starts_at         integer,
    ends_at           integer,
    stance            text not null check (stance in ('supports', 'contradicts')),
    extractor         text not null,
    observed_at       timestamptz,
    born              integer not null,
    died              integer not null default 2147483647,
    primary key (project, id, born)
);
create index on evidence (project, claim_id);

create table decision (
    project     text not null references project on delete cascade,
    id          text not null,
    agent       text not null,
    title       text not null,
    rationale   text not null,
    importance  double precision not null check (importance >= 0 and importance <= 1),
    decided_at  timestamptz not null,
    supersedes  text[] not null default '{}',
    rests_on    uuid[] not null default '{}',
    born        integer not null,
    died        integer not null default 2147483647,
    primary key (project, id, born)
);
create index on decision (project, decided_at desc);

create table audit_event (
    id       bigint generated always as identity primary key,
    project  text,
    at       timestamptz not null default now(),
    actor    text not null,
    action   text not null,
    detail   jsonb not null,
    digest   bytea not null
);
"""


def upgrade() -> None:
    """Create every table."""
    op.execute("set local search_path to destiny")
    for statements in (CONTROL, DOCUMENTS, LINKS, TRUST, CLAIMS):
        op.execute(statements)


def downgrade() -> None:
    """Drop every table."""
    op.execute("drop schema destiny cascade")
