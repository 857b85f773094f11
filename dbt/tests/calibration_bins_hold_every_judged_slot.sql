{{ config(meta={'dagster': {'ref': {'name': 'mart_reliability_diagram'}}}) }}
-- Each judged slot is in exactly one tenth.
with binned as (
    select project, generation, method, sum(slots) as slots
    from {{ ref('mart_reliability_diagram') }}
    group by 1, 2, 3
)

select c.project, c.generation, c.method, c.judged, binned.slots
from {{ ref('mart_calibration') }} as c
left join binned on binned.project = c.project and binned.generation = c.generation and binned.method = c.method
where c.is_newest and c.judged is distinct from binned.slots
