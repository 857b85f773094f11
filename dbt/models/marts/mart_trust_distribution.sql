with kinds as (
    select
        project,
        item_kind,
        generation,
        count(*) as items_of_kind,
        avg(score) as mean_score
    from {{ ref('stg_trust_scores') }}
    group by 1, 2, 3
),

filled as (
    select
        project,
        item_kind,
        least(9, floor(score * 10))::integer as bin,
        count(*) as items
    from {{ ref('stg_trust_scores') }}
    group by 1, 2, 3
)

select
    kinds.project,
    kinds.item_kind,
    kinds.generation,
    bin,
    bin / 10.0 as bin_from,
    (bin + 1) / 10.0 as bin_to,
    coalesce(filled.items, 0) as items,
    coalesce(filled.items, 0)::double precision / kinds.items_of_kind as share,
    kinds.mean_score
from kinds
cross join generate_series(0, 9) as bin
left join filled using (project, item_kind, bin)
