select
    id as publication_id,
    project,
    generation,
    previous,
    reason,
    at as published_at
from {{ source('ledger', 'publication_event') }}
