select
    project,
    source,
    uri,
    stage,
    reason,
    tries,
    first_at,
    last_at
from {{ source('ledger', 'quarantine') }}
