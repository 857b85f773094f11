-- Counted from the rows themselves, not from what a stage said about them.
select
    p.project,
    p.generation,
    p.published_at,
    (
        select count(*)
        from {{ source('ledger', 'document_version') }} as d
        where d.project = p.project and d.born <= p.generation and d.died > p.generation
    ) as documents,
    (
        select count(*)
        from {{ source('ledger', 'chunk') }} as c
        where c.project = p.project and c.born <= p.generation and c.died > p.generation
    ) as chunks
from {{ source('ledger', 'publication') }} as p
