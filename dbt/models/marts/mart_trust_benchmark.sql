-- What each model of trust made of each truth suite, one row a number of labels and method.
select
    t.project,
    t.suite,
    t.sha256,
    t.model,
    t.labels,
    t.scored,
    method.key as method,
    (method.value ->> 'precision')::double precision as precision,
    (method.value ->> 'brier')::double precision as brier,
    (method.value ->> 'ece')::double precision as ece,
    (t.metrics -> 'precision_gain' ->> 'mean')::double precision as precision_gain,
    (t.metrics -> 'precision_gain' -> 'interval_95' ->> 0)::double precision as precision_gain_low,
    (t.metrics -> 'precision_gain' -> 'interval_95' ->> 1)::double precision as precision_gain_high,
    t.at as measured_at
from {{ source('ledger', 'trust_benchmark') }} as t
cross join lateral jsonb_each(t.metrics -> 'methods') as method
