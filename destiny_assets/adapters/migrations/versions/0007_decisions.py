"""Decisions: one row a document that records one, and views that answer plain SQL.

The table of revision 0001 was never filled. A decision is known by its document, since ids of two logs may be the same.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLE = """
drop table decision;
create table decision (
    project      text not null references project on delete cascade,
    id           uuid not null,
    document_id  uuid not null,
    key          text not null,
    agent        text not null,
    decider_ids  uuid[] not null,
    title        text not null,
    rationale    text not null,
    importance   double precision not null check (importance >= 0 and importance <= 1),
    decided_at   timestamptz,
    status       text not null,
    supersedes   text[] not null,
    rests_on     text[] not null,
    options      text[] not null,
    tags         text[] not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born),
    foreign key (project, document_id) references document on delete cascade
);
create index on decision (project, decided_at desc);
create index on decision (project, document_id);
create index decision_born on decision (project, born);
create index decision_died on decision (project, died, born);
alter table document_version add column decider text;
create index document_version_decider on document_version (project, decider) where died = 2147483647;

-- The decisions that a generation shows. `superseded_by` and `unresolved` follow from what documents say of each other:
-- the keys (or titles) of what replaced this one, and what it says it replaces that the project does not hold.
create function decisions_at(of_project text, at_generation integer)
returns table (
    id uuid, document_id uuid, key text, agent text, title text, rationale text, importance double precision,
    decided_at timestamptz, status text, source text, uri text, supersedes text[], rests_on text[], options text[],
    tags text[], superseded_by text[], unresolved text[], holds boolean
)
language sql stable
begin atomic
    select d.id, d.document_id, d.key, d.agent, d.title, d.rationale, d.importance, d.decided_at, d.status, o.source, o.uri,
           d.supersedes, d.rests_on, d.options, d.tags, coalesce(n.newer, '{}'), coalesce(u.targets, '{}'),
           d.status in ('accepted', 'final', 'active') and n.newer is null
    from decision d
    join document o on (o.project, o.id) = (d.project, d.document_id)
    left join (
        select s.document_id, array_agg(distinct coalesce(b.key, s.by_title)) as newer
        from supersession s
        left join decision b on (b.project, b.document_id) = (s.project, s.by_document)
             and b.born <= at_generation and b.died > at_generation
        where s.project = of_project and s.born <= at_generation and s.died > at_generation
        group by s.document_id
    ) n on n.document_id = d.document_id
    left join (
        select r.source_document, array_agg(distinct r.target) as targets from reference r
        where r.project = of_project and r.born <= at_generation and r.died > at_generation
              and r.relation = 'supersedes' and r.target_document is null
        group by r.source_document
    ) u on u.source_document = d.document_id
    where d.project = of_project and d.born <= at_generation and d.died > at_generation;
end;

-- What readers see now: every decision, and those of them that hold.
create view published_decision as
select p.project, p.generation, d.* from publication p cross join lateral decisions_at(p.project, p.generation) d;
create view current_decision as select * from published_decision where holds;
"""


def upgrade() -> None:
    """Replace the empty table, and add what reads it."""
    op.execute("set local search_path to destiny")
    op.execute(TABLE)


def downgrade() -> None:
    """Back to the table that nothing filled."""
    op.execute("set local search_path to destiny")
    op.execute(
        "drop view current_decision; drop view published_decision; drop function decisions_at; drop table decision"
    )
    op.execute("alter table document_version drop column decider")
    op.execute(
        """create table decision (
               project text not null references project on delete cascade, id text not null, agent text not null,
               title text not null, rationale text not null,
               importance double precision not null check (importance >= 0 and importance <= 1),
               decided_at timestamptz not null, supersedes text[] not null default '{}',
               rests_on uuid[] not null default '{}', born integer not null, died integer not null default 2147483647,
               primary key (project, id, born))"""
    )
    op.execute("create index on decision (project, decided_at desc)")
