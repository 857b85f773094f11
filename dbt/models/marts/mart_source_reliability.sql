with spoken as (
    select
        e.project,
        e.witness,
        c.predicate,
        count(distinct e.claim_id) as claims,
        count(distinct e.claim_id) filter (where c.is_contested) as contested,
        count(distinct e.claim_id) filter (where c.is_believed) as believed,
        count(distinct e.claim_id) filter (where c.label) as labelled_true,
        count(distinct e.claim_id) filter (where not c.label) as labelled_false
    from {{ ref('stg_evidence') }} as e
    inner join {{ ref('stg_claims') }} as c on c.project = e.project and c.claim_id = e.claim_id
    group by 1, 2, 3
)

select
    r.project,
    r.witness,
    r.predicate,
    p.generation,
    r.complete as reliability,
    r.level as standing_level,
    r.copies,
    spoken.claims,
    spoken.contested,
    spoken.believed,
    spoken.labelled_true,
    spoken.labelled_false
from {{ source('ledger', 'source_reliability') }} as r
inner join {{ source('ledger', 'publication') }} as p
    on p.project = r.project and r.born <= p.generation and r.died > p.generation
inner join spoken on spoken.project = r.project and spoken.witness = r.witness and spoken.predicate = r.predicate
