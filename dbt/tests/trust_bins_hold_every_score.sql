{{ config(meta={'dagster': {'ref': {'name': 'mart_trust_distribution'}}}) }}
-- Each score is in exactly one bin.
with binned as (
    select project, item_kind, sum(items) as items
    from {{ ref('mart_trust_distribution') }}
    group by 1, 2
),

scored as (
    select project, item_kind, count(*) as items
    from {{ ref('stg_trust_scores') }}
    group by 1, 2
)

select project, item_kind, binned.items as binned, scored.items as scored
from binned
full join scored using (project, item_kind)
where binned.items is distinct from scored.items
