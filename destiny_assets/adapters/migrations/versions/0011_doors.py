"""The doors: API keys, ingests asked for through the API, answers kept for repeated requests, and an audit log that only grows."""

from alembic import op

revision = "0011"
down_revision = "0009"

KEYS = """
create table api_key (
    id            text primary key check (id ~ '^[0-9a-f]{16}$'),
    name          text not null,
    digest        bytea not null check (length(digest) = 32),
    grants        jsonb not null,
    rate_per_s    double precision not null check (rate_per_s > 0),
    created_by    text not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
"""

REQUESTS = """
create table ingest_request (
    project       text not null references project on delete cascade,
    id            uuid not null,
    actor         text not null,
    accept_worse  text,
    state         text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'stopped')),
    progress      jsonb not null default '{}',
    result        jsonb,
    reason        text,
    requested_at  timestamptz not null default now(),
    started_at    timestamptz,
    seen_at       timestamptz not null default now(),
    ended_at      timestamptz,
    primary key (project, id)
);
create unique index one_open_ingest_request on ingest_request (project) where state in ('queued', 'running');
create index on ingest_request (project, requested_at desc);

-- `status` is null while the request is at work.
create table kept_answer (
    actor       text not null,
    key         text not null,
    request     bytea not null,
    status      integer,
    body        bytea,
    created_at  timestamptz not null default now(),
    primary key (actor, key)
);
create index on kept_answer (created_at);
"""

AUDIT = """
create index on audit_event (project, id desc);

create function audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event only grows: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger audit_rows_stay before update or delete on audit_event for each row execute function audit_only_grows();
create trigger audit_is_never_emptied before truncate on audit_event for each statement execute function audit_only_grows();
"""


def upgrade() -> None:
    """Add tables and triggers."""
    op.execute("set local search_path to destiny")
    for statements in (KEYS, REQUESTS, AUDIT):
        op.execute(statements)


def downgrade() -> None:
    """Drop them; the audit log stays, without its guard."""
    op.execute("set local search_path to destiny")
    op.execute("drop trigger audit_rows_stay on audit_event; drop trigger audit_is_never_emptied on audit_event")
    op.execute("drop function audit_only_grows; drop index audit_event_project_id_idx")
    op.execute("drop table kept_answer, ingest_request, api_key")
