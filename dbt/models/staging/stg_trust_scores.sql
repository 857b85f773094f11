select
    t.project,
    t.id as item_id,
    t.item_kind,
    t.score,
    p.generation
from {{ source('ledger', 'trust_score') }} as t
inner join {{ source('ledger', 'publication') }} as p
    on p.project = t.project and t.born <= p.generation and t.died > p.generation
