"""How well probabilities of claims hold against labels, suites of labelled claims and what the model makes of them; claims that were taken back,
and witnesses of one family.
"""

from alembic import op

revision = "0018"
down_revision = "0016"

TABLES = """
create table calibration (
    project            text not null references project on delete cascade,
    generation         integer not null,
    method             text not null check (method in ('destiny', 'majority')),
    model              text not null,
    labels             integer not null check (labels >= 0),
    judged             integer not null check (judged > 0),
    undecided          integer not null check (undecided >= 0),
    precision          double precision not null,
    brier              double precision not null,
    ece                double precision not null,
    ece_low            double precision not null,
    ece_high           double precision not null,
    ece_if_calibrated  double precision not null,
    ece_chance_high    double precision not null,
    log_loss           double precision not null,
    at                 timestamptz not null default now(),
    primary key (project, generation, method)
);

create table calibration_bin (
    project            text not null,
    generation         integer not null,
    method             text not null,
    bin                integer not null check (bin between 0 and 9),
    slots              integer not null check (slots >= 0),
    mean_probability   double precision,
    share_right        double precision,
    low                double precision,
    high               double precision,
    primary key (project, generation, method, bin),
    foreign key (project, generation, method) references calibration on delete cascade,
    check ((slots = 0) = (mean_probability is null) and (slots = 0) = (share_right is null))
);

-- Labelled claims that people attach to measure the model of trust by. Files as they were given: they are read by one reader.
create table truth_suite (
    project      text not null references project on delete cascade,
    suite        text not null,
    claims       bytea not null,
    truth        bytea not null,
    sha256       text not null,
    attached_at  timestamptz not null default now(),
    primary key (project, suite)
);

-- What a model made of a suite. The model is code, so neither changes from one generation to the next unless somebody changed it.
create table trust_benchmark (
    project      text not null references project on delete cascade,
    suite        text not null,
    sha256       text not null,
    model        text not null,
    labels       integer not null check (labels >= 0),
    scored       integer not null check (scored > 0),
    metrics      jsonb not null,
    at           timestamptz not null default now(),
    primary key (project, suite, sha256, model, labels)
);

-- Which witnesses have one vote together, since people said so.
create table witness_family (
    project      text not null references project on delete cascade,
    witness      text not null,
    family       text not null check (family <> ''),
    primary key (project, witness)
);
select isolate('witness_family');

alter table claim_probability drop constraint claim_probability_standing_check;
alter table claim_probability add check (standing in ('current', 'superseded', 'outdated', 'retracted'));
create index evidence_revert on evidence (project) where rule = 'revert';
select isolate('calibration');
select isolate('calibration_bin');
select isolate('truth_suite');
select isolate('trust_benchmark');
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute("set local search_path to destiny")
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them: what was measured is forgotten, what is believed is not."""
    op.execute("set local search_path to destiny")
    op.execute("drop table witness_family, trust_benchmark, truth_suite, calibration_bin, calibration")
    op.execute("drop index evidence_revert")
    op.execute("update claim_probability set standing = 'outdated' where standing = 'retracted'")
    op.execute("alter table claim_probability drop constraint claim_probability_standing_check")
    op.execute("alter table claim_probability add check (standing in ('current', 'superseded', 'outdated'))")
