-- How long ago what is believed was last said, by predicate, counted to the newest dated word of the project.
with said as (
    select
        c.project,
        c.generation,
        c.predicate,
        c.slot_id,
        max(e.observed_at) as said_at
    from {{ ref('stg_claims') }} as c
    inner join {{ ref('stg_evidence') }} as e on e.project = c.project and e.claim_id = c.claim_id
    where c.is_believed
    group by 1, 2, 3, 4
),

aged as (
    select
        said.*,
        extract(epoch from max(said_at) over (partition by project) - said_at)::double precision / 86400 as days
    from said
)

select
    project,
    predicate,
    min(generation) as generation,
    count(*) as slots,
    count(days) as dated,
    max(said_at) as last_said_at,
    percentile_cont(0.5) within group (order by days) as median_days,
    max(days) as oldest_days
from aged
group by 1, 2
