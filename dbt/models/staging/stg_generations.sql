-- The counts are those of the moment of publishing: the vacuum removes old rows, so they can't be counted again later.
select
    g.project,
    g.number as generation,
    g.state,
    g.started_at,
    g.published_at,
    g.model_id,
    coalesce(p.generation = g.number, false) as is_current,
    (g.facts ->> 'documents')::bigint as documents,
    (g.facts ->> 'chunks')::bigint as chunks,
    (g.facts ->> 'tokens')::bigint as tokens,
    (g.facts ->> 'entities')::bigint as entities,
    (g.facts ->> 'mentions')::bigint as mentions,
    (g.facts ->> 'references')::bigint as reference_count
from {{ source('ledger', 'generation') }} as g
left join {{ source('ledger', 'publication') }} as p on p.project = g.project
