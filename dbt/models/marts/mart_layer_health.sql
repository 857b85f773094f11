with agreement as (
    select
        project,
        generation,
        max(expected) filter (where layer = 'documents') as originals_expected,
        max(missing) filter (where layer = 'documents') as originals_missing,
        max(expected) filter (where layer = 'vectors') as vectors_expected,
        max(missing) filter (where layer = 'vectors') as vectors_missing,
        max(extra) filter (where layer = 'vectors') as vectors_extra,
        max(stale) filter (where layer = 'vectors') as vectors_stale,
        max(expected) filter (where layer = 'graph') as graph_expected,
        max(missing) filter (where layer = 'graph') as graph_missing,
        max(extra) filter (where layer = 'graph') as graph_extra,
        max(stale) filter (where layer = 'graph') as graph_stale,
        count(*) filter (where agrees) as agreeing,
        max(checked_at) as checked_at
    from {{ ref('stg_layer_agreement') }}
    group by 1, 2
),

by_reason as (
    select project, reason, count(*) as items
    from {{ ref('stg_quarantine') }}
    group by 1, 2
),

quarantined as (
    select
        project,
        sum(items)::bigint as quarantined,
        jsonb_object_agg(reason, items) as quarantined_by_reason
    from by_reason
    group by 1
)

select
    c.project,
    c.generation,
    c.published_at as last_published_at,
    round((extract(epoch from now() - c.published_at) / 3600)::numeric, 2) as age_hours,
    c.documents,
    c.chunks,
    a.originals_expected,
    a.originals_missing,
    a.vectors_expected,
    a.vectors_missing,
    a.vectors_extra,
    a.vectors_stale,
    a.graph_expected,
    a.graph_missing,
    a.graph_extra,
    a.graph_stale,
    -- The ledger agrees with itself.
    1 + coalesce(a.agreeing, 0) as layers_agreeing,
    a.checked_at,
    coalesce(q.quarantined, 0) as quarantined,
    coalesce(q.quarantined_by_reason, '{}'::jsonb) as quarantined_by_reason
from {{ ref('stg_current_counts') }} as c
left join agreement as a on a.project = c.project and a.generation = c.generation
left join quarantined as q on q.project = c.project
