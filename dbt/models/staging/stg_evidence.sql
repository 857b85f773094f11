select
    e.project,
    e.id as evidence_id,
    e.claim_id,
    e.slot_id,
    e.witness,
    e.observed_at,
    p.generation
from {{ source('ledger', 'evidence') }} as e
inner join {{ source('ledger', 'publication') }} as p
    on p.project = e.project and e.born <= p.generation and e.died > p.generation
