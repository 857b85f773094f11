with days as (
    select
        project,
        (published_at at time zone 'UTC')::date as day,
        count(*) as publications,
        max(publication_id) as last_publication_id
    from {{ ref('stg_publications') }}
    group by 1, 2
),

counted as (
    select
        days.project,
        days.day,
        days.publications,
        last_of_day.generation,
        g.documents,
        g.chunks,
        g.tokens
    from days
    inner join {{ ref('stg_publications') }} as last_of_day
        on last_of_day.publication_id = days.last_publication_id
    left join {{ ref('stg_generations') }} as g
        on g.project = last_of_day.project and g.generation = last_of_day.generation
)

select
    project,
    day,
    generation,
    publications,
    documents,
    chunks,
    tokens,
    documents - lag(documents, 1, 0::bigint) over by_day as documents_added,
    chunks - lag(chunks, 1, 0::bigint) over by_day as chunks_added,
    tokens - lag(tokens, 1, 0::bigint) over by_day as tokens_added
from counted
window by_day as (partition by project order by day)
