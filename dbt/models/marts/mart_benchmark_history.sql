select
    m.project,
    m.generation,
    m.suite,
    m.recipe,
    m.metric,
    m.value,
    m.value - lag(m.value) over (partition by m.project, m.suite, m.recipe, m.metric order by m.generation) as change,
    m.queries,
    m.measured_at,
    coalesce(g.is_current, false) as is_current
from {{ ref('stg_benchmark_metrics') }} as m
left join {{ ref('stg_generations') }} as g on g.project = m.project and g.generation = m.generation
