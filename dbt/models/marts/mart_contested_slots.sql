select
    project,
    slot_id,
    generation,
    min(subject) as subject,
    min(predicate) as predicate,
    count(*) filter (where standing = 'current') as current_claims,
    max(value) filter (where is_believed) as believed_value,
    max(probability) filter (where is_believed) as believed_probability,
    bool_or(label is not null) as is_labelled
from {{ ref('stg_claims') }}
where is_contested
group by 1, 2, 3
