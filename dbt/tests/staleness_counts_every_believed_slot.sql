{{ config(meta={'dagster': {'ref': {'name': 'mart_staleness'}}}) }}
-- Every slot of which something is believed is counted once.
with counted as (
    select project, sum(slots) as slots from {{ ref('mart_staleness') }} group by 1
),

believed as (
    select project, count(distinct slot_id || predicate) as slots from {{ ref('stg_claims') }} where is_believed group by 1
)

select project, counted.slots as counted, believed.slots as believed
from counted
full join believed using (project)
where counted.slots is distinct from believed.slots
