-- The newest gate report of each generation, one row a layer. The ledger is what the others are compared with.
with newest as (
    select distinct on (project, generation)
        project,
        generation,
        facts -> 'layers' as layers,
        at
    from {{ source('ledger', 'stage_report') }}
    where stage = 'quality_gate' and jsonb_typeof(facts -> 'layers') = 'object'
    order by project, generation, at desc
)

select
    newest.project,
    newest.generation,
    layer.key as layer,
    (layer.value ->> 'expected')::bigint as expected,
    (layer.value ->> 'missing')::bigint as missing,
    (layer.value ->> 'extra')::bigint as extra,
    (layer.value ->> 'stale')::bigint as stale,
    coalesce((layer.value ->> 'missing')::bigint = 0 and (layer.value ->> 'extra')::bigint = 0
        and (layer.value ->> 'stale')::bigint = 0, false) as agrees,
    newest.at as checked_at
from newest
cross join lateral jsonb_each(newest.layers) as layer
