"""The doors: API keys, ingests asked for through the API, answers kept for repeated requests, and an audit log that only grows.

And row-level security: whoever does not own the tables sees the rows of one project, the one that `destiny.project` is set to. A later
revision that adds a table with a column `project` calls ``select destiny.isolate('table')``.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

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


ISOLATION = r"""
create function isolate(name regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('create policy one_project on %s for select using (project = current_setting(''destiny.project'', true))', name);
end $$;
do $$
declare name regclass;
begin
    for name in select c.oid::regclass from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'project'
                where c.relnamespace = 'destiny'::regnamespace and c.relkind = 'r' and not a.attisdropped loop
        perform isolate(name);
    end loop;
end $$;

-- A view reads as its owner unless told otherwise, and the owner sees every project.
do $$
declare name regclass;
begin
    for name in select oid::regclass from pg_class where relnamespace = 'destiny'::regnamespace and relkind = 'v' loop
        execute format('alter view %s set (security_invoker = true)', name);
    end loop;
end $$;

-- Under a policy an index is used for conditions that cannot leak a row to a function: a column's equality is, lower() of one is not.
alter table entity add column title_key text
    generated always as (btrim(lower(regexp_replace(name, '\s*\([^()]*\)\s*$', '')))) stored;
drop index entity_by_title;
create index entity_by_title on entity (project, title_key) where document_id is not null and length(name) <= 200;
"""


def upgrade() -> None:
    """Add tables, triggers and policies."""
    op.execute("set local search_path to destiny")
    for statements in (KEYS, REQUESTS, AUDIT, ISOLATION):
        op.execute(statements)


def downgrade() -> None:
    """Drop them; the audit log stays, without its guard."""
    op.execute("set local search_path to destiny")
    op.execute("drop trigger audit_rows_stay on audit_event; drop trigger audit_is_never_emptied on audit_event")
    op.execute("drop function audit_only_grows; drop index audit_event_project_id_idx")
    op.execute("drop table kept_answer, ingest_request, api_key")
    op.execute(
        """do $$
           declare name regclass;
           begin
               for name in select polrelid::regclass from pg_policy where polname = 'one_project' loop
                   execute format('drop policy one_project on %s', name);
                   execute format('alter table %s disable row level security', name);
               end loop;
               for name in select oid::regclass from pg_class where relnamespace = 'destiny'::regnamespace and relkind = 'v' loop
                   execute format('alter view %s reset (security_invoker)', name);
               end loop;
           end $$"""
    )
    op.execute("drop function isolate; drop index entity_by_title; alter table entity drop column title_key")
    op.execute(
        r"create index entity_by_title on entity (project, btrim(lower(regexp_replace(name, '\s*\([^()]*\)\s*$', '')))) "
        "where document_id is not null and length(name) <= 200"
    )
