select
    project,
    created_at
from {{ source('ledger', 'project') }}
