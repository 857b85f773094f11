"""Labels that were counted are found without reading all probabilities, and sessions of people who signed in at an identity provider."""

from alembic import op

revision = "0016"
down_revision = "0015"

CHANGES = """
-- A label that was taken back has no other trace than the probability that counted it.
create index claim_probability_labelled on claim_probability (project, died) where label is not null;

-- A session stands for a key, or for what a provider said of a person when that one signed in.
alter table page_session alter column key_id drop not null;
alter table page_session add column actor text, add column name text, add column grants jsonb;
alter table page_session add check (
    case when key_id is null then actor is not null and name is not null and grants is not null
    else actor is null and name is null and grants is null end);
"""
BACK = """
delete from page_session where key_id is null;
alter table page_session drop column actor, drop column name, drop column grants;
alter table page_session alter column key_id set not null;
drop index claim_probability_labelled;
"""


def upgrade() -> None:
    """Add the index and the columns."""
    op.execute("set local search_path to destiny")
    op.execute(CHANGES)


def downgrade() -> None:
    """Drop them: who signed in at a provider signs in again, with a key."""
    op.execute("set local search_path to destiny")
    op.execute(BACK)
