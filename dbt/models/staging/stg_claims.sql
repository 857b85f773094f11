select
    c.project,
    c.id as claim_id,
    b.slot_id,
    c.subject,
    c.predicate,
    c.value,
    b.probability,
    b.standing,
    b.believed as is_believed,
    b.contested as is_contested,
    b.label,
    p.generation
from {{ source('ledger', 'claim') }} as c
inner join {{ source('ledger', 'publication') }} as p
    on p.project = c.project and c.born <= p.generation and c.died > p.generation
inner join {{ source('ledger', 'claim_probability') }} as b
    on b.project = c.project and b.id = c.id and b.born <= p.generation and b.died > p.generation
