"""Decisions that notice drift: what each rests on, bound to claims and documents, and which of it no longer carries the decision.

`decisions_at` and the views on it tell `at_risk`, the reasons in sentences, and `least_probability`, the decision's own threshold.
"""

from alembic import op

revision = "0014"
down_revision = "0012"

TABLES = """
alter table decision add column least_probability double precision not null default 0.5
    check (least_probability > 0 and least_probability < 1);

-- `named` is what the decision says. A slot named without a value is bound to the value that was believed when the decision was first read.
create table decision_ground (
    project      text not null references project on delete cascade,
    id           uuid not null,
    decision_id  uuid not null,
    named        text not null,
    kind         text not null check (kind in ('claim', 'document', 'unknown')),
    slot_id      uuid,
    claim_id     uuid,
    value        text,
    document_id  uuid,
    label        text not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index on decision_ground (project, decision_id);
create index decision_ground_born on decision_ground (project, born);
create index decision_ground_died on decision_ground (project, died, born);

create table decision_risk (
    project      text not null references project on delete cascade,
    id           uuid not null,
    decision_id  uuid not null,
    document_id  uuid not null,
    named        text not null,
    reason       text not null check (reason in ('withdrawn', 'superseded', 'improbable', 'rejected', 'at_risk')),
    said         text not null,
    born         integer not null,
    died         integer not null default 2147483647,
    primary key (project, id, born)
);
create index on decision_risk (project, decision_id);
create index on decision_risk (project, document_id);
create index decision_risk_born on decision_risk (project, born);
create index decision_risk_died on decision_risk (project, died, born);
select isolate('decision_ground');
select isolate('decision_risk');
drop view current_decision;
drop view published_decision;
drop function decisions_at;
"""


# What readers of decisions ask, with room for the columns that this revision adds.
READING = """
create function decisions_at(of_project text, at_generation integer)
returns table (
    id uuid, document_id uuid, key text, agent text, title text, rationale text, importance double precision,
    decided_at timestamptz, status text, source text, uri text, supersedes text[], rests_on text[], options text[],
    tags text[], superseded_by text[], unresolved text[], holds boolean/*columns*/
)
language sql stable
begin atomic
    select d.id, d.document_id, d.key, d.agent, d.title, d.rationale, d.importance, d.decided_at, d.status, o.source, o.uri,
           d.supersedes, d.rests_on, d.options, d.tags, coalesce(n.newer, '{}'), coalesce(u.targets, '{}'),
           d.status in ('accepted', 'final', 'active') and n.newer is null/*selected*/
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
    ) u on u.source_document = d.document_id/*joined*/
    where d.project = of_project and d.born <= at_generation and d.died > at_generation;
end;
create view published_decision with (security_invoker = true) as
select p.project, p.generation, d.* from publication p cross join lateral decisions_at(p.project, p.generation) d;
create view current_decision with (security_invoker = true) as select * from published_decision where holds;
"""
_RISKS = """
    left join (
        select r.decision_id, array_agg(r.said order by r.said) as reasons from decision_risk r
        where r.project = of_project and r.born <= at_generation and r.died > at_generation
        group by r.decision_id
    ) k on k.decision_id = d.id"""


def upgrade() -> None:
    """Add the tables, and tell readers of decisions what is at risk."""
    op.execute("set local search_path to destiny")
    op.execute(TABLES)
    op.execute(
        READING.replace("/*columns*/", ", at_risk text[], least_probability double precision")
        .replace("/*selected*/", ", coalesce(k.reasons, '{}'), d.least_probability")
        .replace("/*joined*/", _RISKS)
    )


def downgrade() -> None:
    """Back to decisions that notice nothing."""
    op.execute("set local search_path to destiny")
    op.execute("drop view current_decision; drop view published_decision; drop function decisions_at")
    op.execute("drop table decision_risk, decision_ground")
    op.execute("alter table decision drop column least_probability")
    op.execute(READING)
