{{ config(meta={'dagster': {'ref': {'name': 'mart_benchmark_history'}}}) }}
-- Every metric that is no latency lies in [0, 1].
select project, generation, suite, recipe, metric, value
from {{ ref('mart_benchmark_history') }}
where metric not like '%\_ms%' and value > 1
