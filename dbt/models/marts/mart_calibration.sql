-- How well probabilities of claims held against labels, one row a generation that was measured and method.
select
    c.project,
    c.generation,
    c.method,
    c.model,
    c.labels,
    c.judged,
    c.undecided,
    c.precision,
    c.brier,
    c.ece,
    c.ece_low,
    c.ece_high,
    c.ece_if_calibrated,
    c.log_loss,
    c.at as measured_at,
    c.generation = max(c.generation) over (partition by c.project) as is_newest
from {{ source('ledger', 'calibration') }} as c
inner join {{ ref('stg_generations') }} as g on g.project = c.project and g.generation = c.generation
where g.state = 'published'
