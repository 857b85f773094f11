-- One row a metric; a generation measured again counts with its newest run.
with newest as (
    select distinct on (project, generation, suite, recipe)
        project,
        generation,
        suite,
        recipe,
        queries,
        metrics,
        at
    from {{ source('ledger', 'benchmark_run') }}
    order by project, generation, suite, recipe, at desc, id
)

select
    newest.project,
    newest.generation,
    newest.suite,
    newest.recipe,
    metric.key as metric,
    (metric.value #>> '{}')::double precision as value,
    newest.queries,
    newest.at as measured_at
from newest
cross join lateral jsonb_each(newest.metrics) as metric
where jsonb_typeof(metric.value) = 'number'
